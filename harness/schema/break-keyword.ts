// Candidates for a value that one keyword rejects, kind by kind, the plainest first. The caller asks the validator which of them it rejects.
import { join } from "../../spec/pointer.ts";
import { list, number, record, strings, text } from "../../spec/raw.ts";
import { withoutValueAt, withValueAt } from "./edit.ts";
import type { Json } from "./json.ts";
import type { KeywordConstraint } from "./keyword-constraints.ts";
import { kind, type MutationKind } from "./mutation-kind.ts";
import { longer, offPattern, otherThan, otherTypes, shorter } from "./wrong-values.ts";

/** Longer texts and arrays than this are not made: a limit on bytes would reject them first. */
export const greatestSize = 20_000;

/**
 * Replacements for the value at the constraint's location.
 * @param value the value there in a valid message
 * @param samples draws valid values of a schema, for `not` and `oneOf`
 */
export function mutationKinds(
  constraint: KeywordConstraint,
  value: Json,
  samples: (schema: unknown) => readonly Json[],
): readonly MutationKind[] {
  const { keyword, schema, member } = constraint;
  const bound = number(schema[keyword]) ?? 0;
  const string = typeof value === "string" ? value : "";
  const items = Array.isArray(value) ? (value as readonly Json[]) : [];
  const members = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  switch (keyword) {
    case "type":
      return otherTypes(value);
    case "const":
    case "enum":
      return otherThan(value);
    case "minLength":
      return bound > greatestSize
        ? []
        : [kind("one below", ...shorter(string, bound - 1, schema)), ...(bound > 1 ? [kind("empty", "")] : [])];
    case "maxLength":
      return bound > greatestSize
        ? []
        : [
            kind("one beyond", ...longer(string, bound + 1, schema)),
            ...(bound * 2 < greatestSize ? [kind("twice as long", ...longer(string, Math.max(4, bound * 2), schema))] : []),
          ];
    case "pattern":
      return offPattern(string, text(schema.pattern) ?? "", greatestSize);
    case "format":
      if (typeof value === "number") return [kind("one beyond", 2 ** 31, 2 ** 63), kind("fraction", 1.5)];
      return [
        kind("space after it", `${string} `),
        kind("free text", "no such thing"),
        kind("empty", ""),
        kind("NUL after it", `${string}\u0000`),
        kind("malformed", "http://[", "2024-13-45", "[", "\u2028"),
      ];
    case "minimum":
      return below(bound).map(([name, other]) => kind(name, other));
    case "maximum":
      return below(-bound).map(([name, other]) => kind(name, -other + 0));
    case "exclusiveMinimum":
      return [kind("at the bound", bound), ...below(bound).map(([name, other]) => kind(name, other))];
    case "exclusiveMaximum":
      return [kind("at the bound", bound), ...below(-bound).map(([name, other]) => kind(name, -other + 0))];
    case "multipleOf":
      return [
        kind("between two multiples", Number(value) + bound / 2, bound / 2, 0.1),
        kind("one more", Number(value) + 1, bound + 1),
      ];
    case "minItems":
      return [kind("one fewer", items.slice(0, Math.max(0, bound - 1))), ...(bound > 1 ? [kind("empty", [])] : [])];
    case "maxItems":
      return bound > greatestSize ? [] : [kind("one more", padded(items, bound + 1))];
    case "uniqueItems":
      return items.length === 0 ? [] : [kind("an item twice", [...items, items[0]!], [items[0]!, items[0]!, ...items.slice(2)])];
    case "contains":
      return [kind("empty", []), kind("none that fits", ...items.map((item) => [item]), [null], ["text"], [5], [{}])];
    case "maxContains":
      return bound > greatestSize ? [] : [kind("one more", ...items.map((item) => padded([item], bound + 1)))];
    case "minContains":
      return [kind("one fewer", ...items.map((_, at) => [...items.slice(0, at), ...items.slice(at + 1)]), [])];
    case "items":
    case "additionalItems":
      return [kind("an item more", [...padded(items, tupleLength(schema)), "unexpected"])];
    case "additionalProperties":
    case "unevaluatedProperties":
      return [
        kind("a member more", withValueAt(members, "/unexpected", true)),
        kind("a member of another case", ...renamed(members).map((name) => withValueAt(members, join("", name), true))),
        kind("a member with NUL in its name", withValueAt(members, "/\u0000unexpected", true)),
      ];
    case "propertyNames":
      return ["not allowed!", "", "\u00e9", "x".repeat(300), "0"].map((name) =>
        kind(`a member named ${JSON.stringify(name.slice(0, 12))}`, withValueAt(members, join("", name), true)),
      );
    case "required":
      return [kind("missing", withoutValueAt(members, join("", member!)))];
    case "false schema":
      return [null, true, 5, "text"].map((forbidden) =>
        kind(forbidden === null ? "null" : typeof forbidden, withValueAt(members, join("", member!), forbidden)),
      );
    case "dependencies":
    case "dependentRequired":
      return withoutOneNeeded(members, member!, strings(record(schema[keyword])[member!]));
    case "minProperties":
      return [kind("one fewer", ...fewerMembers(members, bound - 1))];
    case "maxProperties":
      return bound > greatestSize ? [] : [kind("one more", moreMembers(members, bound + 1))];
    case "not":
      return [kind("a forbidden value", ...samples(schema.not).flatMap((sample) => [merged(value, sample), sample]))];
    case "anyOf":
      return [...otherTypes(value), ...otherThan(value)];
    case "oneOf":
      return [
        ...otherTypes(value),
        ...otherThan(value),
        kind("a value of several branches", ...list(schema.oneOf).flatMap(samples)),
      ];
    default:
      return [];
  }
}

