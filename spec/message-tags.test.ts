// The constant by which a message is told from the others, in objects and in arrays.
import { expect, it } from "vitest";
import { tagAmong } from "./message-tags.ts";

const none = new Map();
const tuple = (...items: unknown[]) => ({ type: "array", minItems: items.length, maxItems: items.length, items });
const event = tuple({ const: "EVENT" }, { type: "string" });

it("stands at an item of an array that only one message can hold", () => {
  const others = [tuple({ const: "OK" }, { type: "string" }), tuple({ const: "EOSE" })];
  expect(tagAmong(event, others, none)).toEqual({ pointer: "/0", value: "EVENT" });
  const [channel, leave] = [tuple({ type: "null" }, { const: "join" }), tuple({ type: "null" }, { const: "leave" })];
  expect(tagAmong(channel, [leave], none)).toEqual({ pointer: "/1", value: "join" });
  const modern = { type: "array", minItems: 1, prefixItems: [{ const: 3 }], items: false };
  expect(tagAmong(modern, [{ type: "array", prefixItems: [{ const: 4 }] }], none)).toEqual({ pointer: "/0", value: 3 });
});

it("is none where an array or object of another message may hold the same there", () => {
  expect(tagAmong(event, [{ type: "array" }], none)).toBeUndefined();
  expect(tagAmong(event, [{ type: "array", items: [{ type: "string" }] }], none)).toBeUndefined();
  expect(tagAmong(event, [{ properties: { 0: { type: "string" } } }], none)).toBeUndefined();
});

it("an array that ends before it, or a value that is no array, does not hold it", () => {
  expect(tagAmong(event, [{ type: "array", maxItems: 0 }, { type: "string" }, { type: "object" }], none)).toBeUndefined();
  const closed = { type: "object", additionalProperties: false, properties: { type: { const: "hello" } } };
  expect(tagAmong(event, [{ type: "array", maxItems: 0 }, { type: "string" }, closed], none)?.pointer).toBe("/0");
});
