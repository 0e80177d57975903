// Changes a JSON value in place, by JSON Pointer. For copies that belong to the mock; names come from the document alone.
import { tokens } from "../../spec/pointer.ts";

type Container = Record<string, unknown>;

/** Puts the value there; objects on the way are made where they are missing. @returns the root, another one for the pointer "" */
export function put(root: unknown, pointer: string, value: unknown): unknown {
  const path = tokens(pointer);
  const last = path.pop();
  if (last === undefined) return value;
  const whole = isContainer(root) ? root : {};
  let here: Container = whole;
  for (const token of path) {
    const next = Object.hasOwn(here, token) ? here[token] : undefined;
    if (isContainer(next)) here = next;
    else {
      const made: Container = {};
      define(here, token, made);
      here = made;
    }
  }
  define(here, last, value);
  return whole;
}

/** Removes the member there, where it is one. */
export function remove(root: unknown, pointer: string): void {
  const path = tokens(pointer);
  const last = path.pop();
  let here = root;
  for (const token of path) here = isContainer(here) && Object.hasOwn(here, token) ? here[token] : undefined;
  if (last !== undefined && isContainer(here) && !Array.isArray(here)) delete here[last];
}

/** A deep copy of a JSON value. */
export function copy<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copy) as T;
  if (typeof value !== "object" || value === null) return value;
  const made: Container = {};
  for (const name of Object.keys(value)) define(made, name, copy((value as Container)[name]));
  return made as T;
}

/** A member of any name, `__proto__` too. */
function define(holder: Container, name: string, value: unknown): void {
  if (name === "__proto__") Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
  else holder[name] = value;
}

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null;
}
