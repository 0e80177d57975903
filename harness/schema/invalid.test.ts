import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonSchema } from "../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { sampleDefinitions, sampleSchemas } from "../comparison/sample-schemas.ts";
import { createArbitraries } from "./arbitrary.ts";
import { createMutator, type Mutation, type Unmutated } from "./invalid.ts";
import type { Json } from "./json.ts";
import { createSchemaValidator } from "./schema-validator.ts";
import { createValidSamples } from "./valid-samples.ts";

function outcomes(schema: JsonSchema, definitions: ReadonlyMap<string, JsonSchema>, examples: readonly Json[] = []) {
  const validator = createSchemaValidator(definitions);
  const arbitraries = createArbitraries(definitions, validator.compile);
  const samples = createValidSamples(schema, "#", { validator, arbitraries, examples });
  const mutator = createMutator(schema, "#", definitions, samples, validator);
  const base = examples[0] ?? fc.sample(arbitraries.of(schema, "#"), { numRuns: 1, seed: 1 })[0]!;
  const all = mutator.constraints.map((constraint) => mutator.mutate(constraint, base));
  return {
    validator,
    mutations: all.filter((outcome): outcome is Mutation => "value" in outcome),
    unmutated: all.filter((outcome): outcome is Unmutated => "why" in outcome),
  };
}

const named = ({ constraint }: { constraint: Mutation["constraint"] }) =>
  `${constraint.pointer} at ${constraint.location || "the root"}`;

/** Keywords of the samples that forbid nothing where they stand, or whose breach nothing random finds. */
const knownUnmutated: Readonly<Record<string, readonly string[]>> = {
  "format no-such-format": ["#/format at the root"],
  "oneOf overlapping": ["#/oneOf/0/minimum at the root", "#/oneOf/1/maximum at the root"],
  // AJV looks inherited members up, so that these are never missing to it.
  "awkward names": [
    "#/required/__proto__ at the root",
    "#/required/constructor at the root",
    "#/properties/__proto__/type at /__proto__",
  ],
};

describe("each keyword of the samples is broken, and the validator agrees", () => {
  it.each(Object.entries(sampleSchemas))("%s", (name, schema) => {
    const { validator, mutations, unmutated } = outcomes(schema, sampleDefinitions);
    for (const { value, constraint } of mutations) {
      const errors = validator.errors(schema, JSON.parse(JSON.stringify(value)));
      expect(errors.map(({ keyword }) => keyword)).toContain(constraint.keyword);
    }
    expect(unmutated.map(named)).toEqual(knownUnmutated[name] ?? []);
  });
});

describe("each keyword of our own client messages is broken alone", async () => {
  const { contract } = await loadContract({ file: defaultSpecFile });
  const clientMessages = new Set(
    contract!.operations.filter(({ action }) => action === "receive").flatMap(({ messages }) => messages),
  );
  const messages = contract!.messages.filter(({ name }) => clientMessages.has(name));
  it.each(messages.map((message) => [message.name, message] as const))("%s", (_name, { payload, examples }) => {
    const { mutations, unmutated } = outcomes(
      payload,
      contract!.definitions,
      examples.map((example) => example.payload as Json),
    );
    expect(mutations.length).toBeGreaterThan(3);
    expect(unmutated.map(named)).toEqual([]);
    expect(mutations.filter(({ exact }) => !exact).map(named)).toEqual([]);
  });
});
