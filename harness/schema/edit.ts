// Copies of a JSON value with one place changed. Places are JSON Pointers; the value itself is never touched.
import { join, tokens } from "../../spec/pointer.ts";
import type { Json } from "./json.ts";

/** Whether the value has this place. */
export function hasValueAt(value: Json, pointer: string): boolean {
  return at(value, tokens(pointer)) !== undefined;
}

/** What stands there, or undefined. */
export function valueAt(value: Json, pointer: string): Json | undefined {
  return at(value, tokens(pointer));
}

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  let here = value;
  for (const token of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, token)) return undefined;
    here = (here as Readonly<Record<string, Json>>)[token];
  }
  return here;
}

/** @throws RangeError where the place's parent is missing or no container */
export function withValueAt(value: Json, pointer: string, replacement: Json): Json {
  return edited(value, tokens(pointer), () => replacement, pointer);
}

/** @throws RangeError where there is no such place */
export function withoutValueAt(value: Json, pointer: string): Json {
  return edited(value, tokens(pointer), () => undefined, pointer);
}

function edited(value: Json, path: readonly string[], change: () => Json | undefined, pointer: string): Json {
  const [token, ...rest] = path;
  if (token === undefined) return change() ?? null;
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    const index = Number(token);
    const item = rest.length === 0 ? change() : edited(items[index] ?? null, rest, change, pointer);
    return [...items.slice(0, index), ...(item === undefined ? [] : [item]), ...items.slice(index + 1)];
  }
  if (typeof value !== "object" || value === null) throw new RangeError(`no container for ${pointer}`);
  const object = value as Readonly<Record<string, Json>>;
  const inner = Object.hasOwn(object, token) ? object[token]! : null;
  const changed = rest.length === 0 ? change() : edited(inner, rest, change, pointer);
  const members = Object.entries(object).filter(([name]) => name !== token || changed !== undefined);
  if (changed === undefined) return Object.fromEntries(members.filter(([name]) => name !== token));
  if (!Object.hasOwn(object, token)) return Object.fromEntries([...members, [token, changed]]);
  return Object.fromEntries(members.map(([name, member]) => [name, name === token ? changed : member]));
}

/** Every place of the value, itself first. */
export function placesOf(value: Json, pointer = ""): string[] {
  if (typeof value !== "object" || value === null) return [pointer];
  return [pointer, ...Object.entries(value).flatMap(([name, inner]) => placesOf(inner as Json, join(pointer, name)))];
}
