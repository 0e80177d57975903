import { expect, it } from "vitest";
import { sampleResult } from "../../comparison/sample-result.ts";
import { emitCsv, emitK6Summary, emitOpenMetrics } from "./exports.ts";

it("CSV has a line for each second, and nothing where nothing was measured", () => {
  const series = [
    { second: 0, sent: 5, done: 4, errors: 1, p50: 2.5, p99: 9, max: 10, mean: 3, p90: 8, p99_9: 10 },
    { second: 1, sent: 5, done: 0, errors: 0, p50: undefined, p99: undefined, max: undefined },
  ];
  expect(emitCsv(sampleResult({ series })).split("\r\n")).toEqual([
    "second,sent,done,errors,mean_ms,p50_ms,p90_ms,p99_ms,p99_9_ms,max_ms",
    "0,5,4,1,3,2.5,8,9,10,10",
    "1,5,0,0,,,,,,",
    "",
  ]);
});

it("OpenMetrics has each family once, base units, escaped labels and an end", () => {
  const text = emitOpenMetrics(sampleResult({ url: 'ws://a/"\\\n', refused: { RATE_LIMITED: 3 } }));
  expect(text).toContain('wsproof_bench_latency_seconds{scenario="fanout",url="ws://a/\\"\\\\\\n",quantile="0.99"} 0.013\n');
  expect(text).toContain(',code="RATE_LIMITED"} 3\n');
  expect(text.endsWith("# EOF\n")).toBe(true);
  const types = text.split("\n").filter((line) => line.startsWith("# TYPE"));
  expect(new Set(types).size).toBe(types.length);
  const sample = /^wsproof_bench_\w+\{(\w+="([^"\\\n]|\\["\\n])*",?)+\} [0-9.e+-]+$/;
  for (const line of text.split("\n").filter((one) => one !== "" && !one.startsWith("#"))) expect(line).toMatch(sample);
});

it("the k6 summary has k6's names, and the thresholds that were crossed", () => {
  const { metrics, root_group } = JSON.parse(emitK6Summary(sampleResult(), ["p99>5ms: expected p99 at most 5 ms, got 13 ms"]));
  expect(root_group).toMatchObject({ name: "", groups: {}, checks: {} });
  expect(metrics.iterations).toEqual({ count: 1_000_000, rate: 100_000 });
  expect(metrics.iteration_duration).toMatchObject({ min: 1, med: 4, "p(90)": 8, max: 21, thresholds: { "p99>5ms": true } });
  expect(metrics.iteration_duration["p(95)"]).toBeGreaterThan(0);
  expect(metrics.checks).toMatchObject({ fails: 0, value: 1 });
});
