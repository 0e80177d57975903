// How long a run waits for what is promised.
import { expect, it } from "vitest";
import { createPace } from "./pace.ts";

it("shortens the deadline once a target has missed many, never below ten of its slowest replies", () => {
  const pace = createPace(500, 5_000);
  for (let missed = 0; missed < 20; missed++) pace.missed();
  // Nothing is known of its pace yet.
  expect(pace.deadlineMs(5_000)).toBe(5_000);
  pace.replied(20);
  expect(pace.deadlineMs(5_000)).toBe(1_000);
  pace.replied(300);
  expect(pace.deadlineMs(5_000)).toBe(3_000);
  pace.replied(2_000);
  expect(pace.deadlineMs(5_000)).toBe(5_000);
});

it("keeps the whole deadline for a target that missed a few", () => {
  const pace = createPace(500, 5_000);
  pace.replied(20);
  for (let missed = 0; missed < 5; missed++) pace.missed();
  expect(pace.deadlineMs(5_000)).toBe(5_000);
});
