// Values near a valid one that a careless program takes for it: of another type, another case, one character off.
import { text } from "../../spec/raw.ts";
import type { Json } from "./json.ts";
import type { KeywordConstraint } from "./keyword-constraints.ts";
import { kind, type MutationKind } from "./mutation-kind.ts";
import { ofLength, parsePlainPattern, probeCharacters } from "./pattern.ts";
import { codePoints } from "./string-arbitrary.ts";

/** Every other JSON type, the same content first: "7" and true for 7, 1.5 for an integer, an item without its array. */
export function otherTypes(value: Json): readonly MutationKind[] {
  const isNumber = typeof value === "number";
  const kinds = [
    ...(isNumber
      ? [kind("numeric text", String(value)), kind("boolean", true, false), kind("fraction", value + 0.5, 1.5, -1.5)]
      : []),
    ...(typeof value === "boolean" ? [kind("text", String(value), "text"), kind("integer", Number(value))] : []),
    ...(Array.isArray(value) && value.length > 0 ? [kind("an item without its array", (value as readonly Json[])[0]!)] : []),
    ...(Array.isArray(value) ? [kind("object", {})] : []),
    ...(typeof value === "object" && !Array.isArray(value) && value !== null ? [kind("array", [], [value])] : []),
    kind("integer", typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : 5),
    kind("null", null),
    kind("boolean", true),
    kind("fraction", 1.5, -1.5),
    kind("text", typeof value === "object" ? JSON.stringify(value) : "text", ""),
    kind("array", ...(Array.isArray(value) ? [] : [[value]]), []),
    kind("object", ...(typeof value === "object" ? [] : [{ value }]), {}),
  ];
  return kinds.filter(({ name }, at) => kinds.findIndex((other) => other.name === name) === at);
}

/** For const and enum. */
export function otherThan(value: Json): readonly MutationKind[] {
  if (typeof value === "string") {
    const swapped = [...value].map((one) => (one === one.toUpperCase() ? one.toLowerCase() : one.toUpperCase())).join("");
    return [
      kind("another text", `${value}x`),
      kind("wrong case", value.toUpperCase(), value.toLowerCase(), swapped),
      kind("space before it", ` ${value}`),
      kind("its beginning", value.slice(0, -1)),
      kind("empty", ""),
      kind("null", null),
      kind("array", [value]),
    ];
  }
  if (typeof value === "number") {
    return [
      kind("another number", value + 1),
      kind("numeric text", String(value)),
      kind("null", null),
      kind("boolean", true, false),
    ];
  }
  if (typeof value === "boolean") {
    return [kind("the other boolean", !value), kind("null", null), kind("text", String(value)), kind("integer", Number(value))];
  }
  if (Array.isArray(value))
    return [kind("an item more", [...(value as readonly Json[]), null]), kind("null", null), kind("empty", [])];
  if (value === null) return [kind("boolean", false), kind("integer", 0), kind("text", "null", "")];
  return [kind("a member more", { ...value, unexpected: true }), kind("empty", {}), kind("null", null)];
}

/** Texts of `length` code points, with the characters that the pattern asks for where it is plain. */
export function shorter(value: string, length: number, schema: KeywordConstraint["schema"]): Json[] {
  const plain = parsePlainPattern(text(schema.pattern) ?? "");
  const fitting = plain === undefined ? undefined : ofLength(plain, length);
  return [...(fitting === undefined ? [] : [fitting]), [...value].slice(0, length).join(""), "x".repeat(Math.max(0, length))];
}

export function longer(value: string, length: number, schema: KeywordConstraint["schema"]): Json[] {
  const plain = parsePlainPattern(text(schema.pattern) ?? "");
  const fitting = plain === undefined ? undefined : ofLength(plain, length);
  const missing = Math.max(0, length - codePoints(value));
  const last = [...value].at(-1) ?? "x";
  return [...(fitting === undefined ? [] : [fitting]), value + last.repeat(missing), "x".repeat(length)];
}

/** @param maxLength longer texts are not made */
export function offPattern(value: string, pattern: string, maxLength: number): readonly MutationKind[] {
  const characters = [...value];
  const plain = parsePlainPattern(pattern);
  const tooLong =
    plain !== undefined && plain.maxLength < maxLength
      ? [`${value}${(characters.at(-1) ?? "a").repeat(Math.max(0, plain.maxLength + 1 - characters.length))}`]
      : [];
  // One character that does not fit, in place of the last: length and everything else stay.
  const swapped = [" ", "!", "/", "\n", "\u00e9", "\u0000", "0", "a", ...probeCharacters].map((other) =>
    [...characters.slice(0, -1), other].join(""),
  );
  return [
    kind(
      "a character that does not fit",
      ...swapped.slice(0, 8),
      ...tooLong,
      `${value}\n`,
      ` ${value}`,
      "",
      ...swapped.slice(8),
      // A lone surrogate survives JSON as an escape; some patterns forbid nothing else.
      `${value.slice(0, -1)}\ud800`,
      `${value.slice(0, -1)}\udc00`,
    ),
    kind("too long", ...tooLong),
    kind("line feed after it", `${value}\n`),
    kind("space before it", ` ${value}`),
    kind("empty", ""),
  ].filter(({ values }) => values.length > 0);
}
