// Contract -> validators/server-messages.gen.js: one small module that validates every message of the server, for clients that count bytes.
import type { Contract } from "../../../spec/contract.ts";
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
  const names = inOrderOfUse(contract, [...new Set(messages.flatMap(({ payload }) => reachedDefinitions(contract, payload)))]);
  if (names === undefined) return new Map();
  const definitions = names.map((name) => comparable(contract.definitions.get(name)!));
  const payloads = messages.map(({ payload }) => comparable(payload));
  const isComplete = [...definitions, ...payloads].every((schema) => isChecked(schema, formats));
  if (!isComplete || messages.some(({ tag }) => typeof tag!.value !== "string")) return new Map();
  const constants = new Map(names.map((name, index) => [`#/definitions/${name}`, `definition${index}`]));
  const tag = tagPointer.slice(1);
  const lines = [
    ...definitions.map(
      (schema, index) =>
        `/** ${names[index]!.replaceAll("*/", "")} */\nconst definition${index} = ${expression(schema, constants)};`,
    ),
    `\n/** By the value of the tag \`${tag}\`. */\nconst messages = {`,
    ...payloads.map(
      (schema, index) => `  ${JSON.stringify(messages[index]!.tag!.value)}: ${expression(schema, constants, tag)},`,
    ),
    "};",
  ];
  return new Map([
    ["server-messages.gen.js", moduleText(tag, lines.join("\n"))],
    ["server-messages.gen.d.ts", declaration],
  ]);
}

/** Each name after those that its definition refers to; undefined if one refers to itself. */
function inOrderOfUse(contract: Contract, names: readonly string[]): string[] | undefined {
  const ordered: string[] = [];
  while (ordered.length < names.length) {
    const next = names.find(
      (name) =>
        !ordered.includes(name) &&
        !JSON.stringify(contract.definitions.get(name)).includes(`"#/definitions/${name}"`) &&
        reachedDefinitions(contract, contract.definitions.get(name)!).every((used) => ordered.includes(used)),
    );
    if (next === undefined) return undefined;
    ordered.push(next);
  }
  return ordered;
}

/** @param formats those that the shared runtime checks */
function isChecked(schema: unknown, formats: ReadonlySet<string>): boolean {
  if (typeof schema !== "object" || schema === null) return typeof schema === "boolean";
  return Object.entries(schema).every(([keyword, value]) => {
    if (annotations.has(keyword) || keyword.startsWith("x-")) return true;
    if (keyword === "format") return formats.has(value);
    if (keyword === "pattern") return isPattern(value);
    if (keyword === "properties") return Object.values(value as object).every((inner) => isChecked(inner, formats));
    if (keyword === "dependencies") return Object.values(value as object).every(Array.isArray);
    if (keyword === "items" || keyword === "additionalProperties") return isChecked(value, formats);
    if (keyword === "const" || keyword === "enum") return [value].flat().every((one) => typeof one !== "object" || one === null);
    return checked.has(keyword);
  });
}

/** Names of the functions that test for a type. */
const typeTests: Readonly<Record<string, string>> = {
  null: "isNull",
  boolean: "boolean",
  string: "string",
  number: "number",
  integer: "integer",
  array: "array",
  object: "isObject",
};

function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}

/**
 * A schema as a call of the functions below, whose names minifiers shorten.
 * @param tag the property that was checked already, at the top level of a message
 */
