import { describe, expect, it } from "vitest";
import { sampleResult, sampleStatistics } from "../comparison/sample-result.ts";
import { UsageError } from "../schema/errors.ts";
import { createPrng } from "../schema/prng.ts";
import { compareResults } from "./compare.ts";
import { parseEarlierResult } from "./earlier-result.ts";
import type { LoadResult } from "./load-result.ts";

const slower = { latency: { ...sampleStatistics(2, 42), totalCount: 1_000_000 } };
const metric = (name: string, before = {}, after = {}) =>
  compareResults(sampleResult(before), sampleResult(after)).metrics.find((one) => one.name === name);

describe("compareResults", () => {
  const noisy = (seed: number, factor = 1): Partial<LoadResult> => {
    const draw = createPrng(seed);
    const series = Array.from({ length: 20 }, (_, second) => {
      const p99 = 13 * factor * (0.9 + 0.2 * draw());
      return { second, sent: 500, done: 100_000, errors: 0, p50: p99 / 4, p99, max: p99 * 2 };
    });
    const p99 = series.reduce((sum, one) => sum + one.p99, 0) / series.length;
    return { series, latency: { ...sampleResult().latency, p99 } };
  };

  it("says no difference of equal runs, and names true ones, by their seconds", () => {
    for (let seed = 0; seed < 100; seed++) {
      expect(metric("latency p99", noisy(seed), noisy(seed + 1000))?.change).toBe("same");
      expect(metric("latency p99", noisy(seed), noisy(seed + 1000, 1.3))?.change).toBe("worse");
      expect(metric("latency p99", noisy(seed, 1.3), noisy(seed + 1000))?.change).toBe("better");
    }
    expect(metric("latency p99", noisy(1), noisy(2))).toMatchObject({
      before: expect.stringMatching(/^1\d(\.\d)? ms$/),
      beforeInterval: expect.stringMatching(/^1\d(\.\d)? ms to 1\d(\.\d)? ms$/),
    });
  });

  it("tells smaller differences by repeated runs", () => {
    const repeats = (...p99s: readonly number[]) => ({
      latency: { ...sampleResult().latency, p99: p99s[2]! },
      repeats: p99s.map((p99) => ({ "latency p99": p99 })),
    });
    const before = repeats(10, 10.1, 10.2, 10.3, 10.4);
    expect(metric("latency p99", before, repeats(10.7, 10.8, 10.9, 11, 11.1))?.change).toBe("worse");
    expect(metric("latency p99", before, repeats(10.05, 10.1, 10.3, 10.6, 10.7))?.change).toBe("same");
    expect(metric("latency p99", before, repeats(20, 20, 20, 20))?.change).toBe("unknown");
  });

  it("does not know of runs that are too short, and says so", () => {
    const short = (p99: number) => ({
      ...noisy(1),
      series: noisy(1).series!.slice(0, 4),
      latency: { ...sampleResult().latency, p99 },
    });
    expect(metric("latency p99", short(10), short(20))?.change).toBe("unknown");
    expect(compareResults(sampleResult(short(10)), sampleResult(short(20))).notes[0]).toContain("too few slices");
  });

  it("counts each loss, and calls counts of refusals different only beyond chance", () => {
    const refused = (count: number) => ({ refused: { RATE_LIMITED: count } });
    expect(metric("refused", {}, refused(3))).toMatchObject({ before: "0", after: "3", ratio: undefined, change: "worse" });
    expect(metric("refused", refused(40), refused(50))?.change).toBe("same");
    expect(metric("refused", refused(40), refused(80))?.change).toBe("worse");
    expect(metric("lost")).toMatchObject({ ratio: undefined, change: "same" });
  });

  it("says unknown of what only one run measured, and leaves out what neither did", () => {
    const memory = { beforeBytes: 1, afterBytes: 2, perConnectionBytes: 9_000 };
    expect(metric("memory per connection", {}, { memory })).toMatchObject({ before: "-", after: "9 kB", change: "unknown" });
    expect(metric("memory per connection")).toBeUndefined();
    expect(metric("latency p99", { latency: { ...slower.latency, totalCount: 0 } })).toMatchObject({ before: "-" });
  });

  it("notes each setting that differs, and nothing where all are the same", () => {
    expect(compareResults(sampleResult(), sampleResult({ duration: 10.02 })).notes).toEqual([]);
    const { notes } = compareResults(sampleResult(), sampleResult({ rate: undefined, members: 400, url: "ws://other/" }));
    expect(notes).toEqual([
      "target differs: ws://127.0.0.1:8080/ws before, ws://other/ after",
      "rate differs: 500 per second before, none (closed model) after, so throughput and latency differ for that reason alone",
      "members differs: 200 before, 400 after",
    ]);
  });

  it("notes a run that does not count", () => {
    expect(compareResults(sampleResult({ invalid: ["it stalled"] }), sampleResult()).notes).toEqual([
      "the earlier run is invalid, its figures are not the server's: it stalled",
    ]);
  });
});

describe("parseEarlierResult", () => {
  const parse = (value: unknown) => parseEarlierResult(JSON.stringify(value), "old.json", "fanout");

  it("gives back what was written, also where something was not measured", () => {
    for (const result of [sampleResult(), sampleResult({ rate: undefined, deliveries: undefined })]) {
      expect(parse(result)).toEqual(result);
    }
  });

  it.each<[string, unknown, string]>([
    ["an array", [], "--compare old.json is not a result of bench: it names no scenario"],
    ["null", null, "is not a result of bench"],
    ["autocannon's own result", { latency: {}, requests: {} }, "is not a result of bench"],
    ["another scenario", sampleResult({ scenario: "echo" }), "is a run of the scenario echo, this is one of fanout"],
    ["no latency", { ...sampleResult(), latency: undefined }, "latency is missing or invalid"],
    ["a text for a number", { ...sampleResult(), latency: { ...sampleResult().latency, p99: "1" } }, "latency.p99 is missing"],
    ["a broken second", { ...sampleResult(), series: [{ second: 0 }] }, "series[0].sent is missing"],
    ["a broken curve", { ...sampleResult(), curve: [[1]] }, "curve[0] is missing"],
  ])("refuses %s", (_what, value, words) => {
    expect(() => parse(value)).toThrow(UsageError);
    expect(() => parse(value)).toThrow(words);
  });

  it("refuses what is not JSON, and says which file would fit", () => {
    expect(() => parseEarlierResult("<html>", "old.html", "fanout")).toThrow(
      "--compare old.html is not JSON. Give the file that an earlier `wsproof bench --json FILE` wrote.",
    );
  });
});
