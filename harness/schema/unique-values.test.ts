import { describe, expect, it } from "vitest";
import type { JsonSchema } from "../../spec/contract.ts";
import { createArbitraries } from "./arbitrary.ts";
import { createSchemaValidator } from "./schema-validator.ts";
import { createTypedValues, createUniqueValues, NoUniqueValue } from "./unique-values.ts";
import { createValidSamples } from "./valid-samples.ts";

const none: ReadonlyMap<string, JsonSchema> = new Map();

function usagesOf(ids: readonly JsonSchema[]) {
  const validator = createSchemaValidator(none);
  const arbitraries = createArbitraries(none, validator.compile);
  return ids.map((id) => {
    const payload: JsonSchema = { type: "object", required: ["id"], properties: { id } };
    return { payload, samples: createValidSamples(payload, "#", { validator, arbitraries }), pointer: "/id" };
  });
}

function valuesOf(...ids: readonly JsonSchema[]) {
  const values = createUniqueValues(usagesOf(ids), none, "i");
  return Array.from({ length: 50 }, (_, count) => values(count + 1));
}

const allOf = (type: string) => (values: readonly unknown[]) => values.every((value) => typeof value === type);

it.each([
  ["text alone", { type: "string" }, ["i-7"]],
  ["an integer alone", { type: "integer" }, [7]],
  ["both", { type: ["string", "integer"] }, ["i-7", 7]],
  ["neither", { type: "boolean" }, []],
])("gives an id in each JSON type that the schema allows: %s", (_name, schema, expected) => {
  expect(createTypedValues(usagesOf([schema as JsonSchema]), "i")(7)).toEqual(expected);
});

describe("ids are valid and unique", () => {
  it.each([
    ["free text", { type: "string" }, "string"],
    ["a pattern that the usual text has", { type: "string", pattern: "^[A-Za-z0-9_-]{1,64}$" }, "string"],
    ["a uuid", { type: "string", format: "uuid" }, "string"],
    ["capitals alone", { type: "string", pattern: "^[A-Z]{6}$" }, "string"],
    ["an integer", { type: "integer", minimum: 1 }, "number"],
    ["an integer of 32 bits", { type: "integer", format: "int32" }, "number"],
    ["a large integer", { type: "integer", minimum: 5000 }, "number"],
  ] as const)("%s", (_name, schema, type) => {
    const values = valuesOf(schema as JsonSchema);
    expect(allOf(type)(values)).toBe(true);
    expect(new Set(values).size).toBe(values.length);
  });

  it("texts and integers take turns where both are allowed", () => {
    const values = valuesOf({
      oneOf: [
        { type: "string", minLength: 1 },
        { type: "integer", minimum: 0 },
      ],
    });
    expect(values.filter((value) => typeof value === "number")).toHaveLength(25);
  });
  it("they fit all messages at once", () => {
    expect(allOf("number")(valuesOf({ type: ["string", "integer"] }, { type: "integer" }))).toBe(true);
  });
  it("a small space is used up and begins again", () => {
    expect(new Set(valuesOf({ enum: ["a", "b"] })).size).toBe(2);
  });
  it("messages without a common id are refused", () => {
    expect(() => valuesOf({ const: "a" }, { const: "b" })).toThrow(NoUniqueValue);
  });
});