function below(bound: number): readonly (readonly [string, number])[] {
  const near = Number.isSafeInteger(bound - 1) ? bound - 1 : bound - Math.abs(bound) * 0.001;
  return [
    ["one beyond", near],
    ["far beyond", bound * 2 - 1],
    ["the greatest double", -Number.MAX_VALUE],
  ];
}

/** Items that have a schema by their index: of draft-07's array form of `items`, or of `prefixItems`. */
function tupleLength({ items, prefixItems }: KeywordConstraint["schema"]): number {
  return list(prefixItems ?? items).length;
}

function padded(items: readonly Json[], length: number): Json[] {
  const filler = items.at(-1) ?? null;
  return [...items, ...Array.from({ length: Math.max(0, length - items.length) }, () => filler)];
}

/** Names of the value's members with another case, which no member has. */
function renamed(value: Json): string[] {
  const names = Object.keys(Object(value));
  return names
    .flatMap((name) => [name.toUpperCase(), name.charAt(0).toUpperCase() + name.slice(1)])
    .filter((name) => !names.includes(name));
}

function merged(value: Json, more: Json): Json {
  const both = [value, more];
  return both.every((one) => typeof one === "object" && one !== null && !Array.isArray(one))
    ? Object.fromEntries(both.flatMap((one) => Object.entries(one as Record<string, Json>)))
    : more;
}

function withoutOneNeeded(value: Json, member: string, needed: readonly string[]): MutationKind[] {
  const there = Object.hasOwn(Object(value), member) ? value : withValueAt(value, join("", member), null);
  return needed.map((name) => kind(`without ${name}`, withoutValueAt(there, join("", name))));
}

function fewerMembers(value: Json, count: number): Json[] {
  const entries = Object.entries(Object(value) as Record<string, Json>);
  return [Object.fromEntries(entries.slice(0, Math.max(0, count))), Object.fromEntries(entries.slice(-Math.max(1, count)))];
}

function moreMembers(value: Json, count: number): Json {
  const entries = Object.entries(Object(value) as Record<string, Json>);
  const filler = entries.at(-1)?.[1] ?? null;
  const more = Array.from({ length: Math.max(0, count - entries.length) }, (_, index) => [`extra${index}`, filler] as const);
  return Object.fromEntries([...entries, ...more]);
}
