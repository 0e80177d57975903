// A load run for other tools: CSV of its seconds, OpenMetrics text, and the summary that k6 writes with --summary-export. Pure.
import type { LoadResult } from "../../load/load-result.ts";
import { achievedPerSecond } from "../../load/thresholds.ts";

/** RFC 4180, one line for each second. Latencies are in ms, empty where nothing was done. */
export function emitCsv({ series }: LoadResult): string {
  const columns = ["second", "sent", "done", "errors", "mean", "p50", "p90", "p99", "p99_9", "max"] as const;
  const head = columns.map((name) => (/^(mean|max|p\d)/.test(name) ? `${name}_ms` : name));
  return [head, ...series.map((second) => columns.map((name) => second[name] ?? ""))]
    .map((row) => `${row.join(",")}\r\n`)
    .join("");
}

/** OpenMetrics 1.0. Latencies are in seconds, as its base units are. */
export function emitOpenMetrics(result: LoadResult): string {
  const { scenario, url, latency, requests, deliveries, refused, closed, errors, findings, serverMemory } = result;
  const escaped = (text: string) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  const labels = (more: Readonly<Record<string, string>> = {}) =>
    `{${Object.entries({ scenario, url, ...more })
      .map(([name, value]) => `${name}="${escaped(value)}"`)
      .join(",")}}`;
  const family = (name: string, type: string, help: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`# TYPE wsproof_bench_${name} ${type}`, `# HELP wsproof_bench_${name} ${help}`, ...lines];
  const counter = (name: string, help: string, value: number) =>
    family(name, "counter", help, [`wsproof_bench_${name}_total${labels()} ${value}`]);
  const codes = (name: string, help: string, counts: Readonly<Record<string, number>>) =>
    family(
      name,
      "counter",
      help,
      Object.entries(counts).map(([code, count]) => `wsproof_bench_${name}_total${labels({ code })} ${count}`),
    );
  const gauge = (name: string, help: string, value: number | undefined) =>
    family(name, "gauge", help, value === undefined ? [] : [`wsproof_bench_${name}${labels()} ${value}`]);
  const quantiles = { 0.5: latency.p50, 0.9: latency.p90, 0.99: latency.p99, 0.999: latency.p99_9 };
  return [
    ...family("latency_seconds", "summary", "From the time a send was due.", [
      ...Object.entries(quantiles).map(([quantile, ms]) => `wsproof_bench_latency_seconds${labels({ quantile })} ${ms / 1000}`),
      `wsproof_bench_latency_seconds_sum${labels()} ${(latency.mean * latency.totalCount) / 1000}`,
      `wsproof_bench_latency_seconds_count${labels()} ${latency.totalCount}`,
    ]),
    ...counter("sent", "Operations that were sent.", result.sent),
    ...counter("done", "What counts as done: replies, deliveries or connections.", requests.total),
    ...counter("errors", "Refusals, closes, losses.", errors),
    ...codes("refused", "Refusals by code.", refused),
    ...codes("closed", "Connections that the server ended, by close code.", closed),
    ...Object.entries(deliveries ?? {}).flatMap(([name, count]) => counter(`deliveries_${name}`, `Deliveries ${name}.`, count)),
    ...Object.entries(findings?.figures ?? {}).flatMap(([name, value]) => gauge(name, `Of the scenario ${scenario}.`, value)),
    ...gauge("server_memory_bytes", "Resident memory of the server at the end.", serverMemory?.at(-1)?.[1]),
    ...gauge("invalid", "1: the generator did not keep up, the figures are not the server's.", result.invalid.length > 0 ? 1 : 0),
    "# EOF",
    "",
  ].join("\n");
}

/** @param failed the sentences of failedThresholds, which begin with the condition */
export function emitK6Summary(result: LoadResult, failed: readonly string[]): string {
  const { latency, curve, requests, throughput, duration, connections, errors } = result;
  const p95 = curve.find(([percentile]) => percentile >= 94.98)?.[1] ?? latency.max;
  const perSecond = (count: number) => (duration > 0 ? count / duration : 0);
  const passes = Math.max(0, requests.total - errors);
  const trend = {
    ...{ avg: latency.mean, min: latency.min, med: latency.p50, max: latency.max, "p(90)": latency.p90, "p(95)": p95 },
    // k6 writes true where a threshold was crossed.
    ...(failed.length === 0 ? {} : { thresholds: Object.fromEntries(failed.map((one) => [one.split(":")[0]!, true])) }),
  };
  const metrics = {
    iteration_duration: trend,
    iterations: { count: requests.total, rate: achievedPerSecond(result) ?? 0 },
    ws_msgs_sent: { count: result.sent, rate: perSecond(result.sent) },
    ws_msgs_received: { count: requests.total, rate: perSecond(requests.total) },
    data_received: { count: throughput.total, rate: perSecond(throughput.total) },
    checks: { passes, fails: errors, value: passes + errors === 0 ? 0 : passes / (passes + errors) },
    vus: { value: connections, min: connections, max: connections },
  };
  return `${JSON.stringify({ root_group: { name: "", path: "", id: "d41d8cd98f00b204e9800998ecf8427e", groups: {}, checks: {} }, metrics }, null, 2)}\n`;
}
