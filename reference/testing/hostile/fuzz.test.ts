// 50 000 frames around the contract and RFC 6455; `npm run fuzz` sends 1 000 000.
import { expect, test } from "vitest";
import { Draw } from "./draw.ts";
import { runFuzz } from "./fuzz.ts";
import { drawCase } from "./fuzz-frames.ts";

test("a seed repeats its cases", () => {
  const cases = (seed: number) => {
    const draw = new Draw(seed);
    return Array.from({ length: 20 }, () => drawCase(draw).bytes.toString("base64"));
  };
  expect(cases(1)).toEqual(cases(1));
  expect(cases(1)).not.toEqual(cases(2));
});

test("50 000 frames: no crash, no invalid reply, no leak", async () => {
  const result = await runFuzz({ frames: 50_000, seed: 1 });
  expect(result.findings).toEqual([]);
  expect(result.frames).toBeGreaterThanOrEqual(50_000);
  expect(result.leakedDescriptors).toBeLessThanOrEqual(0);
  expect(result.leakedBytes).toBeLessThan(2_000_000);
  // What was sent reached the validators and the frame parser.
  expect(result.replies).toBeGreaterThan(10_000);
  expect(Object.keys(result.closes)).toEqual(expect.arrayContaining(["1002", "1003", "1007", "1009", "none"]));
});
