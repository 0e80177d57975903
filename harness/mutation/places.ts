// Where an altered place makes itself felt: the promise that it is in, and all that says the same. Pure.
import type { Contract, JsonSchema } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { promisesOf } from "./promises.ts";

const definitionPrefix = "#/definitions/";

/**
 * Pointers of all promises that an alteration at `pointer` is part of, of what else makes them, and of the uses of the definition
 * that it is in.
 */
export function placesOf(contract: Contract, pointer: string): readonly string[] {
  const [, definition] = /^#\/definitions\/([^/]+)/.exec(pointer) ?? [];
  const own = definition === undefined ? [pointer] : usesOf(contract, definition);
  const promises = promisesOf(contract).filter((promise) => own.some((place) => isWithin(place, promise.pointer)));
  return [...new Set([...own, ...promises.flatMap((promise) => [promise.pointer, ...promise.alsoAt])])];
}

/** Whether the place is the other, or in it. */
export function isWithin(place: string, other: string): boolean {
  return place === other || place.startsWith(`${other}/`);
}

/** Every place of a message at which the definition stands, read through references. */
export function usesOf(contract: Contract, definition: string): readonly string[] {
  const found: string[] = [];
  const walk = (schema: unknown, pointer: string, entered: readonly string[]): void => {
    if (typeof schema !== "object" || schema === null) return;
    for (const [keyword, value] of Object.entries(schema)) {
      if (keyword === "$ref" && typeof value === "string" && value.startsWith(definitionPrefix)) {
        const name = value.slice(definitionPrefix.length);
        if (name === definition) found.push(pointer);
        if (!entered.includes(name)) walk(contract.definitions.get(name), pointer, [...entered, name]);
      } else walk(value, join(pointer, keyword), entered);
    }
  };
  for (const { payload, pointer } of contract.messages) walk(payload satisfies JsonSchema, join(pointer, "payload"), []);
  return found;
}
