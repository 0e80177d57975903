import { describe, expect, it } from "vitest";
import type { JsonSchema } from "../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { sampleDefinitions, sampleSchemas } from "../comparison/sample-schemas.ts";
import { createArbitraries } from "./arbitrary.ts";
import { boundsAmong, messagesAt } from "./boundaries.ts";
import { createMutator } from "./invalid.ts";
import type { Json } from "./json.ts";
import { createSchemaValidator } from "./schema-validator.ts";
import { createValidSamples } from "./valid-samples.ts";

function edges(
  schema: JsonSchema,
  definitions: ReadonlyMap<string, JsonSchema> = sampleDefinitions,
  examples: readonly Json[] = [],
) {
  const validator = createSchemaValidator(definitions);
  const samples = createValidSamples(schema, "#", {
    validator,
    arbitraries: createArbitraries(definitions, validator.compile),
    examples,
  });
  const { constraints } = createMutator(schema, "#", definitions, samples, validator);
  return boundsAmong(constraints).map((bound) => ({ bound, at: messagesAt(bound, samples.all[0]!, schema, samples, validator) }));
}

/** But for the odd texts, which are the same at every place that takes them. */
const told = (schema: JsonSchema) =>
  edges(schema)
    .filter(({ bound }) => bound.kind !== "text")
    .map(({ bound, at }) => [bound.keyword, ...at.map(({ label, valid }) => `${label}: ${valid ? "valid" : "invalid"}`)]);

describe("boundaries", () => {
  it("lengths are counted in code points", () => {
    expect(told({ type: "string", maxLength: 3 })).toEqual([
      [
        "maxLength",
        "2 code points: valid",
        "2 code points outside the basic plane: valid",
        "3 code points: valid",
        "3 code points outside the basic plane: valid",
        "4 code points: invalid",
        "4 code points outside the basic plane: invalid",
      ],
    ]);
  });

  it("a pattern's lengths are found in it", () => {
    expect(told({ type: "string", pattern: "^[a-c]{1,64}$" })).toEqual([
      [
        "pattern",
        "2 characters: valid",
        "2 characters, the last of each class: valid",
        "1 characters: valid",
        "1 characters, the last of each class: valid",
        "0 characters: invalid",
        "63 characters: valid",
        "63 characters, the last of each class: valid",
        "64 characters: valid",
        "64 characters, the last of each class: valid",
        "65 characters: invalid",
      ],
    ]);
  });

  it("numbers stand at, below and above their bound", () => {
    expect(told({ type: "integer", minimum: 0, exclusiveMaximum: 10 })).toEqual([
      ["minimum", "1: valid", "0: valid", "-1: invalid"],
      ["exclusiveMaximum", "9: valid", "10: invalid", "11: invalid"],
    ]);
  });

  it("arrays hold as many items as they may, and one more", () => {
    expect(told({ type: "array", items: { type: "integer" }, minItems: 1, maxItems: 3 })).toEqual([
      ["minItems", "2 items: valid", "1 items: valid", "0 items: invalid"],
      ["maxItems", "2 items: valid", "3 items: valid", "4 items: invalid"],
    ]);
  });

  it("an optional member is there and not there, null and each enum member are met", () => {
    expect(
      told({ type: "object", required: ["a"], properties: { a: { enum: [1, "x"] }, b: { type: ["string", "null"] } } }),
    ).toEqual([
      ["properties", "present: valid", "absent: valid"],
      ["enum", "1: valid", '"x": valid'],
      ["type", "null: valid"],
    ]);
  });

  it("odd texts are met where the schema takes them, and nowhere else", () => {
    const labels = (schema: JsonSchema) =>
      edges(schema)
        .filter(({ bound }) => bound.kind === "text")
        .flatMap(({ at }) => at.map(({ label }) => label));
    expect(labels({ type: "string" })).toContain('the text "\\u0000"');
    expect(labels({ type: "string", maxLength: 1 })).toEqual(['the text "\\u0000"', 'the text "\uffff"']);
    expect(labels({ type: "string", pattern: "^[a-z]+$" })).toEqual([]);
    expect(labels({ type: "string", enum: [" a "] })).toEqual([]);
  });

  it("a member without a name in the schema is met where the schema says that it may be there", () => {
    const named = { type: "object", required: ["a"], properties: { a: { const: 1 } } };
    expect(told({ ...named, additionalProperties: true })).toContainEqual([
      "additionalProperties",
      "a member that no schema names: valid",
    ]);
    const typed = edges({ ...named, additionalProperties: { type: "integer" } }).find(({ bound }) => bound.kind === "additional");
    expect(typed!.at.map(({ value }) => Object.values(value as object).every((one) => Number.isInteger(one)))).toEqual([true]);
    expect(told(named).map(([keyword]) => keyword)).not.toContain("additionalProperties");
    expect(told({ ...named, additionalProperties: false }).map(([keyword]) => keyword)).not.toContain("additionalProperties");
  });

  it.each(Object.entries(sampleSchemas))("the validator agrees for: %s", (_name, schema) => {
    const { compile } = createSchemaValidator(sampleDefinitions);
    for (const { at } of edges(schema)) {
      for (const { value, valid } of at) expect(compile(schema)(JSON.parse(JSON.stringify(value)))).toBe(valid);
    }
  });
});

describe("our own client messages", async () => {
  const { contract } = await loadContract({ file: defaultSpecFile });
  it.each(["join_room", "chat", "direct", "broadcast"])("every bound of %s has both a valid and an invalid side", (name) => {
    const message = contract!.messages.find((one) => one.name === name)!;
    const all = edges(
      message.payload,
      contract!.definitions,
      message.examples.map(({ payload }) => payload as Json),
    );
    for (const { bound, at } of all) {
      if (bound.kind === "optional" || bound.kind === "text") continue;
      expect([bound.pointer, at.some(({ valid }) => valid)]).toEqual([bound.pointer, true]);
      expect([bound.pointer, at.some(({ valid }) => !valid)]).toEqual([bound.pointer, true]);
    }
  });

  it("the longest content of characters outside the basic plane is among them", () => {
    const message = contract!.messages.find((one) => one.name === "chat")!;
    const texts = edges(message.payload, contract!.definitions, [message.examples[0]!.payload as Json])
      .flatMap(({ at }) => at)
      .filter(({ valid }) => valid)
      .map(({ value }) => (value as { payload: { content: string } }).payload.content);
    expect(texts.some((text) => [...text].length === 1000 && text.length === 2000)).toBe(true);
  });
});
