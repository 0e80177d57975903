// The search for the highest rate at which a server still keeps given conditions: pure, over a probe that runs one rate.
import type { LoadResult } from "./load-result.ts";
import { parseThresholds, type Threshold, unmetConditions } from "./thresholds.ts";

/** What a run at one rate showed. */
export interface Probe {
  readonly holds: boolean;
  /** Why the run says nothing about the server; empty where it does. */
  readonly invalid: readonly string[];
}

/** A probe with the run behind it. */
export interface LoadProbe extends Probe {
  readonly result: LoadResult;
  /** A sentence for each condition that did not hold. */
  readonly unmet: readonly string[];
}

export type Purpose = "rise" | "fall" | "narrow" | "confirm";

export interface CapacityStep<P extends Probe> {
  /** Per second. */
  readonly rate: number;
  readonly purpose: Purpose;
  readonly probe: P;
}

/**
 * Why the search ended: found (a higher rate did not hold), most (the highest rate that was allowed holds), generator (it could not send
 * more, or not in time), nothing (no rate held, down to 1), steps (no runs were left to try more).
 */
export type CapacityEnd = "found" | "most" | "generator" | "nothing" | "steps";

export interface Capacity<P extends Probe> {
  /** The highest rate per second that held twice. Undefined where none did. */
  readonly rate: number | undefined;
  /** The lowest rate above it that did not hold. Undefined where none was met. */
  readonly beyond: number | undefined;
  readonly end: CapacityEnd;
  readonly steps: readonly CapacityStep<P>[];
}

export interface CapacitySearch<P extends Probe> {
  /** Runs one rate, a whole number per second. */
  readonly probe: (rate: number) => Promise<P>;
  /** The first rate per second. */
  readonly from: number;
  /** No rate above it is tried. */
  readonly most: number;
  /** No more than so many runs; at least 2. */
  readonly steps: number;
  /** Called after each run. */
  readonly onStep?: (step: CapacityStep<P>) => void;
}

/** Between the highest that holds and the lowest that does not: close enough. */
const closeShare = 0.05;

/**
 * Doubles the rate until it does not hold (halves it where the first does not), narrows to within 5 %, and runs the highest that held
 * once more: what holds by luck is stepped down from, by at most 5 % at a time, until a rate has held twice.
 * A run in which the generator was the bottleneck is made once more, since something else may have kept the machine busy; if it was so
 * again, the search for more ends.
 */
export async function findCapacity<P extends Probe>(search: CapacitySearch<P>): Promise<Capacity<P>> {
  const { most, steps: allowed } = search;
  const taken: CapacityStep<P>[] = [];
  /** Rate -> how often it held without failing. */
  const held = new Map<number, number>();
  let beyond: number | undefined;
  let generatorAtItsEnd = false;

  const left = () => allowed - taken.length;
  const runOnce = async (rate: number, purpose: Purpose): Promise<"holds" | "fails" | "invalid"> => {
    const probe = await search.probe(rate);
    const step = { rate, purpose, probe };
    taken.push(step);
    search.onStep?.(step);
    if (probe.invalid.length > 0) return "invalid";
    if (probe.holds) {
      held.set(rate, (held.get(rate) ?? 0) + 1);
      return "holds";
    }
    beyond = Math.min(beyond ?? rate, rate);
    // What holds above a rate that does not, or held at it before, held by luck.
    for (const lucky of held.keys()) if (lucky >= rate) held.delete(lucky);
    return "fails";
  };
  /** @param kept so many runs are left for what comes later */
  const run = async (rate: number, purpose: Purpose, kept = 1) => {
    const first = await runOnce(rate, purpose);
    const outcome = first === "invalid" && left() > kept ? await runOnce(rate, purpose) : first;
    if (outcome === "invalid") generatorAtItsEnd = true;
    return outcome;
  };
  const highest = () => Math.max(0, ...held.keys());
  const ended = (end: CapacityEnd, rate?: number): Capacity<P> => ({ rate, beyond, end, steps: taken });

  let rate = clamp(search.from, most);
  // One run is kept for the confirmation.
  while (left() > 1 && (await run(rate, "rise")) === "holds" && rate < most) rate = clamp(rate * 2, most);
  while (left() > 1 && highest() === 0 && rate > 1 && !generatorAtItsEnd) {
    rate = clamp(rate / 2, most);
    await run(rate, "fall");
  }
  while (left() > 1 && !generatorAtItsEnd && highest() > 0 && beyond !== undefined && !isClose(highest(), beyond)) {
    await run(clamp((highest() + beyond) / 2, most), "narrow");
  }
  if (highest() === 0) return ended(generatorAtItsEnd ? "generator" : rate <= 1 ? "nothing" : "steps");

  rate = highest();
  while (left() > 0) {
    const outcome = await run(rate, "confirm", 0);
    if (outcome === "invalid") return ended("generator");
    if (outcome === "holds" && (held.get(rate) ?? 0) >= 2) {
      const end = beyond !== undefined ? "found" : rate === clamp(most, most) ? "most" : "steps";
      return ended(generatorAtItsEnd ? "generator" : end, rate);
    }
    if (outcome === "holds") continue;
    if (rate <= 1) return ended("nothing");
    const below = Math.max(0, ...[...held.keys()].filter((one) => one < rate));
    rate = Math.max(below, clamp(Math.min(rate - 1, rate * (1 - closeShare)), most));
  }
  return ended("steps");
}

