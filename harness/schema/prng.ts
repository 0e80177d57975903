// Pseudo-random numbers for schedules and choices that a seed must repeat.
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { mersenne } from "pure-rand/generator/mersenne";

/**
 * A generator of numbers from 0 to 1, without 1. The same seed gives the same numbers.
 * @param seed an integer
 */
export function createPrng(seed: number): () => number {
  const generator = mersenne(seed);
  return () => uniformFloat64(generator);
}
