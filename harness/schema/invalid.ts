// Invalid messages as obligations: for each keyword at each place one message that breaks just that, proven by the validator.
import type { JsonSchema } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { candidatesFor, greatestSize } from "./break-keyword.ts";
import { valueAt, withValueAt } from "./edit.ts";
import type { Json } from "./json.ts";
import { type Obligation, obligationsOf } from "./keyword-constraints.ts";
import type { Refusal, SchemaJudge } from "./schema-validator.ts";
import type { Donors } from "./valid-samples.ts";

export type { Obligation } from "./keyword-constraints.ts";

/** A message that one keyword refuses. */
export interface Mutation {
  readonly obligation: Obligation;
  readonly value: Json;
  /** Whether nothing else refuses it (apart from the alternatives that the keyword stands in). */
  readonly exact: boolean;
  /** Pointers into the message at which it may be said to be wrong. */
  readonly places: readonly string[];
}

/** An obligation that no message could be made for. */
export interface Unbroken {
  readonly obligation: Obligation;
  readonly why: string;
}

export interface Mutator {
  /** Every keyword at every place. */
  readonly obligations: readonly Obligation[];
  /**
   * Breaks one keyword of a valid message.
   * @param base valid; where it lacks the place, the missing part is taken from another valid message
   */
  mutate(obligation: Obligation, base: Json): Mutation | Unbroken;
}

/**
 * @param schema of the whole message
 * @param pointer where it stands in the document
 */
export function createMutator(
  schema: JsonSchema,
  pointer: string,
  definitions: ReadonlyMap<string, JsonSchema>,
  donors: Donors,
  judge: SchemaJudge,
): Mutator {
  return {
    obligations: obligationsOf(schema, pointer, definitions, donors.all),
    mutate(obligation, base) {
      const starts = donors.reaching(needed(obligation), obligation.within, base);
      if (starts.length === 0) return { obligation, why: `no valid message was found that has ${needed(obligation) || "it"}` };
      let best: Mutation | undefined;
      for (const start of starts) {
        const value = valueAt(start, obligation.location)!;
        for (const candidate of candidatesFor(obligation, value, (schema) => donors.draw(schema as JsonSchema, 20))) {
          const broken = JSON.parse(JSON.stringify(withValueAt(start, obligation.location, candidate))) as Json;
          const refusals = judge.refusals(schema, broken);
          if (!refusals.some((refusal) => isAbout(obligation, refusal))) continue;
          const exact = refusals.every((refusal) => isAbout(obligation, refusal) || isConsequence(obligation, refusal));
          const mutation = { obligation, value: broken, exact, places: placesOfRefusals(refusals) };
          if (exact) return mutation;
          best ??= mutation;
        }
      }
      return best ?? { obligation, why: whyNot(obligation) };
    },
  };
}

/** The place that must be there before it can be broken. */
function needed({ keyword, location, member }: Obligation): string {
  return keyword === "required" || keyword === "dependencies" ? join(location, member!) : location;
}

function isAbout({ keyword, location, schema, member }: Obligation, refusal: Refusal): boolean {
  if (keyword === "false schema") return refusal.keyword === keyword && refusal.pointer === join(location, member!);
  if (refusal.keyword !== keyword || refusal.pointer !== location || refusal.schema !== schema) return false;
  return keyword !== "required" || refusal.member === member;
}

/** What fails with the keyword because it surrounds it: the alternatives, and what judges a name beside propertyNames. */
function isConsequence({ keyword, location, within }: Obligation, refusal: Refusal): boolean {
  if (["anyOf", "oneOf", "if"].includes(refusal.keyword)) return within.length > 0 || keyword === refusal.keyword;
  if (within.length > 0) return true;
  return ["anyOf", "oneOf", "not", "propertyNames", "contains"].includes(keyword) && refusal.pointer.startsWith(location);
}

/** Where the message is wrong: what is refused, and the member that is missing or too much. */
export function placesOfRefusals(refusals: readonly Refusal[]): string[] {
  return [
    ...new Set(refusals.flatMap(({ pointer, member }) => [pointer, ...(member === undefined ? [] : [join(pointer, member)])])),
  ];
}

function whyNot({ keyword, schema }: Obligation): string {
  const bound = schema[keyword];
  if (typeof bound === "number" && bound > greatestSize)
    return `${keyword} ${bound} is beyond the ${greatestSize} that are sent at most`;
  if ((keyword === "minLength" || keyword === "minItems" || keyword === "minProperties") && bound === 0) {
    return `${keyword} 0 forbids nothing`;
  }
  return `nothing was found that ${keyword} refuses, so that it may forbid nothing here`;
}
