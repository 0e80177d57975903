import fc from "fast-check";
import { expect, test } from "vitest";
import { rawMember } from "./raw-member.ts";

test("finds what JSON.parse finds, for any object", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), fc.constantFrom(0, 1, 2), (others, value, indent) => {
      const text = JSON.stringify({ ...others, payload: value, "}": "," }, null, indent);
      expect(JSON.parse(rawMember(text, "payload")!)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("keeps digits, escapes and depth unchanged", () => {
  for (const raw of [
    "12345678901234567890",
    "1.0",
    "1e400",
    '"\\u0041\\""',
    '{"__proto__":1}',
    `${"[".repeat(30_000)}${"]".repeat(30_000)}`,
  ]) {
    expect(rawMember(`{"type":"ping", "payload" : ${raw} ,"id":"1"}`, "payload")).toBe(raw);
  }
});

test("takes the last duplicate, decodes escapes, and returns undefined for a missing name", () => {
  expect(rawMember('{"payload":1,"pay\\u006coad":2}', "payload")).toBe("2");
  expect(rawMember('{"a":{"payload":1}}', "payload")).toBeUndefined();
  expect(rawMember("{}", "payload")).toBeUndefined();
});
