import { describe, expect, it } from "vitest";
import { sampleResult, sampleStatistics } from "../comparison/sample-result.ts";
import { UsageError } from "../schema/errors.ts";
import { compareResults } from "./compare.ts";
import { parseEarlierResult } from "./earlier-result.ts";

const slower = { latency: { ...sampleStatistics(2, 42), totalCount: 1_000_000 } };
const metric = (name: string, before = {}, after = {}) =>
  compareResults(sampleResult(before), sampleResult(after)).metrics.find((one) => one.name === name);

describe("compareResults", () => {
  it("says worse of a higher latency, better of a lower one", () => {
    const shown = { name: "latency p99", before: "13 ms", after: "26 ms", ratio: 2, change: "worse" };
    expect(metric("latency p99", {}, slower)).toEqual(shown);
    expect(metric("latency p99", slower, {})).toMatchObject({ ratio: 0.5, change: "better" });
  });

  it("says better of more throughput per second", () => {
    const requests = { ...sampleResult().requests, total: 2_000_000 };
    expect(metric("throughput per second", {}, { requests })).toMatchObject({
      before: "100,000",
      after: "200,000",
      change: "better",
    });
    expect(metric("throughput per second", { requests }, {})).toMatchObject({ change: "worse" });
  });

  it("calls within 5 % the same", () => {
    const requests = (total: number) => ({ requests: { ...sampleResult().requests, total } });
    expect(metric("throughput per second", {}, requests(1_050_000))).toMatchObject({ change: "same" });
    expect(metric("throughput per second", {}, requests(1_051_000))).toMatchObject({ change: "better" });
  });

  it("has no ratio from zero, but a direction", () => {
    expect(metric("refused", {}, { refused: { RATE_LIMITED: 3 } })).toEqual({
      name: "refused",
      before: "0",
      after: "3",
      ratio: undefined,
      change: "worse",
    });
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
      "rate differs: 500 per second before, none (closed model) after, so what is done and how long it takes differs for that reason alone",
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
    ["an array", [], "--compare old.json is no result of bench: it names no scenario"],
    ["null", null, "is no result of bench"],
    ["autocannon's own result", { latency: {}, requests: {} }, "is no result of bench"],
    ["another scenario", sampleResult({ scenario: "echo" }), "is a run of the scenario echo, this is one of fanout"],
    ["no latency", { ...sampleResult(), latency: undefined }, "latency is missing or not as it should be"],
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
