// A failing case is run again before anything is said of it: how often it fails, by which rule, and the shortest case that still does.
import type { ModelFinding } from "../../model/evaluation-result.ts";
import type { Protocol } from "../../model/protocol.ts";
import type { Context } from "../context.ts";
import { Broadcasts } from "./broadcasts.ts";
import { isSlow, type StatefulCase } from "./case.ts";
import { type Executed, execute } from "./execute.ts";
import { shrink } from "./shrink.ts";

export interface Confirmed {
  readonly rule: string;
  readonly plan: StatefulCase;
  /** The run that shows it, of the smallest case. */
  readonly shown: Executed;
  readonly finding: ModelFinding;
  /** Of the last runs of the case: how many failed by the rule, of how many. */
  readonly failed: number;
  readonly runs: number;
  /** Rules that the original case broke, and how often in the runs after the first. */
  readonly others: ReadonlyMap<string, { readonly count: number; readonly shown: Executed; readonly finding: ModelFinding }>;
}

/** Runs that confirm a failure. */
const confirmRuns = 4;
/** Tries in which a smaller case must fail twice. */
const shrinkTries = 3;
/** Smaller cases at the same time, where each waits: for the end of a credential, or for a close. */
const slowWidth = 8;

/**
 * Runs the case again, takes the rule that broke most often, and shrinks by it.
 * @param first the run in which it failed
 * @param shrinkMs time for shrinking
 * @returns undefined where no rule of `asked` broke in the first run
 */
export async function confirm(
  context: Context,
  protocol: Protocol,
  plan: StatefulCase,
  first: Executed,
  asked: ReadonlySet<string>,
  shrinkMs: number,
): Promise<Confirmed | undefined> {
  // While looking again, what takes ten times as long as a fence does not come.
  const deadlineMs = Math.max(100, Math.ceil(first.fenceMs * 10));
  const others = new Map<string, { count: number; shown: Executed; finding: ModelFinding }>();
  const count = (executed: Executed, weight: number) => {
    for (const rule of new Set(executed.result.findings.map((finding) => finding.rule))) {
      const finding = executed.result.findings.find((one) => one.rule === rule);
      const known = others.get(rule);
      if (finding === undefined || !asked.has(rule)) continue;
      others.set(rule, {
        count: (known?.count ?? 0) + weight,
        shown: known?.shown ?? executed,
        finding: known?.finding ?? finding,
      });
    }
  };
  count(first, 0);
  const closes = first.result.findings.some(({ events }) => events.some((at) => first.history[at]?.kind === "close"));
  const quickly = { deadlineMs, ...(closes ? { lingerMs: deadlineMs } : {}) };
  const slow = isSlow(plan) || closes;
  const broadcasts = new Broadcasts(protocol);
  const again = () => execute(context, protocol, plan, { ...quickly, broadcasts, asked });
  for (const executed of await repeated(confirmRuns, slow, again)) count(executed, 1);
  // What a clock alone decided, and no further run shows, was this machine's doing.
  for (const [id, other] of others) if (other.count === 0 && other.finding.timed === true) others.delete(id);
  const rule = mostFrequent(
    new Map([...others].map(([id, other]) => [id, other.count])),
    first.result.findings.map((finding) => finding.rule),
  );
  if (rule === undefined) return undefined;
  const only = new Set([rule]);
  const untilMs = context.clock.nowMs() + shrinkMs;
  const fails = async (smaller: StatefulCase) =>
    (await execute(context, protocol, smaller, { ...quickly, broadcasts, asked: only })).result.findings.some(
      (finding) => finding.rule === rule,
    );
  const failsTwice = async (smaller: StatefulCase) => {
    if (slow) return (await repeated(2, true, () => fails(smaller))).every((failed) => failed);
    let failures = 0;
    for (let tries = 0; tries < shrinkTries && failures < 2 && failures + (shrinkTries - tries) >= 2; tries++)
      if (await fails(smaller)) failures++;
    return failures >= 2;
  };
  const stable = (others.get(rule)?.count ?? 0) > 0;
  const smallest = stable
    ? (await shrink(plan, failsTwice, () => context.clock.nowMs() < untilMs, slow ? slowWidth : 1)).plan
    : plan;
  const known = others.get(rule)!;
  if (!stable) return { rule, plan, shown: known.shown, finding: known.finding, failed: 1, runs: 1 + confirmRuns, others };
  let shown = known;
  let failed = 0;
  const last = await repeated(confirmRuns, slow, (run) =>
    // The last word has the contract's own deadline.
    execute(context, protocol, smallest, {
      ...quickly,
      broadcasts,
      asked: only,
      ...(run === confirmRuns - 1 ? { deadlineMs: undefined } : {}),
    }),
  );
  for (const executed of last) {
    const finding = executed.result.findings.find((one) => one.rule === rule);
    if (finding === undefined) continue;
    failed++;
    shown = { count: failed, shown: executed, finding };
  }
  if (failed === 0)
    return { rule, plan, shown: known.shown, finding: known.finding, failed: known.count, runs: confirmRuns, others };
  return { rule, plan: smallest, shown: shown.shown, finding: shown.finding, failed, runs: confirmRuns, others };
}

/** Runs it so often: one after the other, or where each takes its time all at once. */
async function repeated<T>(count: number, atOnce: boolean, run: (index: number) => Promise<T>): Promise<T[]> {
  if (atOnce) return Promise.all(Array.from({ length: count }, (_, index) => run(index)));
  const done: T[] = [];
  for (let index = 0; index < count; index++) done.push(await run(index));
  return done;
}

/** The rule to shrink by: the one that broke most often; among equals the one that showed first. */
export function mostFrequent(counts: ReadonlyMap<string, number>, shownInOrder: readonly string[]): string | undefined {
  const rank = (rule: string) => (shownInOrder.includes(rule) ? shownInOrder.indexOf(rule) : shownInOrder.length);
  return [...counts.keys()].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || rank(a) - rank(b))[0];
}
