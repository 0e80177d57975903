// Contract -> validators/server-messages.gen.js: one small module that validates every message of the server, for clients that count bytes.
import type { Contract, JsonSchema } from "../../../spec/contract.ts";
import { comparable, reachedDefinitions } from "../../../spec/schemas.ts";
import { banner } from "../banner.ts";
import { messagesOf } from "../messages-of.ts";

/** Keywords that the emitted module checks. Any other keyword that restricts a value means that no module is emitted. */
const checked = new Set([
  "$ref",
  "type",
  "const",
  "enum",
  "pattern",
  "format",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "required",
  "properties",
  "additionalProperties",
  "items",
  "minItems",
  "maxItems",
  "dependencies",
]);
const annotations = new Set(["title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly"]);

/**
 * AJV's code for the same messages is four times as large when minified and compressed.
 * Empty where the module would be incomplete: a message without a tag at its top level, or a keyword that the module does not check.
 */
export function emitServerValidator(contract: Contract, formats: ReadonlySet<string>): ReadonlyMap<string, string> {
  const messages = messagesOf(contract, "server", "websocket").map((name) => contract.messages.find((one) => one.name === name)!);
  const tagPointers = new Set(messages.map(({ tag }) => tag?.pointer));
  const [tagPointer] = tagPointers;
  if (tagPointers.size !== 1 || tagPointer === undefined || !/^\/[^/~]+$/.test(tagPointer)) return new Map();
  const names = [...new Set(messages.flatMap(({ payload }) => reachedDefinitions(contract, payload)))];
  const definitions = names.map((name) => [name, comparable(contract.definitions.get(name)!)] as const);
  const byTag = messages.map(({ tag, payload }) => [String(tag!.value), comparable(payload)] as const);
  const isComplete = [...definitions, ...byTag].every(([, schema]) => isChecked(schema, formats));
  if (!isComplete || messages.some(({ tag }) => typeof tag!.value !== "string")) return new Map();
  const table = (entries: readonly (readonly [string, JsonSchema])[]) =>
    entries.map(([name, schema]) => `  ${JSON.stringify(name)}: ${JSON.stringify(withoutAnnotations(schema))},\n`).join("");
  return new Map([
    ["server-messages.gen.js", moduleText(tagPointer.slice(1), table(definitions), table(byTag))],
    ["server-messages.gen.d.ts", declaration],
  ]);
}

/** @param formats those that the shared runtime checks */
function isChecked(schema: unknown, formats: ReadonlySet<string>): boolean {
  if (typeof schema !== "object" || schema === null) return typeof schema === "boolean";
  return Object.entries(schema).every(([keyword, value]) => {
    if (annotations.has(keyword) || keyword.startsWith("x-")) return true;
    if (keyword === "format") return formats.has(value);
    if (keyword === "properties") return Object.values(value as object).every((inner) => isChecked(inner, formats));
    if (keyword === "dependencies") return Object.values(value as object).every(Array.isArray);
    if (keyword === "items" || keyword === "additionalProperties") return isChecked(value, formats);
    if (keyword === "const" || keyword === "enum") return [value].flat().every((one) => typeof one !== "object" || one === null);
    return checked.has(keyword);
  });
}

function withoutAnnotations(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword]) => checked.has(keyword))
      .map(([keyword, value]) => {
        if (keyword === "properties") {
          return [keyword, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutAnnotations(inner)]))];
        }
        return [keyword, keyword === "items" || keyword === "additionalProperties" ? withoutAnnotations(value) : value];
      }),
  );
}

const declaration = `${banner("Validates any message of the server.")}import type { ServerMessage } from "../types.gen.ts";

/** The first fault of a value. */
export interface ServerMessageFault {
  /** JSON Pointer to the faulty value. */
  readonly pointer: string;
  /** The JSON Schema keyword that the value violates. */
  readonly keyword: string;
}

/** @returns undefined if the value is a message of the server */
export declare function findFault(value: unknown): ServerMessageFault | undefined;
export declare function isServerMessage(value: unknown): value is ServerMessage;
`;

const moduleText = (tag: string, definitions: string, messages: string) => `${banner("Validates any message of the server.")}
import { formats, ucs2length } from "./runtime.gen.js";

const definitions = {
${definitions}};

/** By the value of the tag \`${tag}\`. */
const messages = {
${messages}};

const patterns = new Map();

function matches(pattern, text) {
  if (!patterns.has(pattern)) patterns.set(pattern, new RegExp(pattern, "u"));
  return patterns.get(pattern).test(text);
}

const types = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  string: (value) => typeof value === "string",
  number: (value) => Number.isFinite(value),
  integer: (value) => Number.isInteger(value),
  array: Array.isArray,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

const ofString = {
  pattern: matches,
  format: (name, text) => {
    const format = formats[name];
    return format instanceof RegExp ? format.test(text) : (format.validate ?? format)(text);
  },
  minLength: (limit, text) => ucs2length(text) >= limit,
  maxLength: (limit, text) => ucs2length(text) <= limit,
};
const ofNumber = {
  minimum: (limit, value) => value >= limit,
  maximum: (limit, value) => value <= limit,
  exclusiveMinimum: (limit, value) => value > limit,
  exclusiveMaximum: (limit, value) => value < limit,
};
const ofArray = {
  minItems: (limit, value) => value.length >= limit,
  maxItems: (limit, value) => value.length <= limit,
};
const ofAny = {
  type: (names, value) => [names].flat().some((name) => types[name](value)),
  const: (expected, value) => value === expected,
  enum: (list, value) => list.includes(value),
};
const ofObject = {
  required: (names, value) => names.every((name) => Object.hasOwn(value, name)),
  dependencies: (needed, value) =>
    Object.entries(needed).every(([name, names]) => !Object.hasOwn(value, name) || ofObject.required(names, value)),
};

/** @returns { pointer, keyword } of the first fault, or undefined */
function check(schema, value, pointer) {
  if (schema === true) return undefined;
  if (schema === false) return { pointer, keyword: "false schema" };
  const referenced = schema.$ref === undefined ? undefined : check(definitions[schema.$ref.slice(${"#/definitions/".length})], value, pointer);
  if (referenced !== undefined) return referenced;
  const isObject = types.object(value);
  const isArray = Array.isArray(value);
  const own = typeof value === "string" ? ofString : typeof value === "number" ? ofNumber : isArray ? ofArray : isObject ? ofObject : {};
  for (const keyword of Object.keys(schema)) {
    const holds = ofAny[keyword] ?? own[keyword];
    if (holds !== undefined && !holds(schema[keyword], value)) return { pointer, keyword };
  }
  if (isArray && schema.items !== undefined) {
    for (let index = 0; index < value.length; index++) {
      const fault = check(schema.items, value[index], \`\${pointer}/\${index}\`);
      if (fault !== undefined) return fault;
    }
  }
  if (isObject) {
    for (const name of Object.keys(value)) {
      const inner = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties[name] : (schema.additionalProperties ?? true);
      const at = \`\${pointer}/\${name.replaceAll("~", "~0").replaceAll("/", "~1")}\`;
      const fault = inner === false ? { pointer: at, keyword: "additionalProperties" } : check(inner, value[name], at);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

export function findFault(value) {
  if (!types.object(value)) return { pointer: "", keyword: "type" };
  const tag = value[${JSON.stringify(tag)}];
  if (typeof tag !== "string" || !Object.hasOwn(messages, tag)) return { pointer: ${JSON.stringify(`/${tag}`)}, keyword: "enum" };
  return check(messages[tag], value, "");
}

export function isServerMessage(value) {
  return findFault(value) === undefined;
}
`;
