// Numbers within the bounds of all parts. Never -0, which JSON does not keep.
import fc from "fast-check";
import { number } from "../../spec/raw.ts";
import type { Part } from "./expand-schema.ts";

export interface Bounds {
  readonly lowest: number;
  readonly lowestExcluded: boolean;
  readonly highest: number;
  readonly highestExcluded: boolean;
  readonly multiplesOf: readonly number[];
}

/** The tightest bounds that the parts set together. */
export function boundsOf(parts: readonly Part[]): Bounds {
  let [lowest, lowestExcluded] = [Number.NEGATIVE_INFINITY, false];
  let [highest, highestExcluded] = [Number.POSITIVE_INFINITY, false];
  for (const { schema } of parts) {
    const [minimum, above] = [number(schema.minimum), number(schema.exclusiveMinimum)];
    const [maximum, below] = [number(schema.maximum), number(schema.exclusiveMaximum)];
    if (minimum !== undefined && minimum > lowest) [lowest, lowestExcluded] = [minimum, false];
    if (above !== undefined && above >= lowest) [lowest, lowestExcluded] = [above, true];
    if (maximum !== undefined && maximum < highest) [highest, highestExcluded] = [maximum, false];
    if (below !== undefined && below <= highest) [highest, highestExcluded] = [below, true];
    if (schema.format === "int32") {
      lowest = Math.max(lowest, -(2 ** 31));
      highest = Math.min(highest, 2 ** 31 - 1);
    }
  }
  const multiplesOf = [...new Set(parts.flatMap(({ schema }) => number(schema.multipleOf) ?? []))].filter((step) => step > 0);
  return { lowest, lowestExcluded, highest, highestExcluded, multiplesOf };
}

/** Whole numbers, at most 2^53 - 1 either way. @returns undefined where none is within the bounds */
export function integerArbitrary(bounds: Bounds): fc.Arbitrary<number> | undefined {
  const step = bounds.multiplesOf.filter(Number.isInteger).reduce(leastCommonMultiple, 1);
  const low = bounds.lowestExcluded ? Math.floor(bounds.lowest) + 1 : Math.ceil(bounds.lowest);
  const high = bounds.highestExcluded ? Math.ceil(bounds.highest) - 1 : Math.floor(bounds.highest);
  const min = Math.ceil(Math.max(low, Number.MIN_SAFE_INTEGER) / step);
  const max = Math.floor(Math.min(high, Number.MAX_SAFE_INTEGER) / step);
  if (min > max) return undefined;
  const whole = (min: number, max: number) => fc.integer({ min: min + 0, max }).map((count) => count * step + 0);
  const small = 1000;
  if (min > small || max < -small || max - min <= 2 * small) return whole(min, max);
  return fc.oneof(whole(Math.max(min, -small), Math.min(max, small)), whole(min, max));
}

/** Any double within the bounds, or multiples of a fraction. @returns undefined where none is within the bounds */
export function fractionArbitrary(bounds: Bounds): fc.Arbitrary<number> | undefined {
  const { lowest, highest, lowestExcluded, highestExcluded } = bounds;
  if (lowest > highest || (lowest === highest && (lowestExcluded || highestExcluded))) return undefined;
  const step = bounds.multiplesOf.find((multiple) => !Number.isInteger(multiple)) ?? bounds.multiplesOf[0];
  if (step !== undefined) {
    const multiples = { ...bounds, lowest: lowest / step, highest: highest / step, multiplesOf: [] };
    return integerArbitrary(multiples)?.map((count) => Number((count * step).toPrecision(15)) + 0);
  }
  return fc
    .double({
      noNaN: true,
      noDefaultInfinity: true,
      ...(Number.isFinite(lowest) && { min: lowest + 0, minExcluded: lowestExcluded }),
      ...(Number.isFinite(highest) && { max: highest + 0, maxExcluded: highestExcluded }),
    })
    .map((value) => value + 0);
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
