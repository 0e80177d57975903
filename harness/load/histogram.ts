// Latencies and counts as HDR histograms, and the statistics that autocannon's tables want of them.
import * as hdr from "hdr-histogram-js";
import type { Statistics } from "./load-result.ts";

export type Histogram = hdr.Histogram;

const longestUs = 3_600_000_000;

/** Of durations up to an hour in whole microseconds, to three digits. */
export function createHistogram(): Histogram {
  return hdr.build({ lowestDiscernibleValue: 1, highestTrackableValue: longestUs, numberOfSignificantValueDigits: 3 });
}

/** Counts a duration; one that is out of range counts as the nearest in it. */
export function recordMs(histogram: Histogram, ms: number): void {
  const us = Math.round(ms * 1000);
  histogram.recordValue(Math.min(Math.max(us, 1), longestUs));
}

export function encodeHistogram(histogram: Histogram): string {
  return hdr.encodeIntoCompressedBase64(histogram);
}

export function addEncoded(histogram: Histogram, encoded: string): void {
  histogram.add(hdr.decodeFromCompressedBase64(encoded));
}

/** The percentile's value in ms; 0 where nothing was counted. */
export function percentileMs(histogram: Histogram, percentile: number): number {
  return histogram.totalCount === 0 ? 0 : histogram.getValueAtPercentile(percentile) / 1000;
}

const percentiles = [0.001, 0.01, 0.1, 1, 2.5, 10, 25, 50, 75, 90, 97.5, 99, 99.9, 99.99, 99.999] as const;

/** Latencies in ms. All 0 where nothing was counted. */
export function latencyStatistics(histogram: Histogram): Statistics {
  const empty = histogram.totalCount === 0;
  return describe(
    (percentile) => percentileMs(histogram, percentile),
    empty ? 0 : histogram.mean / 1000,
    empty ? 0 : histogram.stdDeviation / 1000,
    empty ? 0 : histogram.minNonZeroValue / 1000,
    empty ? 0 : histogram.maxValue / 1000,
  );
}

/** Of a few exact samples, such as one count for each second. */
export function sampleStatistics(samples: readonly number[]): Statistics {
  const sorted = samples.toSorted((a, b) => a - b);
  const { length } = sorted;
  const mean = sorted.reduce((sum, one) => sum + one, 0) / Math.max(length, 1);
  const variance = sorted.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(length, 1);
  // The nearest rank, as HDR histograms have it.
  const rank = (percentile: number) => sorted[Math.max(0, Math.ceil((percentile / 100) * length) - 1)] ?? 0;
  return describe(rank, mean, Math.sqrt(variance), sorted[0] ?? 0, sorted.at(-1) ?? 0);
}

/** Of an encoded histogram of plain counts, as autocannon gives it to its lead. */
export function encodedStatistics(encoded: string): Statistics {
  const histogram = hdr.decodeFromCompressedBase64(encoded);
  return describe(
    (percentile) => histogram.getValueAtPercentile(percentile),
    histogram.mean,
    histogram.stdDeviation,
    histogram.minNonZeroValue,
    histogram.maxValue,
  );
}

/** Points of a percentile plot: dense where tails are. */
export function curveOf(histogram: Histogram): (readonly [percentile: number, ms: number])[] {
  if (histogram.totalCount === 0) return [];
  const points: (readonly [number, number])[] = [];
  for (let left = 100; left >= 100 / histogram.totalCount && points.length < 200; left /= 10 ** 0.1)
    points.push([100 - left, percentileMs(histogram, 100 - left)]);
  return [...points, [100, histogram.maxValue / 1000]];
}

function describe(at: (percentile: number) => number, mean: number, stddev: number, min: number, max: number): Statistics {
  const rounded = (value: number) => Math.round(value * 1000) / 1000;
  const ranks = Object.fromEntries(percentiles.map((one) => [`p${one}`.replace(".", "_"), rounded(at(one))]));
  return {
    average: rounded(mean),
    mean: rounded(mean),
    stddev: rounded(stddev),
    min: rounded(min),
    max: rounded(max),
    ...ranks,
  } as unknown as Statistics;
}
