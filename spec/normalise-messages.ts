// Messages of a document: one name each, their schemas, and the field that tells them apart.
import type { DocumentPointer, Example, JsonSchema, Message } from "./contract.ts";
import type { Definitions } from "./definitions.ts";
import { originalFormat } from "./foreign-payloads.ts";
import { canonical, join, tokens } from "./pointer.ts";
import { isRecord, list, number, record, text } from "./raw.ts";
import { resolve, type SourceTree } from "./source-tree.ts";

export interface MessageNames {
  /** The message's name, whatever chain of references leads to it; undefined where none does. */
  nameAt(pointer: DocumentPointer): string | undefined;
  /** Name -> where the message stands, in the order of the document. */
  readonly pointers: ReadonlyMap<string, DocumentPointer>;
}

/** Chooses a name for each message that a channel has: its key under components, or the channel's key for it. */
export function nameMessages(tree: SourceTree): MessageNames {
  const byPointer = new Map<DocumentPointer, string>();
  const pointers = new Map<string, DocumentPointer>();
  for (const channel of Object.keys(record(record(tree.root).channels))) {
    const resolved = resolve(tree, join("#/channels", channel));
    if (resolved === undefined) continue;
    for (const key of Object.keys(record(record(resolved.value).messages))) {
      const pointer = resolve(tree, join(resolved.pointer, "messages", key))?.pointer;
      if (pointer === undefined || byPointer.has(pointer)) continue;
      const component = /^#\/components\/messages\/[^/]+$/.test(pointer) ? tokens(pointer).at(-1) : undefined;
      const wanted = component ?? (pointers.has(key) ? `${channel}_${key}` : key);
      let name = wanted;
      for (let suffix = 2; pointers.has(name); suffix++) name = `${wanted}_${suffix}`;
      byPointer.set(pointer, name);
      pointers.set(name, pointer);
    }
  }
  return {
    nameAt: (pointer) => byPointer.get(resolve(tree, pointer)?.pointer ?? ""),
    pointers,
  };
}

/** A member of a message or operation, which a trait may lend it. In AsyncAPI 3 the object's own wins, in 2 the trait's; then the last trait. */
export function memberPointer(tree: SourceTree, pointer: DocumentPointer, key: string): DocumentPointer | undefined {
  const value = record(resolve(tree, pointer)?.value);
  const own = Object.hasOwn(value, key) ? join(pointer, key) : undefined;
  if (own !== undefined && tree.traitsWin !== true) return own;
  for (let index = list(value.traits).length - 1; index >= 0; index--) {
    const trait = resolve(tree, join(pointer, "traits", index));
    if (trait !== undefined && Object.hasOwn(record(trait.value), key)) return join(trait.pointer, key);
  }
  return own;
}

export function memberValue(tree: SourceTree, pointer: DocumentPointer, key: string): unknown {
  const at = memberPointer(tree, pointer, key);
  return at === undefined ? undefined : resolve(tree, at)?.value;
}

/** One message without its tag, which depends on the others. */
export function normaliseMessage(
  tree: SourceTree,
  name: string,
  pointer: DocumentPointer,
  defaultContentType: string | undefined,
  definitions: Definitions,
): Omit<Message, "tag"> {
  const get = (key: string) => memberValue(tree, pointer, key);
  const contentType = text(get("contentType")) ?? defaultContentType ?? contentTypeOf(tree, pointer);
  return {
    name,
    pointer,
    summary: text(get("summary")) ?? text(get("title")) ?? "",
    description: (text(get("description")) ?? "").trimEnd(),
    contentType,
    format: formatOf(contentType),
    payload: schemaOf(tree, pointer, "payload", definitions) ?? true,
    draft: draftOf(tree, pointer),
    headers: schemaOf(tree, pointer, "headers", definitions),
    correlation: payloadPointer(record(get("correlationId")).location),
    httpStatus: number(record(record(get("bindings")).http).statusCode),
    examples: examplesOf(tree, pointer),
  };
}

function schemaOf(tree: SourceTree, message: DocumentPointer, key: string, definitions: Definitions): JsonSchema | undefined {
  const pointer = memberPointer(tree, message, key);
  if (pointer === undefined || foreignSchemaFormat(tree, pointer) !== undefined) return undefined;
  return definitions.schemaAt(pointer);
}

/** Avro and Protobuf are encodings too: such a payload is JSON only where the document says so. */
function contentTypeOf(tree: SourceTree, message: DocumentPointer): string {
  const pointer = memberPointer(tree, message, "payload");
  const payload = record(pointer === undefined ? undefined : resolve(tree, pointer)?.value);
  const original = text(payload[originalFormat]) ?? (pointer === undefined ? undefined : foreignSchemaFormat(tree, pointer));
  return /avro|protobuf/.test(original ?? "") ? original!.split(/[+;]/)[0]! : "application/json";
}

/** The draft that schemaFormat or the payload's own $schema names. */
function draftOf(tree: SourceTree, message: DocumentPointer): Message["draft"] {
  const pointer = memberPointer(tree, message, "payload");
  const payload = pointer === undefined ? undefined : record(resolve(tree, pointer)?.value);
  const schema = record(payload?.schema);
  const told = [payload?.schemaFormat, memberValue(tree, message, "schemaFormat"), payload?.$schema, schema.$schema];
  return told.some((one) => /2020-12/.test(text(one) ?? "")) ? "2020-12" : "07";
}

/** The language of a payload's schema where it cannot be read here, such as Avro. */
export function foreignSchemaFormat(tree: SourceTree, payload: DocumentPointer): string | undefined {
  const format = text(record(resolve(tree, payload)?.value).schemaFormat);
  return format === undefined || /^application\/(vnd\.(aai\.asyncapi|oai\.openapi)|schema)([+;]|$)/.test(format)
    ? undefined
    : format;
}

function formatOf(contentType: string): Message["format"] {
  const essence = contentType.split(";")[0]!.trim().toLowerCase();
  if (essence === "" || /[/+]json$/.test(essence)) return "json";
  return essence.startsWith("text/") || /[/+](xml|yaml)$/.test(essence) ? "text" : "binary";
}

function examplesOf(tree: SourceTree, message: DocumentPointer): Example[] {
  const pointer = memberPointer(tree, message, "examples");
  if (pointer === undefined) return [];
  const resolved = resolve(tree, pointer);
  return list(resolved?.value).flatMap((example, index): Example[] => {
    if (!isRecord(example) || !Object.hasOwn(example, "payload")) return [];
    const at = join(canonical(resolved!.pointer), index);
    return [{ name: text(example.name) ?? "", summary: text(example.summary) ?? "", payload: example.payload, pointer: at }];
  });
}

/** `$message.payload#/id` -> `/id`. */
function payloadPointer(location: unknown): string | undefined {
  return /^\$message\.payload#(\/.*)$/s.exec(text(location) ?? "")?.[1];
}
