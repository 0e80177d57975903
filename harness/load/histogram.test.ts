import fc from "fast-check";
import { expect, it } from "vitest";
import {
  addEncoded,
  createHistogram,
  curveOf,
  encodeHistogram,
  latencyStatistics,
  percentileMs,
  recordMs,
  sampleStatistics,
} from "./histogram.ts";

const of = (values: readonly number[]) => {
  const histogram = createHistogram();
  for (const ms of values) recordMs(histogram, ms);
  return histogram;
};
const oneTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

it("percentiles are the nearest rank, to three digits", () => {
  const durations = fc.array(fc.double({ min: 0.001, max: 3_000_000, noNaN: true }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(durations, fc.constantFrom(10, 50, 90, 97.5, 99, 99.9, 100), (values, percentile) => {
      const sorted = [...values].sort((left, right) => left - right);
      const rank = Math.max(1, Math.ceil((percentile / 100) * sorted.length));
      const exact = sorted[rank - 1]!;
      const found = percentileMs(of(values), percentile);
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.001 + 0.001);
    }),
  );
});

it("percentiles of one to a thousand milliseconds", () => {
  const { min, p10, p50, p90, p99, p99_9, max, mean, stddev } = latencyStatistics(of(oneTo(1000)));
  expect({ min, p10, p50, p90, p99, p99_9, max }).toEqual({
    ...{ min: expect.closeTo(1, 1), p10: expect.closeTo(100, 0), p50: expect.closeTo(500, 0), p90: expect.closeTo(900, 0) },
    ...{ p99: expect.closeTo(990, 0), p99_9: expect.closeTo(999, 0), max: expect.closeTo(1000, 0) },
  });
  expect(mean).toBeCloseTo(500.5, 0);
  expect(stddev).toBeCloseTo(288.7, 0);
});

it("what is out of range counts as the nearest in it", () => {
  const histogram = of([-5, 0, 1e12]);
  expect(histogram.totalCount).toBe(3);
  expect(percentileMs(histogram, 50)).toBe(0.001);
  expect(percentileMs(histogram, 100)).toBeCloseTo(3_600_000, -4);
});

it("nothing is 0 everywhere", () => {
  expect(new Set(Object.values(latencyStatistics(createHistogram())))).toEqual(new Set([0]));
  expect(curveOf(createHistogram())).toEqual([]);
});

it("parts that were sent by threads add up to the whole", () => {
  const whole = createHistogram();
  for (const part of [oneTo(300), oneTo(700).map((ms) => ms + 300)]) addEncoded(whole, encodeHistogram(of(part)));
  const { max, ...rest } = latencyStatistics(of(oneTo(1000)));
  expect(latencyStatistics(whole)).toEqual({ ...rest, max: expect.closeTo(max, 0) });
});

it("a sample of seconds has its own percentiles", () => {
  const { min, p50, p99, max, mean, stddev } = sampleStatistics([30, 10, 20, 40]);
  expect({ min, p50, p99, max, mean }).toEqual({ min: 10, p50: 20, p99: 40, max: 40, mean: 25 });
  expect(stddev).toBeCloseTo(11.18, 2);
  expect(sampleStatistics([]).max).toBe(0);
});

it("the curve rises from the least to the most", () => {
  const curve = curveOf(of(oneTo(1000)));
  expect(curve[0]![0]).toBe(0);
  expect(curve.at(-1)).toEqual([100, expect.closeTo(1000, 0)]);
  for (let at = 1; at < curve.length; at++) {
    expect(curve[at]![0]).toBeGreaterThan(curve[at - 1]![0]);
    expect(curve[at]![1]).toBeGreaterThanOrEqual(curve[at - 1]![1]);
  }
});
