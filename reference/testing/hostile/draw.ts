// Random choices for the fuzz run, from a seed.
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { mersenne } from "pure-rand/generator/mersenne";

export class Draw {
  readonly #next: () => number;

  /** @param seed an integer: the same seed gives the same choices */
  constructor(seed: number) {
    const generator = mersenne(seed);
    this.#next = () => uniformFloat64(generator);
  }

  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.#next() * (max - min + 1));
  }

  one<T>(list: readonly T[]): T {
    return list[this.whole(0, list.length - 1)]!;
  }

  /** True once in `count` times. */
  oncePer(count: number): boolean {
    return this.whole(1, count) === 1;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.whole(0, 255)));
  }
}
