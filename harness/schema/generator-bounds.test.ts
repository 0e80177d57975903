// The generator reads draft 2020-12, refuses by name what it cannot make, and ends whatever the schema asks for.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonSchema } from "../../spec/contract.ts";
import { createArbitraries, UnsatisfiableSchema } from "./arbitrary.ts";
import { createMutator } from "./invalid.ts";
import { createSchemaValidator } from "./schema-validator.ts";
import { createValidSamples } from "./valid-samples.ts";

const none: ReadonlyMap<string, JsonSchema> = new Map();

function tools() {
  const validator = createSchemaValidator(none, "2020-12");
  return { validator, arbitraries: createArbitraries(none, validator.compile) };
}

describe("draft 2020-12", () => {
  const schemas: Readonly<Record<string, JsonSchema>> = {
    tuple: { type: "array", prefixItems: [{ type: "integer" }, { type: "string" }], items: false, minItems: 2 },
    "tuple and more": { prefixItems: [{ const: 2 }], items: { type: "boolean" }, minItems: 3 },
    "dependent members": {
      type: "object",
      properties: { a: { type: "integer" }, b: { type: "integer" } },
      dependentRequired: { a: ["b"] },
      dependentSchemas: { b: { properties: { b: { minimum: 3 } } } },
    },
    "counted contains": { type: "array", items: { type: "integer" }, contains: { minimum: 5 }, minContains: 2, maxContains: 3 },
    "contains nothing": { type: "array", items: { type: "integer" }, contains: { minimum: 5 }, minContains: 0 },
    "no other members": {
      allOf: [{ properties: { a: { type: "string" } } }],
      properties: { b: { type: "integer" } },
      required: ["b"],
      unevaluatedProperties: false,
    },
  };
  it.each(Object.entries(schemas))("%s", (_name, schema) => {
    const { validator, arbitraries } = tools();
    const values = fc.sample(arbitraries.of(schema, "#"), { numRuns: 100, seed: 1 });
    expect(values.filter((value) => !validator.compile(schema)(value))).toEqual([]);
    const samples = createValidSamples(schema, "#", { validator, arbitraries });
    const mutator = createMutator(schema, "#", none, samples, validator);
    const broken = mutator.constraints.map((constraint) => mutator.mutate(constraint, samples.all[0]!));
    expect(broken.filter((one) => "value" in one && validator.compile(schema)(one.value))).toEqual([]);
    expect(broken.some((one) => "value" in one)).toBe(true);
  });
});

describe("what cannot be made is refused by name", () => {
  const schemas: Readonly<Record<string, readonly [JsonSchema, RegExp]>> = {
    "a long text": [{ type: "string", minLength: 10_000_000 }, /minLength 10000000/],
    "a long pattern": [{ type: "string", pattern: "^(?:a{1000}b){1000}$" }, /repeats more/],
    "a long array": [{ type: "array", minItems: 10_000_000 }, /minItems 10000000/],
    "a large object": [{ type: "object", minProperties: 10_000_000 }, /minProperties 10000000/],
    "an array of long arrays": [
      { type: "array", minItems: 5_000, items: { type: "array", minItems: 5_000, items: { type: "integer" } } },
      /100000 parts/,
    ],
  };
  it.each(Object.entries(schemas))("%s", (_name, [schema, message]) => {
    const draw = () => fc.sample(tools().arbitraries.of(schema, "#"), { numRuns: 3, seed: 1 });
    expect(draw).toThrow(UnsatisfiableSchema);
    expect(draw).toThrow(message);
  });
});