function isClose(holds: number, fails: number): boolean {
  return fails - holds <= Math.max(1, holds * closeShare);
}

function clamp(rate: number, most: number): number {
  return Math.min(Math.max(1, most), Math.max(1, Math.round(rate)));
}

/**
 * The conditions of `--find-capacity`, and beside them what every capacity needs: nothing refused, closed or in error, and where deliveries
 * are checked, each once and in order. Who names one of these metrics sets its bound.
 * @throws UsageError as parseThresholds
 */
export function parseCapacityConditions(text: string): readonly Threshold[] {
  const asked = parseThresholds(text, "--find-capacity");
  const implied = parseThresholds("lost<=0,duplicated<=0,disordered<=0,unexpected<=0,refused<=0,closed<=0,errors<=0");
  return [...asked, ...implied.filter(({ metric }) => asked.every((one) => one.metric !== metric))];
}

const ofDeliveries: ReadonlySet<string> = new Set(["lost", "duplicated", "disordered", "unexpected"]);

/** Judges the run of one rate. */
export function probeOf(result: LoadResult, conditions: readonly Threshold[]): LoadProbe {
  const judged = conditions.filter(({ metric }) => result.deliveries !== undefined || !ofDeliveries.has(metric));
  const unmet = unmetConditions(result, judged);
  return { result, unmet, invalid: result.invalid, holds: unmet.length === 0 };
}

/** One sentence: what was found, and what stood in the way of more. */
export function capacitySentence({ rate, beyond, end, steps }: Capacity<Probe>): string {
  const shown = (perSecond: number) => `${perSecond.toLocaleString("en-US")} per second`;
  if (rate === undefined) {
    if (end === "nothing") return "No capacity: the conditions did not hold even at 1 per second.";
    if (end === "generator")
      return "No capacity found: the generator, not the server, is at its limit, and no rate held twice. Try a quieter machine, more --workers or a lower --rate.";
    return `No capacity found within ${steps.length} runs: no rate held twice. Allow more runs, or begin at a lower rate.`;
  }
  if (end === "most") return `Capacity: at least ${shown(rate)}, held twice; it is the highest rate to be tried.`;
  if (end === "generator") {
    return `Capacity: at least ${shown(rate)}, held twice; beyond it the generator, not the server, is at its limit.`;
  }
  if (end === "steps") return `Capacity: at least ${shown(rate)}, held twice; no runs were left to try more.`;
  return `Capacity: ${shown(rate)}, held twice${beyond === undefined ? "" : `; ${shown(beyond)} did not hold`}.`;
}
