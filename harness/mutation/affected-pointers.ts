// Which statements of the document a change affects: the promise that it is part of, and all that make the same promise. Pure.
import type { Contract, JsonSchema } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { promisesOf } from "./promises.ts";

const definitionPrefix = "#/definitions/";

/** The pointer itself, or the uses of the definition that it is in; then every promise that one of them is part of. */
export function pointersAffectedBy(contract: Contract, pointer: string): readonly string[] {
  const [, definition] = /^#\/definitions\/([^/]+)/.exec(pointer) ?? [];
  const own = definition === undefined ? [pointer] : usesOf(contract, definition);
  const promises = promisesOf(contract).filter((promise) => own.some((one) => isWithin(one, promise.pointer)));
  return [...new Set([...own, ...promises.flatMap((promise) => [promise.pointer, ...promise.alsoAt])])];
}

/** Whether the pointer is the other one, or points into it. */
export function isWithin(pointer: string, other: string): boolean {
  return pointer === other || pointer.startsWith(`${other}/`);
}

/** Every pointer in a message's schema at which the definition is used, read through references. */
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
