import { expect, it } from "vitest";
import { createPrng } from "../schema/prng.ts";
import type { Second } from "./load-result.ts";
import type { Evidence } from "./scenario.ts";
import { churn } from "./scenarios/churn.ts";
import { slow } from "./scenarios/slow.ts";
import { soak } from "./scenarios/soak.ts";
import { storm } from "./scenarios/storm.ts";
import { mannWhitney, memoryTrend, trendOf } from "./statistics.ts";

const range = (count: number) => Array.from({ length: count }, (_, at) => at);
const noise = (seed: number) => {
  const draw = createPrng(seed);
  return () => draw() + draw() + draw() - 1.5;
};

it("a trend holds the true slope in its interval, and 19 in 20 series without one do not leave zero out", () => {
  const trends = range(200).map((seed) => {
    const some = noise(seed);
    return [0, 5].map((slope) => trendOf(range(20).map((x) => [x, 100 + slope * x + 10 * some()]))!);
  });
  const holding = (at: number, slope: number) =>
    trends.filter((pair) => pair[at]!.low <= slope && slope <= pair[at]!.high).length;
  expect(holding(0, 0)).toBeGreaterThan(180);
  expect(holding(1, 5)).toBeGreaterThan(180);
  expect(trends.every(([, rising]) => rising!.low > 0)).toBe(true);
  expect(trendOf([[0, 0]])).toBeUndefined();
  expect(trendOf(range(20).map(() => [1, 1]))).toBeUndefined();
});

it("equal samples differ with the probability that is said, and others are told apart", () => {
  const draws = range(400).map((seed) => {
    const some = noise(seed + 1000);
    const sample = (add: number) => range(10).map(() => some() + add);
    return { same: mannWhitney(sample(0), sample(0)), other: mannWhitney(sample(0), sample(2)) };
  });
  const share = draws.filter(({ same }) => same < 0.05).length / draws.length;
  expect(share).toBeLessThan(0.08);
  expect(share).toBeGreaterThan(0.02);
  expect(draws.every(({ other }) => other < 0.01)).toBe(true);
  expect(mannWhitney([1, 1, 1], [1, 1, 1])).toBe(1);
  expect(mannWhitney([], [1])).toBe(1);
});

it("memory that a collector takes again is no leak, and what stays below it is", () => {
  const sawtooth = (at: number) => (at % 7) * 1e6;
  const memory = (perSecond: number) => range(120).map((at): [number, number] => [at, 5e7 + sawtooth(at) + perSecond * at]);
  expect(memoryTrend(memory(0), (seconds) => seconds)!.low).toBeLessThanOrEqual(0);
  const leak = memoryTrend(memory(1e5), (seconds) => seconds)!;
  expect(leak.low).toBeGreaterThan(0);
  expect(leak.slope).toBeGreaterThan(0.8e5);
  expect(leak.slope).toBeLessThan(1.2e5);
});

const second = (at: number, p99: number): Second => ({ second: at, sent: 10, done: 10, errors: 0, p50: 1, p99, max: p99 });
function evidence(more: Partial<Evidence>): Evidence {
  const profile = { durationMs: 60_000 } as Evidence["profile"];
  return { profile, series: range(60).map((at) => second(at, 10)), facts: {}, memory: [], ...more };
}

it("churn says the leak per 1,000 cycles, as much as is sure", () => {
  const memory = range(240).map((at): [number, number] => [at / 4, 5e7 + (at % 5) * 1e4 + (at / 4) * 10 * 2_000]);
  const { figures, lines } = churn.findings!(evidence({ memory }));
  expect(figures.leak).toBeGreaterThan(1.5e6);
  expect(figures.leak).toBeLessThan(2.1e6);
  expect(lines[0]).toMatch(/per 1,000 cycles: 2 MB, .*: grows$/);
  expect(churn.findings!(evidence({})).figures).toEqual({});
});

it("soak says what grows per hour, and nothing of a short run", () => {
  const memory = range(60).map((at): [number, number] => [at, 5e7 + at * 1000]);
  const rising = range(60).map((at) => second(at, 10 + at / 10));
  expect(soak.findings!(evidence({ memory, series: rising })).lines).toEqual([
    expect.stringMatching(/memory of the server per hour: 3.6 MB, .*: grows$/),
    expect.stringMatching(/latency p99 per hour: 360 ms, .*: grows$/),
  ]);
  expect(soak.findings!(evidence({ series: rising.slice(0, 5) })).figures).toEqual({});
});

it("slow says what the others pay, and that an open connection without all it should have got is wrong", () => {
  const series = range(60).map((at) => second(at, at < 30 ? 10 + (at % 3) : 30 + (at % 3)));
  const facts = { slow: [4, 2], complete: [2, 1], incomplete: [0, 1], "closed 1013": [2] };
  const { figures, lines, wrong } = slow.findings!(evidence({ series, facts }));
  expect(figures.slowdown).toBeCloseTo(31 / 11);
  expect(lines[0]).toMatch(/11 ms before, 31 ms while they did not read: 2.82x$/);
  expect(lines[1]).toBe("6 slow: complete in the end 3, closed 1013 2");
  expect(wrong).toEqual(["1 slow connections stayed open and did not get everything in the end"]);
  expect(slow.findings!(evidence({})).lines[0]).toContain("no difference beyond the noise");
});

it("storm says how long it took, whether the spread was kept, and who never came back", () => {
  const returned = range(99).map((at) => at * 10);
  const { figures, lines, wrong } = storm.findings!(
    evidence({ facts: { dropped: [100], returned, refused: [7], spread: [1000] } }),
  );
  expect(figures).toEqual({ t50: 490, t99: 980 });
  expect(lines).toEqual([
    "back after the drop: half 490 ms, 99 % 980 ms, all never",
    "7 attempts failed before",
    "the server asked clients to return within 1,000 ms: the busiest tenth of it had 10 % of them",
  ]);
  expect(wrong).toEqual(["1 of 100 connections did not come back within the run"]);
});
