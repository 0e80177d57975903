// The plots of a load run: latency by percentile, the run over time, and the search for capacity; an earlier run is drawn dashed.
import type { Capacity, LoadProbe } from "../../load/capacity.ts";
import { countText, msText } from "../../load/figures.ts";
import type { LoadResult, Second } from "../../load/load-result.ts";
import { emitPlot, type Plot, type PlotLine, type PlotPoint } from "./plot.ts";
import { highestPercentile, latencyScale, linearScale, logScale, percentileScale, secondsScale } from "./plot-scale.ts";

/** Latency over the logarithm of 1 / (1 - p), up to what the number of values can tell of. */
export function emitPercentilePlot(result: LoadResult, earlier: LoadResult | undefined): string {
  const runs = runsOf(result, earlier).filter(({ run }) => run.curve.length > 0);
  if (runs.length === 0) return '<p class="note">Nothing was measured.</p>';
  const highest = Math.max(...runs.map(({ run }) => highestPercentile(run.latency.totalCount)));
  const lines = runs.map(({ name, run, isEarlier }) => {
    const own = highestPercentile(run.latency.totalCount);
    const points = run.curve.map(([percentile, ms]) => ({
      x: Math.min(percentile, own),
      y: ms,
      says: `${name}: ${Number(percentile.toFixed(5))} % within ${msText(ms)}`,
    }));
    return { name, ...lookOf(isEarlier), points };
  });
  return emitPlot({
    title: "Latency",
    xLabel: "percentile",
    x: percentileScale(highest),
    y: latencyScale(
      lines.flatMap(({ points }) => points.map(({ y }) => y)),
      msText,
    ),
    lines,
  });
}

/** Throughput, latency and errors, second by second. */
export function emitTimePlots(result: LoadResult, earlier: LoadResult | undefined): string {
  const runs = runsOf(result, earlier);
  const seconds = runs.flatMap(({ run }) => run.series);
  if (seconds.length === 0) return '<p class="note">The run was too short for a plot by seconds.</p>';
  const time = { xLabel: "seconds since the warm-up", x: secondsScale(Math.max(...seconds.map(({ second }) => second))) };
  const done = runs.map(({ name, run, isEarlier }) => ({
    name,
    ...lookOf(isEarlier),
    points: pointsOf(run.series, name, ({ done }) => done, countText),
  }));
  const mostDone = Math.max(...seconds.map((one) => one.done));
  return [
    emitPlot({ ...time, title: "Done per second", y: linearScale(mostDone, countText), lines: done }),
    emitLatencyOverTime(runs, time),
    emitErrorsOverTime(runs, time),
  ].join("\n");
}

type Time = Pick<Plot, "x" | "xLabel">;

/** The highest of each second is left out of the earlier run: six lines are too many to tell apart. */
function emitLatencyOverTime(runs: readonly Run[], time: Time): string {
  const lines = runs.flatMap(({ run, isEarlier }) => {
    const line = (key: "p50" | "p99" | "max", look: PlotLine["look"]): PlotLine => {
      const name = isEarlier ? `${key} earlier` : key;
      return { name, ...lookOf(isEarlier), look, points: pointsOf(run.series, name, (one) => one[key], msText) };
    };
    return [line("p50", "main"), line("p99", "second"), ...(isEarlier ? [] : [line("max", "third")])];
  });
  const values = lines.flatMap(({ points }) => points.flatMap((point) => (point === undefined ? [] : [point.y])));
  if (values.length === 0) return '<p class="note">No second has a latency.</p>';
  return emitPlot({ ...time, title: "Latency in each second", y: latencyScale(values, msText), lines });
}

function emitErrorsOverTime(runs: readonly Run[], time: Time): string {
  const most = Math.max(...runs.flatMap(({ run }) => run.series.map(({ errors }) => errors)));
  if (most === 0) return '<p class="note">No errors in any second.</p>';
  const points = (series: readonly Second[]) => pointsOf(series, "errors", ({ errors }) => errors, countText);
  const bars = runs.filter(({ isEarlier }) => !isEarlier).flatMap(({ run }) => points(run.series));
  return emitPlot({
    ...time,
    title: "Errors in each second",
    y: linearScale(most, countText, true),
    lines: runs
      .filter(({ isEarlier }) => isEarlier)
      .map(({ run, name }) => ({ name, ...lookOf(true), points: points(run.series) })),
    bars: { name: "this run", width: 0.8, points: bars.filter((one) => one !== undefined) },
  });
}

/** p99 of each run of the search over its rate; those that do not count are left out. */
export function emitCapacityPlot({ steps }: Capacity<LoadProbe>): string {
  const judged = steps
    .filter(({ probe }) => probe.invalid.length === 0 && probe.result.latency.totalCount > 0)
    .map(({ rate, probe }) => ({ rate, holds: probe.holds, p99: probe.result.latency.p99 }))
    .sort((left, right) => left.rate - right.rate);
  const rates = judged.map(({ rate }) => rate);
  if (new Set(rates).size < 3) return "";
  // No line: two runs of one rate differ.
  const dots = (name: string, look: PlotLine["look"], wanted: boolean): PlotLine => ({
    name,
    look,
    drawn: "dots",
    points: judged
      .filter(({ holds }) => holds === wanted)
      .map(({ rate, p99 }) => ({ x: rate, y: p99, says: `${countText(rate)} per second: p99 ${msText(p99)}, ${name}` })),
  });
  return emitPlot({
    title: "Latency p99 at each rate",
    xLabel: "rate per second",
    x: logScale(Math.min(...rates), Math.max(...rates), countText),
    y: latencyScale(
      judged.map(({ p99 }) => p99),
      msText,
    ),
    lines: [dots("holds", "good", true), dots("does not hold", "bad", false)],
  });
}

interface Run {
  readonly name: string;
  readonly run: LoadResult;
  readonly isEarlier: boolean;
}

/** The earlier one first, so that this one is drawn over it. */
function runsOf(result: LoadResult, earlier: LoadResult | undefined): readonly Run[] {
  const before = earlier === undefined ? [] : [{ name: "earlier run", run: earlier, isEarlier: true }];
  return [...before, { name: "this run", run: result, isEarlier: false }];
}

function lookOf(isEarlier: boolean): Pick<PlotLine, "look" | "drawn"> {
  return isEarlier ? { look: "earlier", drawn: "dashed" } : { look: "main" };
}

function pointsOf(
  series: readonly Second[],
  name: string,
  of: (second: Second) => number | undefined,
  text: (value: number) => string,
): readonly (PlotPoint | undefined)[] {
  return series.map((one) => {
    const y = of(one);
    return y === undefined ? undefined : { x: one.second, y, says: `${name} in second ${one.second}: ${text(y)}` };
  });
}
