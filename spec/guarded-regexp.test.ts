import { describe, expect, it } from "vitest";
import { findSlowText, guardedRegExp, mayBacktrack } from "./guarded-regexp.ts";
import { createAjv } from "./schemas.ts";

describe("a pattern", () => {
  it.each(["^[a-z]+$", "^[A-Za-z0-9_-]{1,64}$", "^\\d{4}-\\d{2}$", "^a*$", "abc", "[a-z]{2}"])(
    "%s cannot backtrack much",
    (pattern) => {
      expect(mayBacktrack(pattern)).toBe(false);
    },
  );

  it.each(["^(a+)+$", "^[a-z]+-[a-z]+$", "a+$", "^(?:ab){2,}$", "^\\s*,\\s*$"])(
    "%s may backtrack, so it is guarded",
    (pattern) => {
      expect(mayBacktrack(pattern)).toBe(true);
    },
  );

  it("means the same with the guard", () => {
    const guarded = guardedRegExp("^(?:[a-z]+-)*[a-z]+$", "u");
    const texts = ["a", "abc-def", "abc-def-a-long-text-of-more-than-sixteen", "abc-def-a-long-text-that-ends-with-", ""];
    expect(texts.map((text) => guarded.test(text))).toEqual([true, true, true, false, false]);
  });

  it("keeps its own meaning beside another one that is guarded", () => {
    const ajv = createAjv(false);
    const [first, second] = ["^a+b+$", "^c+d+$"].map((pattern) => ajv.compile({ type: "string", pattern }));
    expect([first!("aabb"), first!("ccdd"), second!("aabb"), second!("ccdd")]).toEqual([true, false, false, true]);
    const both = ajv.compile({ properties: { a: { pattern: "^a+b+$" }, c: { pattern: "^c+d+$" } } });
    expect(both({ a: "aabb", c: "ccdd" })).toBe(true);
  });

  it("that takes too long does not match, and returns", () => {
    expect(guardedRegExp("^(a|a)*$", "u").test(`${"a".repeat(40)}!`)).toBe(false);
  });
});

describe("a slow text", () => {
  it.each(["^(a+)+$", "^id=([a-z0-9]+)*$", "^(\\w+\\s?)*$"])("is found for %s, with some thirty characters", (pattern) => {
    expect(findSlowText(pattern, "u")).toMatchObject({ growth: "exponential" });
  });

  it.each(["^(?:[a-z]+-)*[a-z]+$", "^\\d+\\.\\d+$", "^\\S+@\\S+$"])("is not found for %s", (pattern) => {
    expect(findSlowText(pattern, "u")?.growth).not.toBe("exponential");
  });
});
