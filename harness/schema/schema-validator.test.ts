// Schemas that AJV cannot use, or whose keywords speak of another type: nothing throws, and what can be drawn is drawn.
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { normalise } from "../../spec/normalise.ts";
import { parseTree } from "../../spec/source-tree.ts";
import { dataOf } from "./contract-data.ts";
import { withDrawnExamples } from "./drawn-examples.ts";

function contractOf(payload: unknown) {
  const other = { payload: { type: "object", required: ["kind"], properties: { kind: { const: "other" } } } };
  const document = {
    asyncapi: "3.0.0",
    info: { title: "t", version: "1" },
    channels: { c: { messages: { m: { payload, correlationId: { location: "$message.payload#/n" } }, other } } },
    operations: { o: { action: "receive", channel: { $ref: "#/channels/c" } } },
  };
  return normalise(parseTree("t.yaml", stringify(document)).tree!);
}

const kinded = (n: unknown) => ({ type: "object", required: ["kind"], properties: { kind: { const: "one" }, n } });

test.each([
  ["a bound as text", kinded({ type: "string", minLength: "3" })],
  ["no type of JSON Schema", kinded({ type: "function" })],
  ["required as text", kinded({ type: "object", required: "-x -y" })],
  ["null for a schema", kinded(null)],
])("with %s, anything is accepted, and frames are made of it", (_kind, payload) => {
  const contract = withDrawnExamples(contractOf(payload));
  const message = contract.messages.find(({ name }) => name === "m")!;
  expect(message).toMatchObject({ payload: true, tag: undefined, correlation: undefined });
  expect(message.examples).toHaveLength(1);
  expect(dataOf(contract).malformed(contract.channels[0]!).length).toBeGreaterThan(10);
});

test.each([
  ["a key of another draft where properties was forgotten", kinded({ id: { type: "integer" }, name: { type: "string" } })],
  ["multipleOf 0", kinded({ multipleOf: 0 })],
  ["members of an array", kinded({ type: "array", additionalProperties: false, required: ["a"], properties: { a: true } })],
  ["members of a text", kinded({ type: "string", additionalProperties: false, required: ["a"], minProperties: 1 })],
])("with %s, the message keeps its schema, and each constraint has its mutation or a reason", (_kind, payload) => {
  const contract = withDrawnExamples(contractOf(payload));
  const message = contract.messages.find(({ name }) => name === "m")!;
  expect(message.payload).not.toBe(true);
  const data = dataOf(contract).of(message);
  expect(data.samples.all.length).toBeGreaterThan(0);
  expect(data.mutations.some(({ constraint }) => constraint.keyword === "required")).toBe(true);
});
