// Values at, one below and one above every bound of a message's schema, each enum member, each optional member there and not there.

import type { JsonSchema } from "../../spec/contract.ts";
import { join, parent } from "../../spec/pointer.ts";
import { isRecord, list, number, record, strings, text } from "../../spec/raw.ts";
import { greatestSize } from "./break-keyword.ts";
import { hasValueAt, valueAt, withoutValueAt, withValueAt } from "./edit.ts";
import { errorPointers } from "./invalid.ts";
import type { Json } from "./json.ts";
import type { KeywordConstraint } from "./keyword-constraints.ts";
import { ofLength, parsePlainPattern } from "./pattern.ts";
import type { SchemaValidator } from "./schema-validator.ts";
import type { ValidSamples } from "./valid-samples.ts";

export const boundKinds = ["length", "pattern", "number", "count", "enum", "optional", "null", "text", "additional"] as const;
export type BoundKind = (typeof boundKinds)[number];

/** Something in a schema that has an edge. */
export interface Bound {
  readonly kind: BoundKind;
  /** Where the keyword stands in the document. */
  readonly pointer: string;
  /** The place in the message that it is about. */
  readonly location: string;
  readonly keyword: string;
  readonly constraint: KeywordConstraint;
  /** The optional member, with kind `optional`. */
  readonly member: string | undefined;
}

/** One message at the edge, valid or not by the validator. */
export interface AtBound {
  /** Such as `1001 code points` or `absent`. */
  readonly label: string;
  readonly value: Json;
  readonly valid: boolean;
  /** Where the message is wrong, where it is invalid. */
  readonly places: readonly string[];
}

const kindOf: Readonly<Record<string, BoundKind>> = {
  minLength: "length",
  maxLength: "length",
  pattern: "pattern",
  minimum: "number",
  maximum: "number",
  exclusiveMinimum: "number",
  exclusiveMaximum: "number",
  minItems: "count",
  maxItems: "count",
  minProperties: "count",
  maxProperties: "count",
  enum: "enum",
};

/** Texts that programs are prone to change, to cut, or to refuse. No lone surrogates: RFC 8259 section 8.2 leaves them open. */
export const delicateTexts = [
  " a ",
  "\u00e9 and e\u0301",
  "\u{1f469}\u200d\u{1f4bb}",
  "<b>&amp;</b>",
  "\ufeffx",
  "\\n \" ' \\u0041",
  "a\r\nb\tc",
  "\u0000",
  "\u2028\u2029",
  "%00 {{x}} $y",
  "\u202eabc",
  "\uffff",
];

/** The bounds among a schema's constraints, in its order. */
export function boundsAmong(constraints: readonly KeywordConstraint[]): Bound[] {
  const objects = new Set<string>();
  return constraints.flatMap((constraint): Bound[] => {
    const { keyword, location, pointer, schema } = constraint;
    const bound = (kind: BoundKind, more: Partial<Bound> = {}): Bound => ({
      kind,
      pointer,
      location,
      keyword,
      constraint,
      member: undefined,
      ...more,
    });
    const found: Bound[] = [];
    const kind = kindOf[keyword];
    if (kind === "pattern") {
      const plain = parsePlainPattern(text(schema.pattern) ?? "");
      if (plain !== undefined && (plain.minLength > 0 || plain.maxLength < greatestSize)) found.push(bound(kind));
    } else if (kind !== undefined) found.push(bound(kind));
    if (keyword === "type" && list(schema.type).includes("null") && list(schema.type).length > 1) found.push(bound("null"));
    if (keyword === "type" && list(schema.type).concat(schema.type).includes("string") && isFreeText(schema))
      found.push(bound("text"));
    // Told once per object, by whichever keyword comes first.
    const object = `${location} ${pointer.slice(0, pointer.lastIndexOf("/"))}`;
    if (keyword === "type" && !objects.has(object)) {
      objects.add(object);
      const required = strings(schema.required);
      for (const [member, inner] of Object.entries(record(schema.properties))) {
        if (inner === false || required.includes(member)) continue;
        const at = `${pointer.slice(0, pointer.lastIndexOf("/"))}/properties`;
        found.push(bound("optional", { member, keyword: "properties", pointer: join(at, member) }));
      }
      // Only where it is written: many a document says nothing of other members and does not mean to allow them.
      const { additionalProperties } = schema;
      if (additionalProperties === true || isRecord(additionalProperties)) {
        const at = join(parent(pointer), "additionalProperties");
        found.push(bound("additional", { keyword: "additionalProperties", pointer: at }));
      }
    }
    return found;
  });
}

