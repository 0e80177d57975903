// Invalid messages: for each keyword at each location one message of each kind that breaks just that, confirmed by the validator.
import type { JsonSchema } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { greatestSize, mutationKinds } from "./break-keyword.ts";
import { valueAt, withValueAt } from "./edit.ts";
import type { Json } from "./json.ts";
import { constraintsOf, type KeywordConstraint } from "./keyword-constraints.ts";
import type { SchemaError, SchemaValidator } from "./schema-validator.ts";
import type { ValidSamples } from "./valid-samples.ts";

export type { KeywordConstraint } from "./keyword-constraints.ts";

/** A message that one keyword rejects. */
export interface Mutation {
  readonly constraint: KeywordConstraint;
  /** How it breaks the keyword, such as `null` or `one beyond`. */
  readonly kind: string;
  readonly value: Json;
  /** Whether no other keyword rejects it, apart from the alternatives that the keyword is in. */
  readonly exact: boolean;
  /** Pointers into the message at which an error may report it. */
  readonly places: readonly string[];
}

/** A constraint that no message was found for. */
export interface Unmutated {
  readonly constraint: KeywordConstraint;
  readonly why: string;
}

/** All messages that break one keyword. */
export interface Mutations {
  /** One of each kind. */
  readonly mutations: readonly Mutation[];
  /** Kinds without a message: the schema accepts them, or another keyword rejects them first. */
  readonly missing: readonly string[];
}

export interface Mutator {
  /** Every keyword at every location. */
  readonly constraints: readonly KeywordConstraint[];
  /**
   * Breaks one keyword of a valid message in the plainest way.
   * @param base valid; a part that it lacks is taken from another valid message
   */
  mutate(constraint: KeywordConstraint, base: Json): Mutation | Unmutated;
  /** Breaks one keyword in every way that there is. */
  mutateAll(constraint: KeywordConstraint, base: Json): Mutations;
}

/** Later kinds are tried on this many messages, the first on all. */
const startsOfLaterKinds = 3;

/**
 * @param schema of the whole message
 * @param pointer of the schema in the document
 */
export function createMutator(
  schema: JsonSchema,
  pointer: string,
  definitions: ReadonlyMap<string, JsonSchema>,
  samples: ValidSamples,
  validator: SchemaValidator,
): Mutator {
  const draw = (part: unknown) => samples.draw(part as JsonSchema, 20);
  const mutationOf = (constraint: KeywordConstraint, kind: string, start: Json, candidate: Json): Mutation | undefined => {
    const value = JSON.parse(JSON.stringify(withValueAt(start, constraint.location, candidate))) as Json;
    const errors = validator.errors(schema, value);
    if (!errors.some((error) => isAbout(constraint, error))) return undefined;
    const exact = errors.every((error) => isAbout(constraint, error) || isConsequence(constraint, error));
    return { constraint, kind, value, exact, places: errorPointers(errors) };
  };
  const kindsAt = (constraint: KeywordConstraint, start: Json) =>
    mutationKinds(constraint, valueAt(start, constraint.location)!, draw);
  const startsOf = (constraint: KeywordConstraint, base: Json) => samples.reaching(needed(constraint), constraint.within, base);

  return {
    constraints: constraintsOf(schema, pointer, definitions, samples.all),
    mutate(constraint, base) {
      const starts = startsOf(constraint, base);
      if (starts.length === 0) return { constraint, why: `no valid message was found that has ${needed(constraint) || "it"}` };
      let best: Mutation | undefined;
      for (const start of starts) {
        for (const { name, values } of kindsAt(constraint, start)) {
          for (const candidate of values) {
            const mutation = mutationOf(constraint, name, start, candidate);
            if (mutation?.exact === true) return mutation;
            best ??= mutation;
          }
        }
      }
      return best ?? { constraint, why: whyNot(constraint) };
    },
    mutateAll(constraint, base) {
      const first = this.mutate(constraint, base);
      if ("why" in first) return { mutations: [], missing: [] };
      const found = new Map([[first.kind, first]]);
      const names = new Set<string>();
      for (const start of startsOf(constraint, base).slice(0, startsOfLaterKinds)) {
        for (const { name, values } of kindsAt(constraint, start)) {
          names.add(name);
          if (found.get(name)?.exact === true) continue;
          let mutation = found.get(name);
          for (const candidate of values) {
            const made = mutationOf(constraint, name, start, candidate);
            mutation = made?.exact === true ? made : (mutation ?? made);
            if (mutation?.exact === true) break;
          }
          if (mutation !== undefined) found.set(name, mutation);
        }
      }
      return { mutations: [...found.values()], missing: [...names].filter((name) => !found.has(name)) };
    },
  };
}

/** The pointer that a message must have before the keyword can be broken. */
function needed({ keyword, location, member }: KeywordConstraint): string {
  return ["required", "dependencies", "dependentRequired"].includes(keyword) ? join(location, member!) : location;
}

function isAbout({ keyword, location, schema, member }: KeywordConstraint, error: SchemaError): boolean {
  if (keyword === "false schema") return error.keyword === keyword && error.pointer === join(location, member!);
  if (error.keyword !== keyword || error.pointer !== location || error.schema !== schema) return false;
  return keyword !== "required" || error.member === member;
}

/** Errors that follow from the broken keyword: of the alternatives around it, and of the name beside propertyNames. */
function isConsequence({ keyword, location, within }: KeywordConstraint, error: SchemaError): boolean {
  if (["anyOf", "oneOf", "if"].includes(error.keyword)) return within.length > 0 || keyword === error.keyword;
  if (within.length > 0) return true;
  return ["anyOf", "oneOf", "not", "propertyNames", "contains"].includes(keyword) && error.pointer.startsWith(location);
}

/** Where the message is wrong: the rejected value, and the member that is missing or unexpected. */
export function errorPointers(errors: readonly SchemaError[]): string[] {
  return [
    ...new Set(errors.flatMap(({ pointer, member }) => [pointer, ...(member === undefined ? [] : [join(pointer, member)])])),
  ];
}

function whyNot({ keyword, schema }: KeywordConstraint): string {
  const bound = schema[keyword];
  if (typeof bound === "number" && bound > greatestSize)
    return `${keyword} ${bound} is over the ${greatestSize} that are sent at most`;
  if ((keyword === "minLength" || keyword === "minItems" || keyword === "minProperties") && bound === 0) {
    return `${keyword} 0 forbids nothing`;
  }
  return `no value was found that ${keyword} rejects here`;
}
