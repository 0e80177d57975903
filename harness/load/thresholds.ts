// Conditions on a load result, as `--fail-on 'p99>50ms,lost>0'` and `--find-capacity 'p99<50ms'` write them: parsed, judged, put into words.
import { UsageError } from "../schema/errors.ts";
import type { LoadResult } from "./load-result.ts";
import { scenarios } from "./scenarios.ts";

type Kind = "latency" | "count" | "rate" | "bytes" | "ratio";

interface Metric {
  readonly kind: Kind;
  /** In ms, a count, or per second; undefined where this run did not measure it. */
  readonly of: (result: LoadResult) => number | undefined;
}

const latency = (key: "p50" | "p75" | "p90" | "p97_5" | "p99" | "p99_9" | "max" | "mean"): Metric => ({
  kind: "latency",
  of: (result) => (result.latency.totalCount > 0 ? result.latency[key] : undefined),
});
const delivery = (key: "lost" | "duplicated" | "disordered" | "unexpected"): Metric => ({
  kind: "count",
  of: (result) => result.deliveries?.[key],
});
const count = (of: Metric["of"]): Metric => ({ kind: "count", of });

const metrics = {
  p50: latency("p50"),
  p75: latency("p75"),
  p90: latency("p90"),
  "p97.5": latency("p97_5"),
  p99: latency("p99"),
  "p99.9": latency("p99_9"),
  max: latency("max"),
  mean: latency("mean"),
  lost: delivery("lost"),
  duplicated: delivery("duplicated"),
  disordered: delivery("disordered"),
  unexpected: delivery("unexpected"),
  refused: count(({ refused }) => sumOf(refused)),
  closed: count(({ closed }) => sumOf(closed)),
  errors: count(({ errors }) => errors),
  rate: { kind: "rate", of: achievedPerSecond },
} satisfies Record<string, Metric>;

/** Those of every run, and those of the scenarios that have some of their own. */
const byName: ReadonlyMap<string, Metric> = new Map([
  ...Object.entries(metrics),
  ...[...scenarios.values()].flatMap((one) =>
    Object.entries(one.metrics ?? {}).map(([name, kind]): [string, Metric] => [
      name,
      { kind, of: ({ findings }) => findings?.figures[name] },
    ]),
  ),
]);

/** Longest first, so that `>=` is not read as `>`. */
const operators = [">=", "<=", ">", "<"] as const;
export type Operator = (typeof operators)[number];

/** One comparison. What it means that it is true is said by the option that it was given to. */
export interface Threshold {
  readonly metric: string;
  readonly operator: Operator;
  /** In ms for a latency, per second for the rate, in bytes, else a count or a ratio. */
  readonly value: number;
  /** As it was written, for messages. */
  readonly text: string;
}

const compares: Record<Operator, (actual: number, value: number) => boolean> = {
  ">": (actual, value) => actual > value,
  ">=": (actual, value) => actual >= value,
  "<": (actual, value) => actual < value,
  "<=": (actual, value) => actual <= value,
};
const opposite: Record<Operator, Operator> = { ">": "<=", ">=": "<", "<": ">=", "<=": ">" };
const inWords: Record<Operator, string> = { ">": "above", ">=": "at least", "<": "below", "<=": "at most" };
const msPerUnit = new Map([
  ["", 1],
  ["ms", 1],
  ["s", 1000],
  ["us", 0.001],
  ["µs", 0.001],
]);

