// Two runs of one scenario side by side: each metric before and after, their ratio, and which way it went.
import { bytesText, countText, msText } from "./figures.ts";
import type { LoadResult, Statistics } from "./load-result.ts";
import { achievedPerSecond, sumOf } from "./thresholds.ts";

/** same: within 5 %, which two runs of one server differ by; unknown: one of them did not measure it. */
export type Change = "better" | "worse" | "same" | "unknown";

export interface ComparedMetric {
  readonly name: string;
  /** As text with its unit; `-` where it was not measured. */
  readonly before: string;
  readonly after: string;
  /** after / before; undefined where there is none, as from 0 to 3. */
  readonly ratio: number | undefined;
  readonly change: Change;
}

export interface Comparison {
  readonly metrics: readonly ComparedMetric[];
  /** Where the two were not asked for the same, or one of them does not count. */
  readonly notes: readonly string[];
}

const sameShare = 0.05;

interface Metric {
  readonly name: string;
  readonly better: "less" | "more";
  readonly text: (value: number) => string;
  readonly of: (result: LoadResult) => number | undefined;
}

const latency = (name: string, key: keyof Statistics): Metric => ({
  name: `latency ${name}`,
  better: "less",
  text: msText,
  of: (result) => (result.latency.totalCount > 0 ? result.latency[key] : undefined),
});
const fault = (name: string, of: Metric["of"]): Metric => ({ name, better: "less", text: countText, of });

const metrics: readonly Metric[] = [
  { name: "throughput per second", better: "more", text: countText, of: achievedPerSecond },
  latency("mean", "mean"),
  latency("p50", "p50"),
  latency("p90", "p90"),
  latency("p99", "p99"),
  latency("p99.9", "p99_9"),
  latency("max", "max"),
  fault("lost", ({ deliveries }) => deliveries?.lost),
  fault("duplicated", ({ deliveries }) => deliveries?.duplicated),
  fault("disordered", ({ deliveries }) => deliveries?.disordered),
  fault("unexpected", ({ deliveries }) => deliveries?.unexpected),
  fault("refused", ({ refused }) => sumOf(refused)),
  fault("closed", ({ closed }) => sumOf(closed)),
  fault("errors", ({ errors }) => errors),
  {
    name: "memory per connection",
    better: "less",
    text: bytesText,
    of: ({ memory }) => memory?.perConnectionBytes,
  },
];

/** What neither run measured is left out. */
export function compareResults(before: LoadResult, after: LoadResult): Comparison {
  const compared = metrics.flatMap((metric) => {
    const was = metric.of(before);
    const is = metric.of(after);
    return was === undefined && is === undefined ? [] : [compareMetric(metric, was, is)];
  });
  return { metrics: compared, notes: [...invalidNotes(before, after), ...settingNotes(before, after)] };
}

function compareMetric({ name, better, text }: Metric, was: number | undefined, is: number | undefined): ComparedMetric {
  const shown = (value: number | undefined) => (value === undefined ? "-" : text(value));
  const ratio = was === undefined || is === undefined || was === 0 ? undefined : is / was;
  return { name, before: shown(was), after: shown(is), ratio, change: changeOf(was, is, better) };
}

function changeOf(was: number | undefined, is: number | undefined, better: "less" | "more"): Change {
  if (was === undefined || is === undefined) return "unknown";
  if (Math.abs(is - was) <= Math.abs(was) * sameShare) return "same";
  return is < was === (better === "less") ? "better" : "worse";
}

function invalidNotes(before: LoadResult, after: LoadResult): readonly string[] {
  return Object.entries({ earlier: before, later: after })
    .filter(([, { invalid }]) => invalid.length > 0)
    .map(([which, { invalid }]) => `the ${which} run is invalid, its figures are not the server's: ${invalid.join("; ")}`);
}

function settingNotes(before: LoadResult, after: LoadResult): readonly string[] {
  const settings: Readonly<Record<string, (result: LoadResult) => string>> = {
    target: ({ url }) => url,
    "what is counted": ({ unit }) => unit,
    rate: ({ rate }) => (rate === undefined ? "none (closed model)" : `${countText(rate)} per second`),
    connections: ({ connections }) => countText(connections),
    rooms: ({ rooms }) => (rooms === undefined ? "none" : countText(rooms)),
    members: ({ members }) => (members === undefined ? "none" : countText(members)),
    payload: ({ payloadBytes }) => (payloadBytes === undefined ? "none" : bytesText(payloadBytes)),
    pipelining: ({ pipelining }) => countText(pipelining ?? 1),
    workers: ({ workers }) => countText(workers),
    // Runs of 10.01 and 10.02 s were asked for the same.
    duration: ({ duration }) => `${Math.round(duration)} s`,
  };
  return Object.entries(settings).flatMap(([name, of]) => {
    const was = of(before);
    const is = of(after);
    if (was === is) return [];
    const hence = name === "rate" ? ", so what is done and how long it takes differs for that reason alone" : "";
    return [`${name} differs: ${was} before, ${is} after${hence}`];
  });
}

/** `1.25x`; `-` where there is none. */
export function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? "-" : `${ratio.toFixed(ratio < 10 ? 2 : 0)}x`;
}
