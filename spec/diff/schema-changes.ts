// Two schemas: keyword by keyword, whether the new one accepts less, more, or may do either. Sound, not complete: what is not understood is `unclear`.
import { isDeepStrictEqual } from "node:util";
import type { JsonSchema, Pointer } from "../contract.ts";
import { join } from "../pointer.ts";
import { isRecord, list, record, strings } from "../raw.ts";

type Definitions = ReadonlyMap<string, JsonSchema>;
type Keywords = Readonly<Record<string, unknown>>;

export interface SchemaChange {
  /** Into the values. */
  readonly pointer: Pointer;
  readonly keyword: string;
  /** narrows: some values are no longer valid. widens: some now are. */
  readonly effect: "narrows" | "widens" | "unclear";
  readonly old: unknown;
  readonly new: unknown;
}

type Effect = SchemaChange["effect"];

const namePrefix = "#/definitions/";

/** Lower bounds and upper bounds, with what their absence means. */
const lowerBounds = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
const upperBounds = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
/** Their presence narrows; what a change of their value does is not understood. */
const opaque = [
  "pattern",
  "format",
  "multipleOf",
  "contains",
  "propertyNames",
  "dependencies",
  "not",
  "if",
  "then",
  "else",
  "oneOf",
];
const handled = new Set(
  `type const enum required properties additionalProperties patternProperties items additionalItems allOf anyOf uniqueItems`
    .split(" ")
    .concat(lowerBounds, upperBounds, opaque),
);

/**
 * What changed between two payload schemas. No change narrows: all that was valid is valid. No change widens: all that is valid was valid.
 * A keyword is a constraint of its own (draft 07, section 3.1), so their effects add up; properties and additionalProperties are taken together.
 */
export function schemaChanges(
  old: JsonSchema,
  oldDefinitions: Definitions,
  now: JsonSchema,
  newDefinitions: Definitions,
): SchemaChange[] {
  const changes: SchemaChange[] = [];
  /** Pairs already met: a recursive schema comes back to one, and what is used twice is reported once. */
  const open = new Map<unknown, Set<unknown>>();

  const compare = (a: unknown, b: unknown, pointer: Pointer): void => {
    const [oldSchema, newSchema] = [expand(a, oldDefinitions), expand(b, newDefinitions)];
    if (oldSchema === false || newSchema === false) {
      if (oldSchema !== newSchema) add(pointer, "false", newSchema === false ? "narrows" : "widens", a, b);
      return;
    }
    if (open.get(oldSchema)?.has(newSchema)) return;
    open.set(oldSchema, (open.get(oldSchema) ?? new Set()).add(newSchema));
    compareKeywords(oldSchema, newSchema, pointer);
  };

  const add = (pointer: Pointer, keyword: string, effect: Effect, from: unknown, to: unknown) => {
    changes.push({ pointer, keyword, effect, old: from, new: to });
  };

  const compareKeywords = (a: Keywords, b: Keywords, pointer: Pointer): void => {
    const report = (keyword: string, effect: Effect | undefined) => {
      if (effect !== undefined) add(pointer, keyword, effect, a[keyword], b[keyword]);
    };
    report(
      "type",
      setEffect(types(a), types(b), (type, among) => among.has(type) || (type === "integer" && among.has("number"))),
    );
    const values = (schema: Keywords) => allowed(schema)?.map((value) => JSON.stringify(value));
    report(
      "enum" in a || "enum" in b ? "enum" : "const",
      setEffect(values(a), values(b), (value, among) => among.has(value)),
    );
    for (const keyword of lowerBounds) report(keyword, boundEffect(a[keyword], b[keyword], 1));
    for (const keyword of upperBounds) report(keyword, boundEffect(a[keyword], b[keyword], -1));
    report("uniqueItems", a.uniqueItems === b.uniqueItems ? undefined : b.uniqueItems === true ? "narrows" : "widens");
    for (const keyword of opaque) report(keyword, opaqueEffect(a[keyword], b[keyword]));
    for (const keyword of Object.keys({ ...a, ...b })) {
      if (!handled.has(keyword) && !isAnnotation(keyword)) report(keyword, opaqueEffect(a[keyword], b[keyword]));
    }
    compareRequired(a, b, pointer);
    compareProperties(a, b, pointer);
    compareItems(a, b, pointer);
    compareConjuncts(a, b, pointer);
    compareDisjuncts(a, b, pointer);
  };

  /** Keywords that hold references mean the same only where all that they reach does. */
  const opaqueEffect = (a: unknown, b: unknown): Effect | undefined => {
    if (a === undefined && b === undefined) return undefined;
    if (a === undefined) return "narrows";
    if (b === undefined) return "widens";
    return isDeepStrictEqual(inlined(a, oldDefinitions), inlined(b, newDefinitions)) ? undefined : "unclear";
  };

  const compareRequired = (a: Keywords, b: Keywords, pointer: Pointer) => {
    const [before, after] = [strings(a.required), strings(b.required)];
    for (const name of after) if (!before.includes(name)) add(join(pointer, name), "required", "narrows", false, true);
    for (const name of before) if (!after.includes(name)) add(join(pointer, name), "required", "widens", true, false);
  };

  const compareProperties = (a: Keywords, b: Keywords, pointer: Pointer) => {
    const [before, after] = [record(a.properties), record(b.properties)];
    const names = Object.keys({ ...before, ...after });
    const patterned = a.patternProperties !== undefined || b.patternProperties !== undefined;
    const samePatterns = isDeepStrictEqual(
      inlined(a.patternProperties, oldDefinitions),
      inlined(b.patternProperties, newDefinitions),
    );
    const sameNames = names.every((name) => Object.hasOwn(before, name) && Object.hasOwn(after, name));
    if (patterned && !(samePatterns && sameNames)) {
      add(pointer, "patternProperties", "unclear", a.patternProperties, b.patternProperties);
    }
    for (const name of names) {
      const at = join(pointer, name);
      const [was, is] = [Object.hasOwn(before, name), Object.hasOwn(after, name)];
      if (was && is) compare(before[name], after[name], at);
      else if (is) compare(a.additionalProperties ?? true, after[name], at);
      else compare(before[name], b.additionalProperties ?? true, at);
    }
    compare(a.additionalProperties ?? true, b.additionalProperties ?? true, join(pointer, "*"));
  };

  const compareItems = (a: Keywords, b: Keywords, pointer: Pointer) => {
    if (!Array.isArray(a.items) && !Array.isArray(b.items)) {
      compare(a.items ?? true, b.items ?? true, join(pointer, "-"));
      return;
    }
    const tuple = ({ items, additionalItems }: Keywords) => ({ items, additionalItems });
    if (isDeepStrictEqual(inlined(tuple(a), oldDefinitions), inlined(tuple(b), newDefinitions))) return;
    add(pointer, "items", "unclear", a.items, b.items);
  };

  const compareConjuncts = (a: Keywords, b: Keywords, pointer: Pointer) => {
    const [before, after] = [list(a.allOf), list(b.allOf)];
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      compare(before[index] ?? true, after[index] ?? true, pointer);
    }
  };

  const compareDisjuncts = (a: Keywords, b: Keywords, pointer: Pointer) => {
    if (a.anyOf === undefined && b.anyOf === undefined) return;
    const [before, after] = [list(a.anyOf), list(b.anyOf)];
    if (a.anyOf === undefined || b.anyOf === undefined) {
      add(pointer, "anyOf", a.anyOf === undefined ? "narrows" : "widens", a.anyOf, b.anyOf);
      return;
    }
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      compare(before[index] ?? false, after[index] ?? false, pointer);
    }
  };

  compare(old, now, "");
  return changes;
}

