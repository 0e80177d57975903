import { expect, test } from "vitest";
import { Strikes } from "./strikes.ts";

test("bears so many within any window, and one more is too many", () => {
  const strikes = new Strikes(2, 1000);
  expect([0, 10, 20].map((nowMs) => strikes.strike(nowMs))).toEqual([false, false, true]);
  expect(strikes.strike(999)).toBe(true);
  expect(strikes.strike(1000)).toBe(false);
  expect(strikes.strike(1005)).toBe(true);
  expect(strikes.strike(1010)).toBe(false);
});

test("with none to bear, the first is too many", () => {
  expect(new Strikes(0, 1000).strike(0)).toBe(true);
});
