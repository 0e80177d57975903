// Arrays that are valid by items, prefixItems, lengths, uniqueItems and contains of all parts.
import fc from "fast-check";
import type { JsonSchema } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { number } from "../../spec/raw.ts";
import { UnsatisfiableSchema } from "./bounded-filter.ts";
import type { Located, Part } from "./expand-schema.ts";
import { distinct, type Json } from "./json.ts";
import { leastSizeOf, type SubschemaBuilder, withLeastSize } from "./subschema-builder.ts";

/** Larger arrays and objects are not generated. */
export const greatestCount = 20_000;

export interface LengthBounds {
  readonly min: number;
  readonly max: number;
}

/** The tightest of a pair of keywords such as minItems and maxItems. */
export function countBoundsOf(parts: readonly Part[], least: string, most: string): LengthBounds {
  return {
    min: Math.max(0, ...parts.flatMap(({ schema }) => number(schema[least]) ?? [])),
    max: Math.min(Number.POSITIVE_INFINITY, ...parts.flatMap(({ schema }) => number(schema[most]) ?? [])),
  };
}

/** The schemas of the item at `index`: of draft-07's array form of `items` and `additionalItems`, or of `prefixItems` and `items`. */
export function schemasAt(parts: readonly Part[], index: number): Located[] {
  return parts.flatMap(({ schema, pointer }) => {
    const { keyword, schemas } = tupleOf(schema);
    if (index < schemas.length) return [{ schema: schemas[index] as JsonSchema, pointer: join(pointer, keyword, index) }];
    const rest = keyword === "items" ? "additionalItems" : "items";
    return schema[rest] === undefined || Array.isArray(schema[rest])
      ? []
      : [{ schema: schema[rest] as JsonSchema, pointer: join(pointer, rest) }];
  });
}

function tupleOf({ items, prefixItems }: Part["schema"]): { readonly keyword: string; readonly schemas: readonly unknown[] } {
  if (Array.isArray(items)) return { keyword: "items", schemas: items };
  return { keyword: "prefixItems", schemas: Array.isArray(prefixItems) ? prefixItems : [] };
}

/** The number of items that have a schema by their index. */
export function tupleLengthOf(parts: readonly Part[]): number {
  return Math.max(0, ...parts.map(({ schema }) => tupleOf(schema).schemas.length));
}

/** @param spread how many more items than the least an array has at most */
export function arrayArbitrary(
  parts: readonly Part[],
  pointer: string,
  build: SubschemaBuilder,
  spread: number,
): { readonly arbitrary: fc.Arbitrary<Json>; readonly exact: boolean } {
  const bounds = countBoundsOf(parts, "minItems", "maxItems");
  const unique = parts.some(({ schema }) => schema.uniqueItems === true);
  const contained = parts.flatMap(({ schema, pointer }) =>
    schema.contains === undefined || schema.minContains === 0
      ? []
      : [{ schema: schema.contains as JsonSchema, pointer: join(pointer, "contains") }],
  );
  // The validator checks contains, its counts and unevaluatedItems.
  const isExact = parts.every(({ schema }) => schema.contains === undefined && schema.unevaluatedItems === undefined);
  const tuple = tupleLengthOf(parts);
  const head: fc.Arbitrary<Json>[] = [];
  while (head.length < tuple && head.length < bounds.max) {
    const item = build.optional(schemasAt(parts, head.length));
    if (item === undefined) break;
    head.push(item);
  }
  const rest = head.length < tuple ? undefined : build.optional(schemasAt(parts, tuple));
  const longest = rest === undefined ? head.length : bounds.max;
  const min = Math.max(bounds.min, contained.length > 0 ? 1 : 0);
  const max = Math.min(bounds.max, longest);
  if (min > max) throw new UnsatisfiableSchema(pointer, `an array of ${min} items or more, of which ${max} can be made`);

  if (min > greatestCount)
    throw new UnsatisfiableSchema(pointer, `minItems ${min} is over the ${greatestCount} items that are generated`);

  const most = Math.min(max, Math.max(min, tuple) + spread);
  const items =
    rest === undefined ? fc.constant<Json[]>([]) : itemsArbitrary(rest, min - head.length, most - head.length, unique);
  let arbitrary: fc.Arbitrary<Json[]> = items;
  if (head.length > 0) {
    const length = fc.integer({ min: Math.min(min, head.length), max: head.length });
    arbitrary = fc
      .tuple(fc.tuple(...head), length, items)
      .map(([first, kept, more]) => (more.length > 0 ? [...first, ...more] : first.slice(0, kept)));
  }
  for (const needed of contained) arbitrary = withItem(arbitrary, build.required([needed, ...schemasAt(parts, tuple)]));
  if (unique) arbitrary = arbitrary.map((values) => distinct(values));
  const least =
    1 + head.slice(0, min).reduce((sum, item) => sum + leastSizeOf(item), 0) + Math.max(0, min - head.length) * leastSizeOf(rest);
  const cut: fc.Arbitrary<Json> = arbitrary.map((values) => values.slice(0, max));
  return { arbitrary: withLeastSize(cut, least, pointer), exact: isExact && (!unique || min === 0) };
}

/** Unique items are drawn in excess, since some are dropped. */
function itemsArbitrary(item: fc.Arbitrary<Json>, min: number, max: number, unique: boolean): fc.Arbitrary<Json[]> {
  const least = Math.max(0, min);
  const excess = unique && least > 1 ? least + 4 : 0;
  return fc.array(item, { minLength: least + excess, maxLength: Math.max(least, max) + excess });
}

function withItem(items: fc.Arbitrary<Json[]>, needed: fc.Arbitrary<Json>): fc.Arbitrary<Json[]> {
  return fc.tuple(items, needed, fc.nat()).map(([values, value, place]) => {
    const at = place % Math.max(1, values.length);
    return [...values.slice(0, at), value, ...values.slice(at + 1)];
  });
}