function isFreeText({ const: constant, enum: values, format }: KeywordConstraint["schema"]): boolean {
  return constant === undefined && values === undefined && format === undefined;
}

/**
 * Messages at the edge. Those that another keyword decides, so that they say nothing of this one, are left out.
 * @param base valid; where it lacks the place, the missing part is taken from another valid message
 */
export function messagesAt(
  bound: Bound,
  base: Json,
  schema: JsonSchema,
  samples: ValidSamples,
  validator: SchemaValidator,
): AtBound[] {
  const { constraint, location, member } = bound;
  const start = samples.reaching(member === undefined ? location : join(location, member), constraint.within, base)[0];
  if (start === undefined) return [];
  const found: AtBound[] = [];
  for (const { label, values, valid } of edgesOf(bound, start, samples)) {
    for (const make of values) {
      const value = make();
      if (value === undefined) continue;
      const errors = validator.errors(schema, value);
      const isOwn = errors.every((error) => error.pointer === location);
      if (valid !== (errors.length === 0) || !isOwn) continue;
      found.push({ label, value, valid, places: errorPointers(errors) });
      break;
    }
  }
  return found;
}

/** A name that a document hardly gives to a member. */
const unnamed = "wsproofUnnamed";

/** What stands at the place; a function where it is dear to make. */
type Candidate = Json | (() => Json | undefined);

interface Edge {
  readonly label: string;
  /** Whole messages, the plainest first; the first that the validator confirms is taken, so later ones may be expensive to make. */
  readonly values: readonly (() => Json | undefined)[];
  readonly valid: boolean;
}

