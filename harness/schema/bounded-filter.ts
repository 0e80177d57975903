// A filter that gives up: `arbitrary.filter` never ends where no value satisfies the predicate.
import fc from "fast-check";

/** More in a row than any satisfiable schema was seen to need. */
const maxRejectionsInRow = 20_000;

/** No valid value was found. The message names the schema's pointer. */
export class UnsatisfiableSchema extends Error {
  override readonly name = "UnsatisfiableSchema";
  readonly pointer: string;
  /** @param pointer where the schema stands, such as `#/definitions/Room/pattern` */
  constructor(pointer: string, why: string) {
    super(`no value was found for the schema at ${pointer}: ${why}`);
    this.pointer = pointer;
  }
}

/** How many values a generator made and rejected. */
export interface FilterCount {
  generated: number;
  rejected: number;
}

/**
 * Keeps the values that satisfy the predicate.
 * @param pointer named in the error
 * @throws UnsatisfiableSchema from `generate`, after 20 000 rejections in a row
 */
export function boundedFilter<Value>(
  inner: fc.Arbitrary<Value>,
  keeps: (value: Value) => boolean,
  pointer: string,
  count: FilterCount,
): fc.Arbitrary<Value> {
  return new BoundedFilter(inner, keeps, pointer, count);
}

class BoundedFilter<Value> extends fc.Arbitrary<Value> {
  readonly #inner: fc.Arbitrary<Value>;
  readonly #keeps: (value: Value) => boolean;
  readonly #pointer: string;
  readonly #count: FilterCount;

  constructor(inner: fc.Arbitrary<Value>, keeps: (value: Value) => boolean, pointer: string, count: FilterCount) {
    super();
    this.#inner = inner;
    this.#keeps = keeps;
    this.#pointer = pointer;
    this.#count = count;
  }

  override generate(random: fc.Random, biasFactor: number | undefined): fc.Value<Value> {
    this.#count.generated++;
    for (let attempt = 0; attempt < maxRejectionsInRow; attempt++) {
      // Bias draws edge values again and again, which may be the very ones that are refused.
      const candidate = this.#inner.generate(random, attempt < 100 ? biasFactor : undefined);
      if (this.#keeps(candidate.value_)) return candidate;
      this.#count.rejected++;
    }
    throw new UnsatisfiableSchema(this.#pointer, `${maxRejectionsInRow} candidates in a row were refused`);
  }

  override canShrinkWithoutContext(value: unknown): value is Value {
    return this.#inner.canShrinkWithoutContext(value) && this.#keeps(value);
  }

  override shrink(value: Value, context: unknown): fc.Stream<fc.Value<Value>> {
    return this.#inner.shrink(value, context).filter((smaller) => this.#keeps(smaller.value_));
  }
}
