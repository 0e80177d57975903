// How the arbitrary of an array or object gets the arbitraries of its items and members.
import type fc from "fast-check";
import { UnsatisfiableSchema } from "./bounded-filter.ts";
import type { Located } from "./expand-schema.ts";
import type { Json } from "./json.ts";

/** Values with more parts than this are not generated. */
export const greatestSize = 100_000;

/** The least number of JSON values in a value of each arbitrary that was built; 1 where it is not known. */
const leastSizes = new WeakMap<fc.Arbitrary<Json>, number>();

export function leastSizeOf(arbitrary: fc.Arbitrary<Json> | undefined): number {
  return arbitrary === undefined ? 0 : (leastSizes.get(arbitrary) ?? 1);
}

/** @throws UnsatisfiableSchema where that is over 100 000 */
export function withLeastSize<Made extends fc.Arbitrary<Json>>(arbitrary: Made, size: number, pointer: string): Made {
  if (size > greatestSize) throw new UnsatisfiableSchema(pointer, `its least value has over ${greatestSize} parts`);
  leastSizes.set(arbitrary, size);
  return arbitrary;
}

export interface SubschemaBuilder {
  /** @throws UnsatisfiableSchema where no value is valid against all schemas */
  required(schemas: readonly Located[]): fc.Arbitrary<Json>;
  /** @returns undefined where no value is valid, or only one that is nested too deep */
  optional(schemas: readonly Located[]): fc.Arbitrary<Json> | undefined;
}
