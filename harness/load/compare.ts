// Two runs of one scenario side by side: each metric before and after, their ratio, and which way it went.
import { bytesText, countText, msText } from "./figures.ts";
import type { LoadResult, Second, Statistics } from "./load-result.ts";
import { mannWhitney, median, medianInterval } from "./statistics.ts";
import { achievedPerSecond, sumOf } from "./thresholds.ts";

/** same: no difference beyond the noise; unknown: one of them did not measure it, or not often enough to tell. */
export type Change = "better" | "worse" | "same" | "unknown";

export const changeText: Readonly<Record<Change, string>> = {
  ...{ better: "better", worse: "worse", same: "no difference", unknown: "not known" },
};

export interface ComparedMetric {
  readonly name: string;
  /** As text with its unit; `-` where it was not measured. */
  readonly before: string;
  readonly after: string;
  /** after / before; undefined where there is none, as from 0 to 3. */
  readonly ratio: number | undefined;
  /** 95 % intervals of the medians of slices, as text; undefined where there are too few. */
  readonly beforeInterval: string | undefined;
  readonly afterInterval: string | undefined;
  readonly change: Change;
}

export interface Comparison {
  readonly metrics: readonly ComparedMetric[];
  /** Where the two were not asked for the same, or one of them does not count. */
  readonly notes: readonly string[];
}

/** How differences are told from noise: by the runs of `--repeat` on both sides, else by the seconds of single runs. */
interface Judge {
  readonly fewest: number;
  /** The probability of a difference by chance must be below. */
  readonly chance: number;
  /** Smaller differences are none. */
  readonly leastShare: number;
}
const byRepeats: Judge = { fewest: 5, chance: 0.013, leastShare: 0.02 };
/** Seconds of one run resemble each other more than two runs of one server do. */
const bySeconds: Judge = { fewest: 8, chance: 0.001, leastShare: 0.1 };

interface Metric {
  readonly name: string;
  readonly better: "less" | "more";
  readonly text: (value: number) => string;
  readonly of: (result: LoadResult) => number | undefined;
  /** What a second says of it; undefined: it is a count of the whole run, or measured once. */
  readonly ofSecond?: (second: Second) => number | undefined;
  /** Whether each one counts, so that one more is a difference. */
  readonly isExact?: boolean;
}

const latency = (name: string, key: keyof Statistics & keyof Second): Metric => ({
  name: `latency ${name}`,
  better: "less",
  text: msText,
  of: (result) => (result.latency.totalCount > 0 ? result.latency[key] : undefined),
  ofSecond: (second) => second[key],
});
const fault = (name: string, of: Metric["of"], isExact = true): Metric => ({
  name,
  better: "less",
  text: countText,
  of,
  isExact,
});

const metrics: readonly Metric[] = [
  { name: "throughput per second", better: "more", text: countText, of: achievedPerSecond, ofSecond: ({ done }) => done },
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
  fault("refused", ({ refused }) => sumOf(refused), false),
  fault("closed", ({ closed }) => sumOf(closed), false),
  fault("errors", ({ errors }) => errors, false),
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
    return was === undefined && is === undefined ? [] : [compareMetric(metric, before, after)];
  });
  const few = compared.some(({ change, before, after }) => change === "unknown" && before !== "-" && after !== "-");
  const note = few ? ["too few slices to tell some differences from noise: give both runs --repeat 5, or 8 s or more"] : [];
  return { metrics: compared, notes: [...note, ...invalidNotes(before, after), ...settingNotes(before, after)] };
}

/** What each run of `--repeat` leaves in the result. */
export function repeatFigures(result: LoadResult): Readonly<Record<string, number>> {
  return Object.fromEntries(
    metrics.flatMap(({ name, of }) => {
      const value = of(result);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function compareMetric(metric: Metric, before: LoadResult, after: LoadResult): ComparedMetric {
  const { name, text } = metric;
  const [was, is] = [metric.of(before), metric.of(after)];
  const judge = before.repeats === undefined || after.repeats === undefined ? bySeconds : byRepeats;
  const samples = [before, after].map((one) => samplesOf(metric, one, judge));
  const interval = (some: readonly number[]) => {
    const bounds = some.length < judge.fewest ? undefined : medianInterval(some);
    return bounds === undefined ? undefined : bounds.map(text).join(" to ");
  };
  const shown = (value: number | undefined) => (value === undefined ? "-" : text(value));
  return {
    ...{ name, before: shown(was), after: shown(is) },
    beforeInterval: interval(samples[0]!),
    afterInterval: interval(samples[1]!),
    ratio: was === undefined || is === undefined || was === 0 ? undefined : is / was,
    change: changeOf(metric, was, is, samples, judge),
  };
}

function samplesOf({ name, ofSecond }: Metric, { repeats, series }: LoadResult, judge: Judge): readonly number[] {
  if (judge === byRepeats) return (repeats ?? []).flatMap((one) => one[name] ?? []);
  return ofSecond === undefined ? [] : series.flatMap((second) => ofSecond(second) ?? []);
}

function changeOf(
  { better, isExact }: Metric,
  was: number | undefined,
  is: number | undefined,
  [left = [], right = []]: readonly (readonly number[])[],
  { fewest, chance, leastShare }: Judge,
): Change {
  if (was === undefined || is === undefined) return "unknown";
  const direction = is < was === (better === "less") ? "better" : "worse";
  if (is === was) return "same";
  if (isExact !== undefined) return isExact || was === 0 || is === 0 || !isByChance(was, is) ? direction : "same";
  if (Math.min(left.length, right.length) < fewest) return "unknown";
  const [before, after] = [median(left), median(right)];
  if (Math.abs(after - before) < Math.abs(before) * leastShare || mannWhitney(left, right) >= chance) return "same";
  return after < before === (better === "less") ? "better" : "worse";
}

/** Whether two counts of independent events differ by no more than counts of one rate do (Poisson, 95 %). */
function isByChance(was: number, is: number): boolean {
  return Math.abs(is - was) <= 1.96 * Math.sqrt(is + was);
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
    const hence = name === "rate" ? ", so throughput and latency differ for that reason alone" : "";
    return [`${name} differs: ${was} before, ${is} after${hence}`];
  });
}

/** `1.25x`; `-` where there is none. */
export function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? "-" : `${ratio.toFixed(ratio < 10 ? 2 : 0)}x`;
}
