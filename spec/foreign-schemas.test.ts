// Schemas as other people and other tools write them: what the validator of the message then accepts.
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { normalise } from "./normalise.ts";
import { createValidators } from "./schemas.ts";
import { parseTree } from "./source-tree.ts";

function validatorOf(payload: unknown, components: object = {}) {
  const document = {
    asyncapi: "3.0.0",
    info: { title: "t", version: "1" },
    channels: { c: { messages: { m: { payload } } } },
    operations: { o: { action: "receive", channel: { $ref: "#/channels/c" } } },
    components,
  };
  const contract = normalise(parseTree("t.yaml", stringify(document)).tree!);
  const validators = createValidators(contract);
  const accepts = (value: unknown) => validators.of("m")(value).length === 0;
  return { contract, accepts, problems: validators.problems() };
}

const newer = "application/schema+json;version=draft-2020-12";

describe("a payload", () => {
  it.each<[string, unknown, unknown[], unknown[]]>([
    ["with multipleOf 0.01", { multipleOf: 0.01 }, [19.99, 0.07, 1e6 + 0.01], [19.999, 0.005]],
    ["with multipleOf 1", { multipleOf: 1 }, [3, -2], [1.001]],
    [
      "of draft 2020-12",
      { schemaFormat: newer, schema: { prefixItems: [{ type: "string" }], items: false } },
      [["a"], []],
      [[1], ["a", 1]],
    ],
    [
      "that names draft 2020-12 itself",
      { $schema: "https://json-schema.org/draft/2020-12/schema", dependentRequired: { a: ["b"] } },
      [{ a: 1, b: 1 }],
      [{ a: 1 }],
    ],
    [
      "of OpenAPI",
      {
        schemaFormat: "application/vnd.oai.openapi;version=3.0.0",
        schema: { type: "number", minimum: 1, exclusiveMinimum: true },
      },
      [1.5],
      [1],
    ],
    ["with nullable and a type", { type: "string", nullable: true }, ["a", null], [1]],
    [
      "with nullable without a type",
      { properties: { a: { nullable: true, allOf: [{ type: "object" }] } } },
      [{ a: {} }],
      [{ a: null }],
    ],
    ["with a pattern that is none", { type: "string", pattern: "(" }, ["a"], [1]],
    ["with a reference in place of properties", { type: "object", properties: { $ref: "x.yaml" } }, [{}, { $ref: 1 }], [1]],
    ["with an unknown format", { type: "string", format: "colour" }, ["a"], [1]],
  ])("%s", (_, payload, good, bad) => {
    const { accepts, problems } = validatorOf(payload);
    expect(problems).toEqual([]);
    expect(good.map(accepts)).toEqual(good.map(() => true));
    expect(bad.map(accepts)).toEqual(bad.map(() => false));
  });

  it("with an enum of 20 000 values compiles without comparing each with each", () => {
    const values = Array.from({ length: 20_000 }, (_, index) => ({ v: index }));
    const { accepts } = validatorOf({ enum: values });
    expect([{ v: 19_999 }, { v: 20_000 }].map(accepts)).toEqual([true, false]);
  });

  it("in a language that is not read accepts anything, and says which", () => {
    const { accepts, contract } = validatorOf({
      schemaFormat: "application/vnd.google.protobuf;version=3",
      schema: 'syntax = "proto3"; message A { string b = 1; }',
    });
    expect(accepts(1)).toBe(true);
    expect(contract.messages[0]!.payload).toBe(true);
  });

  it("whose value nests deeper than any stack is refused, not thrown", () => {
    const { accepts } = validatorOf(
      { $ref: "#/components/schemas/T" },
      { schemas: { T: { properties: { t: { $ref: "#/components/schemas/T" } } } } },
    );
    let value: unknown = {};
    for (let level = 0; level < 100_000; level++) value = { t: value };
    expect(accepts(value)).toBe(false);
  });
});

it("a contract has no keyword that stops AJV, so that the harness can compile each part of a schema alone", () => {
  const pattern = { type: "string", pattern: "(" };
  const { contract } = validatorOf({ properties: { a: pattern, b: { nullable: true } }, patternProperties: { "(": pattern } });
  expect(contract.messages[0]!.payload).toEqual({ properties: { a: { type: "string" }, b: {} }, patternProperties: {} });
});