function edgesOf(bound: Bound, start: Json, samples: ValidSamples): Edge[] {
  const { constraint, location, keyword, member } = bound;
  const { schema } = constraint;
  const edge = (label: string, valid: boolean, ...values: readonly Candidate[]): Edge => ({
    label,
    valid,
    values: values.map((candidate) => () => {
      const value = typeof candidate === "function" ? candidate() : candidate;
      return value === undefined ? undefined : withValueAt(start, location, value);
    }),
  });
  const limit = number(schema[keyword]) ?? 0;
  const upper = keyword.startsWith("max") || keyword === "exclusiveMaximum";
  switch (bound.kind) {
    case "length":
      return lengthEdges(limit, upper).flatMap(({ length, valid }) => [
        edge(`${length} code points`, valid, ...textsOf(length, schema, samples, false)),
        edge(`${length} code points outside the basic plane`, valid, ...textsOf(length, schema, samples, true)),
      ]);
    case "pattern": {
      const plain = parsePlainPattern(text(schema.pattern) ?? "")!;
      return [...lengthEdges(plain.minLength, false), ...lengthEdges(plain.maxLength, true)].flatMap(({ length, valid }) => {
        const texts = valid ? textsOf(length, schema, samples, false) : [outside(plain, length)];
        const members = valid ? lastMembers(plain, length) : [];
        return [
          edge(`${length} characters`, valid, ...texts),
          ...(members.length === 0 ? [] : [edge(`${length} characters, the last of each class`, valid, ...members)]),
        ];
      });
    }
    case "number": {
      const isWhole = [schema.type].flat().includes("integer");
      const step = (isWhole ? 1 : Math.max(1e-6, Math.abs(limit) * 1e-6)) * (upper ? 1 : -1);
      const open = keyword.startsWith("exclusive");
      const near = [limit - step, limit, limit + step].map((value, index) => ({
        value,
        valid: index === 0 || (index === 1 && !open),
      }));
      return near
        .filter(({ value }) => Math.abs(value) <= 2 ** 53)
        .map(({ value, valid }) => edge(String(value), valid, value + 0));
    }
    case "count": {
      if (keyword.endsWith("Properties")) return [];
      const items = valueAt(start, location) as readonly Json[];
      return lengthEdges(limit, upper).flatMap(({ length, valid }) => {
        const exactly = { allOf: [schema, { minItems: length, maxItems: length }] };
        const filler = items[0] ?? null;
        const plain = Array.from({ length }, (_, index) => items[index] ?? filler);
        return [edge(`${length} items`, valid, plain, ...(valid ? [() => samples.draw(exactly, 1)[0]] : []))];
      });
    }
    case "enum":
      return list(schema.enum).map((value) => edge(JSON.stringify(value), true, value as Json));
    case "null":
      return [edge("null", true, null)];
    case "text":
      return delicateTexts.map((value) => edge(`the text ${JSON.stringify(value)}`, true, value));
    case "additional": {
      const { additionalProperties } = schema;
      const own = valueAt(start, location) as Readonly<Record<string, Json>>;
      const drawn = () => {
        const [value] = samples.draw(additionalProperties as JsonSchema, 1);
        return value === undefined ? undefined : { ...own, [unnamed]: value };
      };
      return [edge("a member that no schema names", true, { ...own, [unnamed]: "x" }, drawn)];
    }
    case "optional": {
      const place = join(location, member!);
      const absent = hasValueAt(start, place) ? withoutValueAt(start, place) : start;
      return [
        { label: "present", valid: true, values: [() => start] },
        { label: "absent", valid: true, values: [() => absent] },
      ];
    }
  }
}

/** At the bound, one on its inner side, one on its outer. */
function lengthEdges(bound: number, upper: boolean): { readonly length: number; readonly valid: boolean }[] {
  const inward = upper ? -1 : 1;
  return [
    { length: bound + inward, valid: true },
    { length: bound, valid: true },
    { length: bound - inward, valid: false },
  ].filter(({ length }) => length >= 0 && length <= greatestSize);
}

/** Texts of a length, valid by the rest of the schema if possible; the plainest first. */
function textsOf(length: number, schema: KeywordConstraint["schema"], samples: ValidSamples, astral: boolean): Candidate[] {
  const plain = parsePlainPattern(text(schema.pattern) ?? "");
  const outsideBasicPlane = (members: readonly string[]) => members.find((member) => member.length > 1) ?? members[0]!;
  if (astral) {
    if (plain === undefined) return schema.pattern === undefined ? ["\u{1f600}".repeat(length)] : [];
    const value = ofLength(plain, length, outsideBasicPlane);
    return value !== undefined && value.length > length ? [value] : [];
  }
  const fitting = plain === undefined ? undefined : ofLength(plain, length);
  const exactly = {
    allOf: [
      { ...schema, minLength: 0, maxLength: greatestSize },
      { minLength: length, maxLength: length },
    ],
  };
  return [...(fitting === undefined ? ["x".repeat(length)] : [fitting]), () => samples.draw(exactly, 1)[0]];
}

/** Of each class its last member, so that a class that was copied short is noticed. */
function lastMembers(plain: NonNullable<ReturnType<typeof parsePlainPattern>>, length: number): string[] {
  const value = ofLength(plain, length, (members) => members.at(-1)!);
  return value === undefined ? [] : [value];
}

/** A text one shorter or longer than the pattern allows, of the characters that it asks for. */
function outside(plain: NonNullable<ReturnType<typeof parsePlainPattern>>, length: number): string {
  const characters = plain.atoms.map(({ members }) => members[0]!);
  const last = characters.at(-1) ?? "x";
  return Array.from({ length }, (_, index) => characters[index] ?? last).join("");
}
