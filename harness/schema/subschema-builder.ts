// How the arbitrary of an array or object gets the arbitraries of its items and members.
import type fc from "fast-check";
import type { Located } from "./expand-schema.ts";
import type { Json } from "./json.ts";

export interface SubschemaBuilder {
  /** @throws UnsatisfiableSchema where no value is valid against all schemas */
  required(schemas: readonly Located[]): fc.Arbitrary<Json>;
  /** @returns undefined where no value is valid, or only one that is nested too deep */
  optional(schemas: readonly Located[]): fc.Arbitrary<Json> | undefined;
}
