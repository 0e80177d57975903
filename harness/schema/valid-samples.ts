// Valid messages to start from: the caller's, and generated ones that provide the parts which it lacks.
import fc from "fast-check";
import type { JsonSchema } from "../../spec/contract.ts";
import { parent } from "../../spec/pointer.ts";
import type { Arbitraries } from "./arbitrary.ts";
import { UnsatisfiableSchema } from "./bounded-filter.ts";
import { hasValueAt, valueAt, withValueAt } from "./edit.ts";
import type { Json } from "./json.ts";
import type { Branch } from "./keyword-constraints.ts";
import type { SchemaValidator } from "./schema-validator.ts";

export interface ValidSamples {
  readonly all: readonly Json[];
  isValid(value: unknown): boolean;
  /** Valid values of any schema that refers to the document's definitions; empty if there are none. Always the same ones. */
  draw(schema: JsonSchema, count: number): readonly Json[];
  /**
   * Valid messages that have the place and are in the branches, at most 21. The base comes first: as it is, or with the missing part
   * taken from another.
   */
  reaching(place: string, within: readonly Branch[], base: Json): readonly Json[];
}

/** Valid messages among which the places are looked for. */
const sampleCount = 200;
/** Of them, so many are given for one place. */
const givenSamples = 20;

/** @param examples valid messages, taken before random ones */
export function createValidSamples(
  schema: JsonSchema,
  pointer: string,
  tools: { readonly validator: SchemaValidator; readonly arbitraries: Arbitraries; readonly examples?: readonly Json[] },
): ValidSamples {
  const { validator, arbitraries, examples = [] } = tools;
  const draw = (schema: JsonSchema, numRuns: number): Json[] => {
    try {
      return fc.sample(arbitraries.of(schema, pointer), { numRuns, seed: 1 });
    } catch (error) {
      if (error instanceof UnsatisfiableSchema) return [];
      throw error;
    }
  };
  const isValid = validator.compile(schema);
  const drawn = draw(schema, sampleCount)
    .map((value) => ({ value, length: JSON.stringify(value).length }))
    .sort((a, b) => b.length - a.length)
    .map(({ value }) => value);
  const all = [...examples.filter(isValid), ...drawn];
  return {
    all,
    isValid,
    draw,
    reaching(place, within, base) {
      const reaches = (value: Json) =>
        hasValueAt(value, place) &&
        within.every(
          (branch) => hasValueAt(value, branch.location) && validator.compile(branch.schema)(valueAt(value, branch.location)),
        );
      const fits = (value: Json) => reaches(value) && isValid(value);
      const fitting = all.filter(reaches);
      // The longest have most places, and in the shortest an alternative stands alone.
      const given =
        fitting.length <= givenSamples ? fitting : [...fitting.slice(0, givenSamples / 2), ...fitting.slice(-givenSamples / 2)];
      if (fits(base)) return [base, ...given];
      const spliced = given.map((sample) => splice(base, sample, place)).filter((value) => value !== undefined);
      return [...spliced.filter(fits).slice(0, 1), ...given];
    },
  };
}

/** The base with the first part that it lacks on the way to the place, taken from the sample. */
function splice(base: Json, sample: Json, place: string): Json | undefined {
  let missing = place;
  while (missing !== "" && !hasValueAt(base, parent(missing))) missing = parent(missing);
  const part = valueAt(sample, missing);
  const container = valueAt(base, parent(missing));
  return part === undefined || typeof container !== "object" || container === null ? undefined : withValueAt(base, missing, part);
}