/** The schema without references at its top: what is beside a `$ref` holds as well (AJV), so it becomes one of allOf. */
function expand(schema: unknown, definitions: Definitions): Keywords | false {
  let current = schema;
  for (let steps = 0; isRecord(current) && typeof current.$ref === "string"; steps++) {
    const target = definitions.get(current.$ref.slice(namePrefix.length));
    const { $ref, ...beside } = current;
    if (steps > definitions.size || target === undefined) return everything;
    if (Object.keys(beside).every(isAnnotation)) current = target;
    else return { ...beside, allOf: [...list(beside.allOf), { $ref }] };
  }
  if (current === false) return false;
  return isRecord(current) ? current : everything;
}

/** One object, so that a pair of it is recognised. */
const everything: Keywords = {};

const isAnnotation = (keyword: string) =>
  keyword.startsWith("x-") ||
  /^(\$id|\$schema|\$comment|title|description|default|examples?|readOnly|writeOnly|deprecated|externalDocs|discriminator|xml|nullable|markdownDescription|contentMediaType|contentEncoding|definitions)$/.test(
    keyword,
  );

function types(schema: Keywords): string[] | undefined {
  if (typeof schema.type === "string") return [schema.type];
  return Array.isArray(schema.type) ? strings(schema.type).slice() : undefined;
}

function allowed(schema: Keywords): readonly unknown[] | undefined {
  const constant = Object.hasOwn(schema, "const");
  if (!Array.isArray(schema.enum)) return constant ? [schema.const] : undefined;
  return constant ? schema.enum.filter((value) => isDeepStrictEqual(value, schema.const)) : schema.enum;
}

/** Sets of what is allowed; undefined allows all. */
function setEffect(
  old: readonly string[] | undefined,
  now: readonly string[] | undefined,
  covered: (item: string, among: ReadonlySet<string>) => boolean,
): Effect | undefined {
  if (old === undefined && now === undefined) return undefined;
  if (old === undefined) return "narrows";
  if (now === undefined) return "widens";
  const kept = old.every((item) => covered(item, new Set(now)));
  const known = now.every((item) => covered(item, new Set(old)));
  if (kept && known) return undefined;
  return kept ? "widens" : known ? "narrows" : "unclear";
}

/** @param sign 1 where a greater bound narrows, -1 where it widens; no bound is the weakest */
function boundEffect(old: unknown, now: unknown, sign: 1 | -1): Effect | undefined {
  const strength = (bound: unknown) => (typeof bound === "number" ? bound * sign : Number.NEGATIVE_INFINITY);
  const [before, after] = [strength(old), strength(now)];
  return before === after ? undefined : after > before ? "narrows" : "widens";
}

/** The value with all references replaced by what they mean; a recursive one by its name. */
function inlined(value: unknown, definitions: Definitions, within: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((item) => inlined(item, definitions, within));
  if (!isRecord(value)) return value;
  if (typeof value.$ref === "string") {
    const name = value.$ref.slice(namePrefix.length);
    return within.includes(name) ? value.$ref : inlined(definitions.get(name), definitions, [...within, name]);
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !isAnnotation(key))
      .map(([key, child]) => [key, inlined(child, definitions, within)]),
  );
}
