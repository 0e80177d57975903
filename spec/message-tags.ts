// Finds the constant field by which a message is told from the others of its direction.
import type { Channel, Contract, JsonSchema, Message, Operation, Pointer } from "./contract.ts";
import { join } from "./pointer.ts";
import { list, record } from "./raw.ts";
import { conjuncts } from "./schema-walk.ts";

type Scalar = string | number | boolean;
type Tag = NonNullable<Message["tag"]>;
type Definitions = ReadonlyMap<string, JsonSchema>;

/** Deeper than any envelope that has been seen, and shallow enough for recursive schemas. */
const maxDepth = 4;

/**
 * The tag of one payload among others: the first pointer where it holds one constant that no other can hold.
 * @returns undefined where no single field decides
 */
export function tagAmong(payload: JsonSchema, others: readonly JsonSchema[], definitions: Definitions): Tag | undefined {
  return constants(payload, definitions).find(({ pointer, value }) =>
    others.every((other) => excludes(other, pointer, value, definitions)),
  );
}

/** Required constants of a schema, the shallow ones first. */
function constants(schema: JsonSchema, definitions: Definitions): Tag[] {
  const found: (Tag & { depth: number; required: boolean })[] = [];
  const walk = (schema: unknown, pointer: Pointer, depth: number, required: boolean) => {
    for (const part of conjuncts(schema, definitions)) {
      const value = onlyValue(part);
      if (value !== undefined) found.push({ pointer, value, depth, required });
      if (depth >= maxDepth) continue;
      const needed = new Set(list(part.required));
      for (const [name, child] of Object.entries(record(part.properties))) {
        walk(child, join(pointer, name), depth + 1, required && needed.has(name));
      }
      for (const [at, item] of tupleOf(part).entries())
        walk(item, join(pointer, String(at)), depth + 1, required && Number(part.minItems ?? 0) > at);
    }
  };
  walk(schema, "", 0, true);
  return found
    .sort((a, b) => Number(b.required) - Number(a.required) || a.depth - b.depth)
    .map(({ pointer, value }) => ({ pointer, value }));
}

function onlyValue(schema: Record<string, unknown>): Scalar | undefined {
  const only = "const" in schema ? schema.const : list(schema.enum).length === 1 ? list(schema.enum)[0] : undefined;
  return typeof only === "string" || typeof only === "number" || typeof only === "boolean" ? only : undefined;
}

/** The schemas of the first items: `items` of draft-07, `prefixItems` of 2020-12. */
function tupleOf(schema: Record<string, unknown>): readonly unknown[] {
  return list(schema.prefixItems ?? (Array.isArray(schema.items) ? schema.items : []));
}

/** Whether no value of the schema can hold this at the pointer. */
function excludes(schema: JsonSchema, pointer: Pointer, value: Scalar, definitions: Definitions): boolean {
  const names = pointer.split("/").slice(1);
  return excludesAt(conjuncts(schema, definitions), names, value, definitions);
}

function excludesAt(
  parts: readonly Record<string, unknown>[],
  [name, ...rest]: readonly string[],
  value: Scalar,
  definitions: Definitions,
): boolean {
  if (name === undefined)
    return parts.some(
      (part) =>
        ("const" in part && part.const !== value) ||
        (Array.isArray(part.enum) && !part.enum.includes(value)) ||
        !allowsType(part, typeof value as "number" | "string" | "boolean"),
    );
  const key = name.replaceAll("~1", "/").replaceAll("~0", "~");
  const isClosed = (children: readonly unknown[], closed: (part: Record<string, unknown>) => boolean) =>
    children.length === 0
      ? parts.some(closed)
      : excludesAt(
          children.flatMap((child) => conjuncts(child, definitions)),
          rest,
          value,
          definitions,
        );
  const members = parts.flatMap((part) => (Object.hasOwn(record(part.properties), key) ? [record(part.properties)[key]] : []));
  const noObject =
    parts.some((part) => !allowsType(part, "object")) ||
    isClosed(members, (part) => part.additionalProperties === false && part.patternProperties === undefined);
  if (!noObject) return false;
  const at = /^\d+$/.test(key) ? Number(key) : undefined;
  if (at === undefined || parts.some((part) => !allowsType(part, "array"))) return true;
  const items = parts.flatMap((part) => tupleOf(part).slice(at, at + 1));
  return isClosed(items, (part) => (tupleOf(part).length > 0 && isLast(part)) || Number(part.maxItems ?? at + 1) <= at);
}

/** Whether nothing may follow the tuple. */
function isLast(part: Record<string, unknown>): boolean {
  return "prefixItems" in part ? part.items === false : part.additionalItems === false;
}

function allowsType(schema: Record<string, unknown>, type: "array" | "object" | "string" | "number" | "boolean"): boolean {
  const types = typeof schema.type === "string" ? [schema.type] : Array.isArray(schema.type) ? schema.type : undefined;
  return types === undefined || types.includes(type) || (type === "number" && types.includes("integer"));
}

/** Gives each message the tag that tells it from all others that the same side may send on the same channel. */
export function tagsAmong({
  messages: untagged,
  channels,
  operations,
  definitions,
}: Pick<Contract, "channels" | "operations" | "definitions"> & {
  readonly messages: readonly Omit<Message, "tag">[];
}): Message[] {
  const payloads = new Map(untagged.map(({ name, payload }) => [name, payload]));
  const groups = channels.flatMap((channel) => directionsOf(channel, operations));
  return untagged.map((message) => {
    const others = [...new Set(groups.filter((group) => group.has(message.name)).flatMap((group) => [...group]))];
    const otherPayloads = others.filter((name) => name !== message.name).map((name) => payloads.get(name) ?? true);
    return { ...message, tag: message.format === "json" ? tagAmong(message.payload, otherPayloads, definitions) : undefined };
  });
}

/** The messages that the server may receive on a channel, and those that it may send; replies go the other way. */
export function directionsOf(channel: Channel, operations: readonly Operation[]): [Set<string>, Set<string>] {
  const received = new Set<string>();
  const sent = new Set<string>();
  for (const operation of operations.filter((candidate) => candidate.channel === channel.id)) {
    const [there, back] = operation.action === "receive" ? [received, sent] : [sent, received];
    for (const name of operation.messages) there.add(name);
    for (const name of operation.reply ?? []) back.add(name);
  }
  return [received, sent];
}
