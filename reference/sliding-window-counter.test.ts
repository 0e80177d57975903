// The sliding window: its limit and its edge.
import { expect, test } from "vitest";
import { SlidingWindowCounter } from "./sliding-window-counter.ts";

test("allows the maximum within any window, and reports one more", () => {
  const counter = new SlidingWindowCounter(2, 1000);
  expect([0, 10, 20].map((nowMs) => counter.hit(nowMs))).toEqual([false, false, true]);
  expect(counter.hit(999)).toBe(true);
  expect(counter.hit(1000)).toBe(false);
  expect(counter.hit(1005)).toBe(true);
  expect(counter.hit(1010)).toBe(false);
});

test("with a maximum of 0, reports the first event", () => {
  expect(new SlidingWindowCounter(0, 1000).hit(0)).toBe(true);
});
