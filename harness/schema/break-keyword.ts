// Candidates for a value that one keyword refuses, the mildest and most telling first. The caller asks the validator which of them do.
import { join } from "../../spec/pointer.ts";
import { list, number, record, strings, text } from "../../spec/raw.ts";
import { withoutValueAt, withValueAt } from "./edit.ts";
import type { Json } from "./json.ts";
import type { KeywordConstraint } from "./keyword-constraints.ts";
import { ofLength, parsePlainPattern, probeCharacters } from "./pattern.ts";
import { codePoints } from "./string-arbitrary.ts";

/** Longer texts and arrays than this are not made: a limit on bytes would refuse them first. */
export const greatestSize = 20_000;

/**
 * Replacements for the value at the constraint's location.
 * @param value what stands there in a valid message
 * @param samples draws values that keep a schema, for `not` and `oneOf`
 */
export function candidatesFor(
  constraint: KeywordConstraint,
  value: Json,
  samples: (schema: unknown) => readonly Json[],
): readonly Json[] {
  const { keyword, schema, member } = constraint;
  const bound = number(schema[keyword]) ?? 0;
  const string = typeof value === "string" ? value : "";
  const items = Array.isArray(value) ? (value as readonly Json[]) : [];
  switch (keyword) {
    case "type":
      return [...coerced(value), null, 5, "text", true, 1.5, [], {}];
    case "const":
    case "enum":
      return otherThan(value);
    case "minLength":
      return bound > greatestSize ? [] : shorter(string, bound - 1, schema);
    case "maxLength":
      return bound > greatestSize ? [] : longer(string, bound + 1, schema);
    case "pattern":
      return offPattern(string, text(schema.pattern) ?? "");
    case "format":
      if (typeof value === "number") return [2 ** 31, 1.5, 2 ** 63];
      return [`${string} `, "no such thing", "", `${string}\u0000`, "http://[", "2024-13-45", "[", "\u2028"];
    case "minimum":
      return below(bound);
    case "maximum":
      return below(-bound).map((other) => -(other as number));
    case "exclusiveMinimum":
    case "exclusiveMaximum":
      return [bound];
    case "multipleOf":
      return [Number(value) + bound / 2, Number(value) + 1, bound / 2, bound + 1, 0.1];
    case "minItems":
      return [items.slice(0, Math.max(0, bound - 1))];
    case "maxItems":
      return bound > greatestSize ? [] : [padded(items, bound + 1)];
    case "uniqueItems":
      return items.length === 0
        ? []
        : [
            [...items, items[0]!],
            [items[0]!, items[0]!, ...items.slice(2)],
          ];
    case "contains":
      return [[], ...items.map((item) => [item]), [null], ["text"], [5], [{}]];
    case "additionalItems":
      return [[...padded(items, list(schema.items).length), "unexpected"]];
    case "additionalProperties":
      return ["unexpected", "\u0000unexpected"].map((name) => withValueAt(value, join("", name), true));
    case "propertyNames":
      return ["not allowed!", "", "\u00e9", "x".repeat(300), "0"].map((name) => withValueAt(value, join("", name), true));
    case "required":
      return [withoutValueAt(value, join("", member!))];
    case "false schema":
      return [true, null, "text", 5].map((forbidden) => withValueAt(value, join("", member!), forbidden));
    case "dependencies":
      return withoutOneNeeded(value, member!, strings(record(schema.dependencies)[member!]));
    case "minProperties":
      return fewerMembers(value, bound - 1);
    case "maxProperties":
      return bound > greatestSize ? [] : [moreMembers(value, bound + 1)];
    case "not":
      return samples(schema.not).flatMap((sample) => [merged(value, sample), sample]);
    case "anyOf":
      return [null, true, 5, -1.5, "text", "", [], {}, ...otherThan(value)];
    case "oneOf":
      return [null, true, 5, -1.5, "text", "", [], {}, ...otherThan(value), ...list(schema.oneOf).flatMap(samples)];
    default:
      return [];
  }
}

/** The same content in the type that a careless program would take as well. */
function coerced(value: Json): Json[] {
  if (typeof value === "string") return [5];
  if (typeof value === "number") return [String(value)];
  if (typeof value === "boolean") return [String(value), value ? 1 : 0];
  if (Array.isArray(value)) return [{}];
  return value === null ? [""] : [[], "{}"];
}

function otherThan(value: Json): Json[] {
  if (typeof value === "string") return [`${value}x`, value.toUpperCase(), ` ${value}`, "", null];
  if (typeof value === "number") return [value + 1, String(value), null];
  if (typeof value === "boolean") return [!value, null];
  if (Array.isArray(value)) return [[...(value as readonly Json[]), null], null];
  return value === null ? [false, 0] : [{ ...value, unexpected: true }, {}, null];
}

function below(bound: number): Json[] {
  const near = Number.isSafeInteger(bound - 1) ? bound - 1 : bound - Math.abs(bound) * 0.001;
  return [near, bound * 2 - 1, -Number.MAX_VALUE];
}

function shorter(value: string, length: number, schema: KeywordConstraint["schema"]): Json[] {
  const plain = parsePlainPattern(text(schema.pattern) ?? "");
  const fitting = plain === undefined ? undefined : ofLength(plain, length);
  return [...(fitting === undefined ? [] : [fitting]), [...value].slice(0, length).join(""), "x".repeat(Math.max(0, length))];
}

function longer(value: string, length: number, schema: KeywordConstraint["schema"]): Json[] {
  const plain = parsePlainPattern(text(schema.pattern) ?? "");
  const fitting = plain === undefined ? undefined : ofLength(plain, length);
  const missing = Math.max(0, length - codePoints(value));
  const last = [...value].at(-1) ?? "x";
  return [...(fitting === undefined ? [] : [fitting]), value + last.repeat(missing), "x".repeat(length)];
}

function offPattern(value: string, pattern: string): Json[] {
  const characters = [...value];
  const plain = parsePlainPattern(pattern);
  const tooLong =
    plain !== undefined && plain.maxLength < greatestSize
      ? `${value}${(characters.at(-1) ?? "a").repeat(plain.maxLength + 1 - characters.length)}`
      : [];
  // One character that does not fit, in the place of the last: length and all else stay as they were.
  const swapped = [" ", "!", "/", "\n", "\u00e9", "\u0000", "0", "a", ...probeCharacters].map((other) =>
    [...characters.slice(0, -1), other].join(""),
  );
  // A lone surrogate survives JSON as an escape; some patterns forbid nothing else.
  const lone = [`${value.slice(0, -1)}\ud800`, `${value.slice(0, -1)}\udc00`];
  return [...swapped.slice(0, 8), ...[tooLong].flat(), `${value}\n`, ` ${value}`, "", ...swapped.slice(8), ...lone];
}

function padded(items: readonly Json[], length: number): Json[] {
  const filler = items.at(-1) ?? null;
  return [...items, ...Array.from({ length: Math.max(0, length - items.length) }, () => filler)];
}

function merged(value: Json, more: Json): Json {
  const both = [value, more];
  return both.every((one) => typeof one === "object" && one !== null && !Array.isArray(one))
    ? Object.fromEntries(both.flatMap((one) => Object.entries(one as Record<string, Json>)))
    : more;
}

function withoutOneNeeded(value: Json, member: string, needed: readonly string[]): Json[] {
  const there = Object.hasOwn(Object(value), member) ? value : withValueAt(value, join("", member), null);
  return needed.map((name) => withoutValueAt(there, join("", name)));
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
