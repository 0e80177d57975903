import { expect, it } from "vitest";
import { maxDepth, parseJson } from "./json.ts";

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

it("reads JSON up to the depth that is safe, and says why it reads no deeper", () => {
  expect(parseJson(nested(maxDepth))).toHaveProperty("value");
  for (const depth of [maxDepth + 1, 200_000])
    expect(parseJson(nested(depth))).toEqual({ wrong: "nests deeper than 1000 levels" });
});

it("brackets within a text do not count", () => {
  const text = JSON.stringify({ a: '["\\'.repeat(2_000) });
  expect(parseJson(text)).toEqual({ value: JSON.parse(text) });
});

it("says what is no JSON", () => {
  expect(parseJson("{")).toEqual({ wrong: "is not JSON" });
  expect(parseJson(`${"[".repeat(900)}${" ".repeat(3_000)}`)).toEqual({ wrong: "is not JSON" });
});