function expression(schema: unknown, constants: ReadonlyMap<string, string>, tag?: string): string {
  if (typeof schema !== "object" || schema === null) return schema === false ? "nothing" : "anything";
  const rest = { ...(schema as Record<string, unknown>) };
  const take = <T>(keyword: string): T => {
    const value = rest[keyword];
    delete rest[keyword];
    return value as T;
  };
  const parts: string[] = [];
  const $ref = take<string | undefined>("$ref");
  if ($ref !== undefined) parts.push(constants.get($ref)!);
  const hasMembers = "properties" in rest || "additionalProperties" in rest;
  const properties = Object.entries(take<object | undefined>("properties") ?? {});
  const others = take<unknown>("additionalProperties");
  if (hasMembers) {
    const required = new Set((rest.required ?? []) as string[]);
    const isWhole =
      rest.type === "object" && others === false && [...required].every((name) => properties.some(([own]) => own === name));
    const members = properties.map(
      ([name, inner]) =>
        `${name === "__proto__" ? '["__proto__"]' : JSON.stringify(name)}: ${name === tag ? "anything" : expression(inner, constants)}`,
    );
    const optional = properties.filter(([name]) => !required.has(name)).map(([name]) => name);
    if (isWhole) {
      take("type");
      take("required");
      parts.push(`object({ ${members.join(", ")} }${optional.length > 0 ? `, ${JSON.stringify(optional)}` : ""})`);
    } else parts.push(`members({ ${members.join(", ")} }, ${expression(others, constants)})`);
  }
  if ("items" in rest) parts.push(`items(${expression(take("items"), constants)})`);
  const tests = Object.entries(rest).flatMap(([keyword, value]) => {
    if (keyword === "type") {
      const types = [value].flat().map((type) => typeTests[String(type)]);
      return [types.length === 1 ? types[0]! : `either(${types.join(", ")})`];
    }
    if (keyword === "pattern") return [`pattern(${new RegExp(value as string, "u")})`];
    if (keyword === "const") return [`oneOf(${JSON.stringify([value])})`];
    return checked.has(keyword) ? [`${keyword === "enum" ? "oneOf" : keyword}(${JSON.stringify(value)})`] : [];
  });
  parts.unshift(...tests);
  return parts.length === 0 ? "anything" : parts.length === 1 ? parts[0]! : `all(${parts.join(", ")})`;
}

const declaration = `${banner("Is a value any message of the server?")}import type { ServerMessage } from "../types.gen.ts";

/** Says only yes or no, to be small. The validators of the single messages say why. */
export default function isServerMessage(value: unknown): value is ServerMessage;
`;

const moduleText = (tag: string, schemas: string) => `${banner("Is a value any message of the server?")}
import { formats, ucs2length } from "./runtime.gen.js";

// Tests of a value. A keyword of JSON Schema holds for a value of another type.
const anything = () => true;
const nothing = () => false;
const isNull = (value) => value === null;
const boolean = (value) => typeof value === "boolean";
const string = (value) => typeof value === "string";
const number = (value) => Number.isFinite(value);
const integer = (value) => Number.isInteger(value);
const array = (value) => Array.isArray(value);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const either = (...tests) => (value) => tests.some((test) => test(value));
const all = (...tests) => (value) => tests.every((test) => test(value));
const oneOf = (list) => (value) => list.includes(value);
const ofText = (test) => (value) => typeof value !== "string" || test(value);
const ofNumber = (test) => (value) => typeof value !== "number" || test(value);
const ofArray = (test) => (value) => !Array.isArray(value) || test(value);
const ofObject = (test) => (value) => !isObject(value) || test(value);
const pattern = (regex) => ofText((text) => regex.test(text));
const format = (name) =>
  ofText((text) => (formats[name] instanceof RegExp ? formats[name].test(text) : (formats[name].validate ?? formats[name])(text)));
const minLength = (limit) => ofText((text) => ucs2length(text) >= limit);
const maxLength = (limit) => ofText((text) => ucs2length(text) <= limit);
const minimum = (limit) => ofNumber((value) => value >= limit);
const maximum = (limit) => ofNumber((value) => value <= limit);
const exclusiveMinimum = (limit) => ofNumber((value) => value > limit);
const exclusiveMaximum = (limit) => ofNumber((value) => value < limit);
const minItems = (limit) => ofArray((list) => list.length >= limit);
const maxItems = (limit) => ofArray((list) => list.length <= limit);
const items = (test) => ofArray((list) => list.every((item) => test(item)));
const hasAll = (value, names) => names.every((name) => Object.hasOwn(value, name));
const required = (names) => ofObject((value) => hasAll(value, names));
const dependencies = (needed) =>
  ofObject((value) => Object.keys(needed).every((name) => !Object.hasOwn(value, name) || hasAll(value, needed[name])));
const members = (properties, others) =>
  ofObject((value) => Object.keys(value).every((name) => (Object.hasOwn(properties, name) ? properties[name] : others)(value[name])));
/** An object without other properties, and with all that are not optional. */
const object = (properties, optional = []) => {
  const needed = Object.keys(properties).filter((name) => !optional.includes(name));
  return all(isObject, (value) => hasAll(value, needed), members(properties, nothing));
};

${schemas}

export default function isServerMessage(value) {
  const tag = isObject(value) && value[${JSON.stringify(tag)}];
  return string(tag) && Object.hasOwn(messages, tag) && messages[tag](value);
}
`;