const bytesPerUnit = new Map([
  ["", 1],
  ["B", 1],
  ["kB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
]);
const perSecond = new Map([
  ["", 1],
  ["/s", 1],
]);
const none = new Map([["", 1]]);

/**
 * Reads comparisons that are separated by commas, such as `p99>50ms,lost>0` or `rate<1000`.
 * A latency takes us, ms or s (none: ms); the rate is per second; the others are counts.
 * @param option named in the error, such as `--fail-on`
 * @throws UsageError that names the option, the piece and what would fit
 */
export function parseThresholds(text: string, option = "--fail-on"): readonly Threshold[] {
  return text.split(",").map((piece) => parseThreshold(piece.trim(), option));
}

function parseThreshold(text: string, option: string): Threshold {
  const operator = operators.find((one) => text.includes(one));
  if (operator === undefined) {
    throw new UsageError(
      `expected ${option} as METRIC OPERATOR VALUE such as p99>50ms, separated by commas, with one of > >= < <=, got "${text}"`,
    );
  }
  const [name = "", written = ""] = splitAt(text, operator);
  const metric = byName.get(name);
  if (metric === undefined) {
    throw new UsageError(`expected a metric of ${option} out of ${[...byName.keys()].join(", ")}, got "${name}" in "${text}"`);
  }
  return { metric: name, operator, value: parseValue(written, metric.kind, `${option} ${name}`, text), text };
}

function parseValue(written: string, kind: Kind, where: string, text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*(\D*)$/.exec(written) ?? [];
  if (digits !== undefined && unit !== undefined) {
    const units: ReadonlyMap<string, number> = {
      latency: msPerUnit,
      bytes: bytesPerUnit,
      rate: perSecond,
      count: none,
      ratio: none,
    }[kind];
    const scale = units.get(unit);
    if (scale !== undefined && (kind !== "count" || /^\d+$/.test(digits))) return Number(digits) * scale;
  }
  const fitting = {
    latency: "a time such as 50ms, 0.8s or 300us (without a unit: ms)",
    count: "a whole number such as 0",
    rate: "a number per second such as 1000",
    bytes: "a size such as 1kB or 500B",
    ratio: "a ratio such as 1.5",
  }[kind];
  throw new UsageError(`expected ${where} with ${fitting}, got "${written}" in "${text}"`);
}

function splitAt(text: string, operator: Operator): [string, string] {
  const at = text.indexOf(operator);
  return [text.slice(0, at).trim(), text.slice(at + operator.length).trim()];
}

/**
 * A sentence for each comparison that is true, or of which this run measured nothing: for `--fail-on`.
 * Empty: nothing that was to fail the run came about.
 */
export function failedThresholds(result: LoadResult, thresholds: readonly Threshold[]): readonly string[] {
  return judge(result, thresholds, ({ operator }) => opposite[operator]);
}

/**
 * A sentence for each comparison that is not true, or of which this run measured nothing: for `--find-capacity`.
 * Empty: all of them hold.
 */
export function unmetConditions(result: LoadResult, conditions: readonly Threshold[]): readonly string[] {
  return judge(result, conditions, ({ operator }) => operator);
}

function judge(
  result: LoadResult,
  thresholds: readonly Threshold[],
  wanted: (threshold: Threshold) => Operator,
): readonly string[] {
  return thresholds.flatMap((threshold) => {
    const { metric, value, text } = threshold;
    const { kind, of } = byName.get(metric)!;
    const operator = wanted(threshold);
    const actual = of(result);
    if (actual === undefined) return [`${text}: cannot be checked, this run of ${result.scenario} measured no ${metric}`];
    if (compares[operator](actual, value)) return [];
    // As many digits as it takes not to look equal to the bound that was missed.
    const digits = [4, 7, 15].find((one) => Number(actual.toPrecision(one)) !== value) ?? 15;
    return [`${text}: expected ${metric} ${inWords[operator]} ${shown(value, kind)}, got ${shown(actual, kind, digits)}`];
  });
}

/** What was done (replies, deliveries, accepted connections) per second of the run; undefined where no time passed. */
export function achievedPerSecond({ requests, duration }: LoadResult): number | undefined {
  return duration > 0 ? requests.total / duration : undefined;
}

/** All counts of a table of code -> count. */
export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, one) => sum + one, 0);
}

function shown(value: number, kind: Kind, digits = 15): string {
  const number = String(Number(value.toPrecision(kind === "count" ? 15 : digits)));
  const units: Readonly<Record<Kind, string>> = { latency: " ms", rate: " per second", bytes: " B", count: "", ratio: "" };
  return `${number}${units[kind]}`;
}
