// The small language of x- keys: strings that begin with `$`, and the maps of them.
import type { Bindings, Value, Where } from "./contract.ts";
import { record } from "./raw.ts";

const forms: readonly { pattern: RegExp; read: (name: string, member: string) => Value }[] = [
  { pattern: /^\$message\.payload(?:#((?:\/.*)?))?$/s, read: (pointer) => ({ kind: "message", pointer }) },
  { pattern: /^\$message\.header#\/(.+)$/s, read: (name) => ({ kind: "header", name }) },
  { pattern: /^\$sender\.(.+)$/s, read: (attribute) => ({ kind: "sender", attribute }) },
  { pattern: /^\$channel\.(.+)$/s, read: (name) => ({ kind: "parameter", name }) },
  { pattern: /^\$column\.(.+)$/s, read: (name) => ({ kind: "column", name }) },
  { pattern: /^\$count\.(.+)$/s, read: (relation) => ({ kind: "count", relation }) },
  { pattern: /^\$reply(?:#((?:\/.*)?))?$/s, read: (pointer) => ({ kind: "reply", pointer }) },
  { pattern: /^\$relation\.([^.]+)\.(.+)$/s, read: (relation, column) => ({ kind: "relation", relation, column }) },
  {
    pattern: /^\$list\.([^.]+)(?:\.(.+))?$/s,
    read: (relation, item) => ({ kind: "list", relation, item: item === "" ? undefined : item }),
  },
];

/** What the strings may look like, for messages to people. */
export const valueForms =
  "$message.payload#/POINTER, $message.header#/NAME, $reply#/POINTER, $sender.ATTRIBUTE, $channel.PARAMETER, $column.NAME, $count.RELATION, $list.RELATION, $relation.NAME.COLUMN, or $$ for a literal $";

/** Whether a raw value begins with `$` but is none of the forms. */
export function isUnreadable(raw: unknown): boolean {
  return (
    typeof raw === "string" && raw.startsWith("$") && !raw.startsWith("$$") && !forms.some(({ pattern }) => pattern.test(raw))
  );
}

/** A literal, or what a string that begins with `$` stands for. `$$` is a literal `$`. */
export function readValue(raw: unknown): Value {
  if (typeof raw !== "string" || !raw.startsWith("$")) return { kind: "literal", value: raw };
  if (raw.startsWith("$$")) return { kind: "literal", value: raw.slice(1) };
  for (const { pattern, read } of forms) {
    const match = pattern.exec(raw);
    if (match) return read(match[1] ?? "", match[2] ?? "");
  }
  return { kind: "literal", value: raw };
}

export function readWhere(raw: unknown): Where {
  return new Map(Object.entries(record(raw)).map(([column, value]) => [column, readValue(value)]));
}

export function readBindings(raw: unknown): Bindings {
  return readWhere(raw);
}
