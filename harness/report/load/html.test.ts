import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { sampleResult, sampleStatistics } from "../../comparison/sample-result.ts";
import { findCapacity, parseCapacityConditions, probeOf } from "../../load/capacity.ts";
import { emitLoadHtml, type LoadPage } from "./html.ts";

const command = "wsproof bench ws://127.0.0.1:8080/ws --scenario fanout";
const page = (changes: Partial<LoadPage> = {}) => emitLoadHtml({ result: sampleResult(), command, ...changes });
const heading = (text: string) => new RegExp(`<h2[^>]*>${text}</h2>`);

describe("emitLoadHtml", () => {
  it("says the verdict first, then figures, plots, checks, generator and command", () => {
    const text = page();
    const order = [
      '<div class="verdict pass"><p class="says">1,000,000 deliveries, each exactly once and in order; 100,000 per second, p99 13 ms</p>',
      "<dd>100,000</dd>",
      "Latency by percentile",
      "Done per second",
      "Latency in each second",
      "No errors in any second.",
      "What was checked",
      "0.1 ms at p50, 0.9 ms at p99, 3.2 ms at most",
      command,
    ].map((part) => text.indexOf(part));
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((one, other) => one - other));
  });

  it("allows nothing to load or run, but its own style", () => {
    const text = page({ earlier: { file: "old.json", result: sampleResult() } });
    const [, style = ""] = /<style>([\s\S]*)<\/style>/.exec(text) ?? [];
    expect(text).toContain(`default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`);
    expect(text).not.toMatch(/<script|<link|<img|\bsrc=|\bstyle=|@import|url\(|href="(?!#)|\son[a-z]+=/);
    expect(text).not.toMatch(/undefined|NaN|Infinity|\[object/);
  });

  it("lets nothing of the run become markup", () => {
    const evil = '<img src=x onerror="1">';
    const result = sampleResult({
      title: evil,
      url: evil,
      unit: evil,
      notes: [evil],
      invalid: [evil],
      refused: { [evil]: 1 },
      closed: { [evil]: 1 },
      start: evil,
    });
    const text = page({ result, command: evil, failed: [evil], earlier: { file: evil, result } });
    expect(text).not.toContain("<img");
    expect(text).toContain("&lt;img src=x onerror=&quot;1&quot;&gt;");
  });

  it.each<[string, Partial<LoadPage>, string]>([
    ["a failed threshold", { failed: ["p99>5ms: expected p99 at most 5 ms, got 13 ms"] }, "fail"],
    ["a lost delivery", { result: sampleResult({ deliveries: { ...sampleResult().deliveries!, lost: 1 } }) }, "fail"],
    ["a generator that was the bottleneck", { result: sampleResult({ invalid: ["busy 99 %"] }) }, "inconclusive"],
    ["nothing done", { result: sampleResult({ requests: { ...sampleResult().requests, total: 0 } }) }, "inconclusive"],
    ["refusals", { result: sampleResult({ refused: { RATE_LIMITED: 2 } }) }, "warn"],
  ])("does not look green with %s", (_what, changes, look) => {
    const text = page(changes);
    expect(text).toContain(`<div class="verdict ${look}">`);
    expect(text).not.toContain('class="verdict pass"');
  });

  it("lays an earlier run below this one, dashed, with a legend and a table", () => {
    const latency = { ...sampleStatistics(2, 42), totalCount: 1_000_000 };
    const series = sampleResult().series.map((second) => ({ ...second, p99: 2 * second.p99! }));
    const earlier = { file: "old.json", result: sampleResult({ latency, series }) };
    const text = page({ earlier });
    expect(text).toMatch(heading("Comparison with the earlier run"));
    expect(text).toContain('<td class="number">26 ms (24 ms to 28 ms)</td><td class="number">13 ms (12 ms to 14 ms)</td>');
    expect(text).toContain('<span class="badge better">better</span>');
    expect(text).toContain('<dd class="was">was 26 ms</dd>');
    expect(text.match(/<polyline class="line earlier dashed"/g)).toHaveLength(2);
    expect(text).toContain("p99 earlier");
    expect(page()).not.toMatch(/earlier run|dashed"/);
  });

  it("draws errors where there are some, of both runs", () => {
    const failing = sampleResult({ series: sampleResult().series.map((one) => ({ ...one, errors: one.second === 3 ? 5 : 0 })) });
    expect(page({ result: failing })).toContain("<title>errors in second 3: 5</title>");
    expect(page({ earlier: { file: "old.json", result: failing } })).toContain("Errors in each second");
  });

  it("stands a run in which nothing was measured, and one of a single second", () => {
    const none = { p50: undefined, p99: undefined, max: undefined };
    const empty = sampleResult({
      series: [],
      curve: [],
      deliveries: undefined,
      latency: { ...sampleStatistics(0, 0), totalCount: 0 },
      requests: { ...sampleStatistics(0, 0), total: 0, sent: 0 },
      duration: 0,
    });
    const second = { second: 0, sent: 0, done: 0, errors: 0, ...none };
    for (const result of [empty, { ...empty, series: [second] }, { ...empty, curve: [[100, 5] as const] }]) {
      expect(page({ result })).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  it("says the capacity first, and shows each run of the search", async () => {
    const conditions = parseCapacityConditions("p99<50ms");
    const at = (rate: number) => sampleResult({ rate, latency: { ...sampleStatistics(1, rate / 10), totalCount: 1000 } });
    const found = await findCapacity({
      from: 100,
      most: 10_000,
      steps: 20,
      probe: async (rate) => probeOf(at(rate), conditions),
    });
    const text = page({ result: found.steps.at(-1)!.probe.result, capacity: { conditions: "p99<50ms", found } });
    expect(text).toMatch(/<header>[\s\S]*?<p class="says">Capacity: 8[0-9]{2} per second, held twice/);
    expect(text).toContain("<code>p99&lt;50ms</code>");
    expect(text.match(/class="badge (pass|fail)"/g)).toHaveLength(found.steps.length);
    expect(text).toContain("Latency p99 at each rate");
    expect(text).toContain("expected p99 below 50 ms, got");
  });
});
