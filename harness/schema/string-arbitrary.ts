// Strings that are valid by lengths, patterns and formats of all parts. Lengths are counted in code points.
import fc from "fast-check";
import { number, text } from "../../spec/raw.ts";
import { boundedFilter, type FilterCount, UnsatisfiableSchema } from "./bounded-filter.ts";
import type { Part } from "./expand-schema.ts";
import { formatArbitrary } from "./format-arbitrary.ts";
import { compilePattern, type PlainPattern, parsePlainPattern, regExpOf, repetitionsOf } from "./pattern.ts";

/** Code points, never halves of a surrogate pair. Drawn as numbers: fast-check's own unit for all of Unicode takes 1.5 s to make. */
const codePoint = fc.oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }));
const anyCharacter = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCodePoint(code)) },
  { weight: 1, arbitrary: fc.constantFrom("\u00e9", "\u20ac", "\u{1f600}", "\u4e2d", "\u200d", "\u2028", "\0", '"', "\\") },
  { weight: 1, arbitrary: codePoint.map((code) => String.fromCodePoint(code)) },
);

/** Longer texts are not generated. */
const greatestLength = 100_000;

export interface StringBounds {
  readonly minLength: number;
  readonly maxLength: number;
  readonly patterns: readonly string[];
  readonly formats: readonly string[];
}

export function stringBoundsOf(parts: readonly Part[]): StringBounds {
  const lengths = (keyword: string) => parts.flatMap(({ schema }) => number(schema[keyword]) ?? []);
  const texts = (keyword: string) => [...new Set(parts.flatMap(({ schema }) => text(schema[keyword]) ?? []))];
  return {
    minLength: Math.max(0, ...lengths("minLength")),
    maxLength: Math.min(Number.POSITIVE_INFINITY, ...lengths("maxLength")),
    patterns: texts("pattern"),
    formats: texts("format"),
  };
}

/** @returns the strings, and whether they keep the formats for certain */
export function stringArbitrary(
  parts: readonly Part[],
  pointer: string,
  count: FilterCount,
): { readonly arbitrary: fc.Arbitrary<string>; readonly exact: boolean } {
  const bounds = stringBoundsOf(parts);
  const { minLength, maxLength, patterns } = bounds;
  if (minLength > maxLength) throw new UnsatisfiableSchema(pointer, `minLength ${minLength} is over maxLength ${maxLength}`);
  if (minLength > greatestLength)
    throw new UnsatisfiableSchema(pointer, `minLength ${minLength} is over the ${greatestLength} characters that are generated`);
  const long = patterns.find((pattern) => repetitionsOf(pattern) > greatestLength);
  if (long !== undefined)
    throw new UnsatisfiableSchema(pointer, `the pattern repeats more than the ${greatestLength} characters that are generated`);
  const formats = bounds.formats.flatMap((format) => formatArbitrary(format) ?? []);
  if (patterns.length === 0 && formats.length === 0)
    return { arbitrary: withLength(anyCharacter, minLength, maxLength), exact: true };

  const sources = [...formats, ...patterns.flatMap((pattern) => patternArbitrary(pattern, bounds) ?? [])];
  if (sources.length === 0) sources.push(withLength(anyCharacter, minLength, maxLength));
  const expressions = patterns.map(compilePattern);
  const keeps = (value: string) => {
    const length = codePoints(value);
    return length >= minLength && length <= maxLength && expressions.every((expression) => expression.test(value));
  };
  const arbitrary = sources.length === 1 ? sources[0]! : fc.oneof(...sources);
  return { arbitrary: boundedFilter(arbitrary, keeps, pointer, count), exact: formats.length === 0 };
}

function withLength(unit: fc.Arbitrary<string>, minLength: number, maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit, minLength, ...(Number.isFinite(maxLength) && { maxLength }) });
}

function patternArbitrary(pattern: string, { minLength, maxLength }: StringBounds): fc.Arbitrary<string> | undefined {
  const plain = parsePlainPattern(pattern);
  if (plain !== undefined) return plainArbitrary(plain, minLength, maxLength);
  try {
    return fc.stringMatching(regExpOf(pattern), Number.isFinite(maxLength) ? { maxLength } : {});
  } catch {
    // Lookaround, back references and word boundaries are not generated: any string is tried, and the filter gives up by name.
    return undefined;
  }
}

/** The one atom that is not of fixed length takes up what the bounds leave; with several, the filter decides. */
function plainArbitrary(plain: PlainPattern, minLength: number, maxLength: number): fc.Arbitrary<string> {
  const elastic = plain.atoms.filter((atom) => atom.min !== atom.max).length;
  const texts = plain.atoms.map((atom) => {
    const fixed = elastic === 1 && atom.min !== atom.max ? plain.minLength - atom.min : undefined;
    const min = fixed === undefined ? atom.min : Math.max(atom.min, minLength - fixed);
    const max = fixed === undefined ? atom.max : Math.min(atom.max, maxLength - fixed);
    return withLength(fc.constantFrom(...atom.members), min, Math.max(min, max));
  });
  return texts.length === 1 ? texts[0]! : fc.tuple(...texts).map((pieces) => pieces.join(""));
}

/** Length as JSON Schema counts it. */
export function codePoints(value: string): number {
  let count = 0;
  for (const _ of value) count++;
  return count;
}
