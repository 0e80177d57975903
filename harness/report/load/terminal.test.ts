import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { sampleResult, sampleStatistics } from "../../comparison/sample-result.ts";
import { parseCapacityConditions, probeOf } from "../../load/capacity.ts";
import { compareResults } from "../../load/compare.ts";
import { emitCapacityStep, emitComparison, emitProgress, emitResult } from "./terminal.ts";

const plain = picocolors.createColors(false);
const colored = picocolors.createColors(true);

describe("emitResult", () => {
  it("has autocannon's tables, and what was checked around them", () => {
    // Whole numbers below a thousand: autocannon groups digits by the machine's locale.
    const requests = { ...sampleStatistics(0, 500), total: 1_000_000, sent: 5_000 };
    expect(emitResult(sampleResult({ requests }), plain)).toMatchSnapshot();
  });

  it("has no colour without a palette's leave, and colour with it", () => {
    expect(emitResult(sampleResult(), plain)).not.toContain("\u001b");
    expect(emitResult(sampleResult(), colored)).toContain("\u001b[");
  });

  it("shows each percentile where asked", () => {
    expect(emitResult(sampleResult(), plain, { latencyTable: true })).toMatch(/99\.999\s+│ 21 /);
  });

  it("rounds what autocannon would print with all digits", () => {
    const latency = { ...sampleStatistics(1 / 3, 100 / 3), totalCount: 9 };
    const requests = { ...sampleStatistics(1000 / 3, 2000 / 3), total: 9, sent: 9 };
    expect(emitResult(sampleResult({ latency, requests }), plain)).not.toMatch(/\d\.\d{3}\d/);
  });

  it("names refusals and closes by code, the most frequent first", () => {
    const text = emitResult(sampleResult({ refused: { FORBIDDEN: 1, RATE_LIMITED: 1200 }, closed: { 4002: 3 } }), plain);
    expect(text).toContain("refused     RATE_LIMITED 1,200, FORBIDDEN 1");
    expect(text).toContain("closed      4002 3");
    expect(text.trimEnd().split("\n").slice(-2)).toEqual(["  refused: RATE_LIMITED 1,200, FORBIDDEN 1", "  closed: 4002 3"]);
  });

  it("says INVALID with each reason, before anything else is a verdict", () => {
    const invalid = ["the generator was busy 99 % of the time", "it sent 120 ms late at p99"];
    const text = emitResult(sampleResult({ invalid }), plain, { failed: ["p99>5ms: expected p99 at most 5 ms, got 13 ms"] });
    expect(text.slice(text.indexOf("INVALID")).trimEnd().split("\n")).toEqual([
      "INVALID: these figures are not the server's",
      "  the generator was busy 99 % of the time",
      "  it sent 120 ms late at p99",
      "  p99>5ms: expected p99 at most 5 ms, got 13 ms",
    ]);
  });

  it("is not content with a fast run that lost something", () => {
    const deliveries = { expected: 1000, received: 998, lost: 2, duplicated: 0, disordered: 1, unexpected: 0 };
    const text = emitResult(sampleResult({ deliveries }), plain);
    expect(text).toContain(
      "WRONG: deliveries were lost, duplicated, out of order or unexpected\n  2 lost of 1,000 expected\n  1 out of order of 1,000 expected",
    );
  });

  it("prints no table of zeros where nothing was done", () => {
    const requests = { ...sampleStatistics(0, 0), total: 0, sent: 4 };
    const text = emitResult(sampleResult({ requests, deliveries: undefined }), plain);
    expect(text).not.toContain("Latency");
    expect(text).toContain("NOTHING: no request was completed");
  });

  it("shows memory per connection where it was measured, and status codes where HTTP spoke", () => {
    const memory = { beforeBytes: 60_000_000, afterBytes: 72_300_000, perConnectionBytes: 12_300 };
    const text = emitResult(sampleResult({ memory, statusCodeStats: { 202: { count: 7 } } }), plain);
    expect(text).toContain("memory      12.3 kB per connection (60 MB before, 72.3 MB after)");
    expect(text).toMatch(/202\s+│ 7 /);
  });
});

describe("emitProgress", () => {
  const second = { second: 2, sent: 500, done: 99_321, errors: 0, p50: 4, p99: 12.345, max: 21 };
  it("is one line", () => {
    expect(emitProgress(second, 10, plain)).toBe("   3 of 10 s     99,321 done/s  p99 12.3 ms  0 errors");
  });
  it("leaves the latency out of a second in which nothing was done", () => {
    expect(emitProgress({ ...second, done: 0, p99: undefined, errors: 3 }, 10, plain)).toBe(
      "   3 of 10 s          0 done/s  3 errors",
    );
  });
});

describe("emitCapacityStep", () => {
  const step = (changes = {}) => {
    const probe = probeOf(sampleResult(changes), parseCapacityConditions("p99<50ms"));
    return emitCapacityStep({ rate: 1600, purpose: "rise", probe }, plain);
  };
  it("says that a rate holds", () => {
    expect(step()).toBe("  rise         1,600 per second  p99 13 ms       holds\n");
  });
  it("says why a rate does not", () => {
    expect(step({ errors: 2 })).toMatch(/does not hold\n +errors<=0: expected errors at most 0, got 2\n$/);
  });
  it("says that a run does not count", () => {
    expect(step({ invalid: ["busy 99 %"] })).toMatch(/INVALID\n +busy 99 %\n$/);
  });
});

describe("emitComparison", () => {
  it("has a line for each metric, and what differs", () => {
    const latency = { ...sampleStatistics(2, 42), totalCount: 1_000_000 };
    const series = sampleResult().series.map((second) => ({ ...second, p99: 2 * second.p99! }));
    const text = emitComparison(compareResults(sampleResult(), sampleResult({ latency, series, rate: 600 })), plain);
    expect(text).toMatch(/│ latency p99 +│ 13 ms \(12 ms to 14 ms\) +│ 26 ms \(24 ms to 28 ms\) +│ 2\.00x +│ worse +│/);
    expect(text).toMatch(/│ lost +│ 0 +│ 0 +│ - +│ no difference +│/);
    expect(text).toContain("  note        rate differs: 500 per second before, 600 per second after");
  });
});
