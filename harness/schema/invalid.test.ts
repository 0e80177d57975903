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

describe("one keyword is broken in every way that there is", () => {
  const kindsOf = (schema: JsonSchema, example: Json) => {
    const validator = createSchemaValidator(new Map());
    const samples = createValidSamples(schema, "#", {
      validator,
      arbitraries: createArbitraries(new Map(), validator.compile),
      examples: [example],
    });
    const mutator = createMutator(schema, "#", new Map(), samples, validator);
    return Object.fromEntries(
      mutator.constraints.map((constraint) => {
        const { mutations, missing } = mutator.mutateAll(constraint, example);
        expect(mutations.filter(({ value }) => validator.compile(schema)(value))).toEqual([]);
        return [constraint.keyword, { values: mutations.map(({ value }) => value), missing }];
      }),
    );
  };

  it("an integer is a text, a boolean, a fraction, null, an array and an object", () => {
    const { type } = kindsOf({ type: "integer" }, 7);
    expect(type!.values).toEqual(expect.arrayContaining(["7", true, 7.5, null, [7], { value: 7 }]));
    expect(type!.missing).toEqual(["integer"]);
  });
  it("a bound is crossed by one and by much", () => {
    const { maximum } = kindsOf({ type: "integer", maximum: 10 }, 7);
    expect(maximum!.values).toEqual([11, 21, Number.MAX_VALUE]);
  });
  it("a text of an enum has the wrong case, is another, empty or null", () => {
    const { enum: values } = kindsOf({ enum: ["red"] }, "red");
    expect(values!.values).toEqual(expect.arrayContaining(["RED", "redx", " red", "", null, ["red"]]));
  });
  it("a keyword about members is broken by an object where the message is none", () => {
    const closed = { anyOf: [{ type: "string" }, { additionalProperties: false, required: ["a"] }] } as const;
    expect(() => kindsOf(closed, "text")).not.toThrow();
    expect(() => kindsOf({ ...closed, anyOf: [...closed.anyOf].reverse() }, "text")).not.toThrow();
    const { propertyNames } = kindsOf({ propertyNames: { pattern: "^a" } }, 5);
    expect(propertyNames!.values).toContainEqual({ "not allowed!": true });
  });
  it("a kind that the schema accepts is missing", () => {
    const { type } = kindsOf({ type: ["integer", "null", "boolean"] }, 7);
    expect(type!.missing).toEqual(["boolean", "integer", "null"]);
  });
});
