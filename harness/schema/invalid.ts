// Invalid messages as constraints: for each keyword at each place one message that breaks just that, proven by the validator.
import type { JsonSchema } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { candidatesFor, greatestSize } from "./break-keyword.ts";
import { valueAt, withValueAt } from "./edit.ts";
import type { Json } from "./json.ts";
import { constraintsOf, type KeywordConstraint } from "./keyword-constraints.ts";
import type { SchemaError, SchemaValidator } from "./schema-validator.ts";
import type { ValidSamples } from "./valid-samples.ts";

export type { KeywordConstraint } from "./keyword-constraints.ts";

/** A message that one keyword refuses. */
export interface Mutation {
  readonly constraint: KeywordConstraint;
  readonly value: Json;
  /** Whether nothing else refuses it (apart from the alternatives that the keyword stands in). */
  readonly exact: boolean;
  /** Pointers into the message at which it may be said to be wrong. */
  readonly places: readonly string[];
}

/** An constraint that no message could be made for. */
export interface Unmutated {
  readonly constraint: KeywordConstraint;
  readonly why: string;
}

export interface Mutator {
  /** Every keyword at every place. */
  readonly constraints: readonly KeywordConstraint[];
  /**
   * Breaks one keyword of a valid message.
   * @param base valid; where it lacks the place, the missing part is taken from another valid message
   */
  mutate(constraint: KeywordConstraint, base: Json): Mutation | Unmutated;
}

/**
 * @param schema of the whole message
 * @param pointer where it stands in the document
 */
export function createMutator(
  schema: JsonSchema,
  pointer: string,
  definitions: ReadonlyMap<string, JsonSchema>,
  samples: ValidSamples,
  validator: SchemaValidator,
): Mutator {
  return {
    constraints: constraintsOf(schema, pointer, definitions, samples.all),
    mutate(constraint, base) {
      const starts = samples.reaching(needed(constraint), constraint.within, base);
      if (starts.length === 0) return { constraint, why: `no valid message was found that has ${needed(constraint) || "it"}` };
      let best: Mutation | undefined;
      for (const start of starts) {
        const value = valueAt(start, constraint.location)!;
        for (const candidate of candidatesFor(constraint, value, (schema) => samples.draw(schema as JsonSchema, 20))) {
          const broken = JSON.parse(JSON.stringify(withValueAt(start, constraint.location, candidate))) as Json;
          const errors = validator.errors(schema, broken);
          if (!errors.some((error) => isAbout(constraint, error))) continue;
          const exact = errors.every((error) => isAbout(constraint, error) || isConsequence(constraint, error));
          const mutation = { constraint, value: broken, exact, places: errorPointers(errors) };
          if (exact) return mutation;
          best ??= mutation;
        }
      }
      return best ?? { constraint, why: whyNot(constraint) };
    },
  };
}

/** The place that must be there before it can be mutations. */
function needed({ keyword, location, member }: KeywordConstraint): string {
  return keyword === "required" || keyword === "dependencies" ? join(location, member!) : location;
}

function isAbout({ keyword, location, schema, member }: KeywordConstraint, error: SchemaError): boolean {
  if (keyword === "false schema") return error.keyword === keyword && error.pointer === join(location, member!);
  if (error.keyword !== keyword || error.pointer !== location || error.schema !== schema) return false;
  return keyword !== "required" || error.member === member;
}

/** What fails with the keyword because it surrounds it: the alternatives, and what judges a name beside propertyNames. */
function isConsequence({ keyword, location, within }: KeywordConstraint, error: SchemaError): boolean {
  if (["anyOf", "oneOf", "if"].includes(error.keyword)) return within.length > 0 || keyword === error.keyword;
  if (within.length > 0) return true;
  return ["anyOf", "oneOf", "not", "propertyNames", "contains"].includes(keyword) && error.pointer.startsWith(location);
}

/** Where the message is wrong: what is refused, and the member that is missing or too much. */
export function errorPointers(errors: readonly SchemaError[]): string[] {
  return [
    ...new Set(errors.flatMap(({ pointer, member }) => [pointer, ...(member === undefined ? [] : [join(pointer, member)])])),
  ];
}

function whyNot({ keyword, schema }: KeywordConstraint): string {
  const bound = schema[keyword];
  if (typeof bound === "number" && bound > greatestSize)
    return `${keyword} ${bound} is beyond the ${greatestSize} that are sent at most`;
  if ((keyword === "minLength" || keyword === "minItems" || keyword === "minProperties") && bound === 0) {
    return `${keyword} 0 forbids nothing`;
  }
  return `nothing was found that ${keyword} refuses, so that it may forbid nothing here`;
}
