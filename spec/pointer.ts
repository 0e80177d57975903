// JSON Pointers (RFC 6901): `/payload/room` into a message, `#/channels/rooms` into a document.
import { member } from "./raw.ts";

/** RFC 6901 pointer into one message, such as `/payload/room`; the empty string is the whole message. */
export type Pointer = string;

/** Fragment that says where in the document a thing stands, such as `#/channels/rooms/x-heartbeat`. */
export type DocumentPointer = string;

export function escapeToken(token: string | number): string {
  return String(token).replaceAll("~", "~0").replaceAll("/", "~1");
}

/** The pointer's tokens, unescaped. */
export function tokens(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The pointer that a reference means, in one spelling: percent-encoding undone (RFC 6901 section 6). */
export function canonical(reference: string): string {
  if (reference === "#/") return "#";
  try {
    return decodeURIComponent(reference);
  } catch {
    // A stray percent sign stands for itself.
    return reference;
  }
}

/** Adds tokens to a pointer of either kind. */
export function join(pointer: string, ...more: (string | number)[]): string {
  return [pointer, ...more.map(escapeToken)].join("/");
}

/** The pointer of the thing that holds this one; the root holds itself. */
export function parent(pointer: string): string {
  const slash = pointer.lastIndexOf("/");
  return slash < 0 ? pointer : pointer.slice(0, slash);
}

/** Pointers that were looked up: a document has few, and every frame is looked at by them. */
const parsed = new Map<string, readonly string[]>();
const maxParsed = 10_000;

/** What stands at the pointer, or undefined. */
export function lookup(root: unknown, pointer: string): unknown {
  let path = parsed.get(pointer);
  if (path === undefined) {
    path = tokens(pointer);
    if (parsed.size < maxParsed) parsed.set(pointer, path);
  }
  let value = root;
  for (const token of path) value = member(value, token);
  return value;
}
