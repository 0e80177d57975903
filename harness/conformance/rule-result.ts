// From what checks found to one result a rule. Pure.
import { breachRules } from "../client/incidental-violation.ts";
import { sentenceAt } from "./clause-text.ts";
import type { Failure, Judged, RuleResult, Verdict } from "./phase.ts";
import type { Promised, Rule } from "./rule.ts";
import type { MetBreach, Outcome } from "./run-rule.ts";
import type { Run } from "./run-state.ts";

/** One promise that a rule is checked for, and what came of it. */
export interface Job {
  readonly rule: Rule;
  readonly promised: Promised;
  /** Undefined while it has not run. */
  outcome?: Outcome | undefined;
  /** Of the outcome and its confirmations. */
  failed: number;
  runs: number;
}

/** What a result is made from, beside the outcomes. */
export interface Frame {
  readonly run: Pick<Run, "contract" | "channel" | "seed">;
  /** The command that runs one rule again. */
  replay(ruleId: string): string;
}

export const notPromised = "the document does not promise it";
/** Different promises that are shown of one kind of breach. */
const keptBreaches = 5;

/** @param missing why a promise has no outcome, where one has none */
export function resultOf(frame: Frame, rule: Rule, jobs: readonly Job[], missing: string | undefined): RuleResult {
  if (jobs.length === 0) return withoutOutcome(frame, rule, missing ?? "its phase cannot judge it");
  const outcomes = jobs.map(({ outcome }) => outcome);
  const failures = jobs.flatMap((job) => failureOf(frame, job));
  const lost = outcomes.find((one) => one?.kind === "lost");
  const untestable = outcomes.find((one) => one?.kind === "not-testable");
  const result = {
    ...heading(rule),
    observed: sum(outcomes, (one) => one.observed),
    vacuous: untestable?.vacuous ?? false,
    durationMs: sum(outcomes, (one) => one.durationMs),
    failures,
    notes: [...new Set(outcomes.flatMap((one) => one?.notes ?? []))],
  };
  if (failures[0] !== undefined && rule.level === "MAY") return { ...result, ...notTaken(failures[0]) };
  if (failures.length > 0) return { ...result, verdict: broken(rule), reason: undefined };
  if (lost !== undefined) return { ...result, verdict: "inconclusive", reason: lost.reason };
  if (outcomes.includes(undefined)) return { ...result, verdict: "inconclusive", reason: missing };
  if (untestable === undefined) return { ...result, verdict: "pass", reason: undefined };
  const inPart = !untestable.vacuous && outcomes.some((one) => one?.kind === "pass");
  return inPart
    ? { ...result, verdict: "pass", reason: `in part: ${untestable.reason}` }
    : { ...result, verdict: "not-testable", reason: untestable.reason };
}

/** @param judged what the phase says of the rule; undefined where it says nothing */
export function resultOfWhole(rule: Rule, judged: Judged | undefined, durationMs: number, notes: readonly string[]): RuleResult {
  const { failures = [], observed = 0, inconclusive } = judged ?? {};
  const result = { ...heading(rule), observed, vacuous: false, durationMs, failures, notes };
  if (failures[0] !== undefined && rule.level === "MAY") return { ...result, ...notTaken(failures[0]) };
  if (failures.length > 0) return { ...result, verdict: broken(rule), reason: undefined };
  if (inconclusive !== undefined) return { ...result, verdict: "inconclusive", reason: inconclusive };
  if (observed === 0) return { ...result, verdict: "not-testable", reason: "no case brought it about" };
  return { ...result, verdict: "pass", reason: undefined };
}

/** The result of a rule that was not run: grey where the document does not promise it, else `why`. */
export function withoutOutcome({ run }: Frame, rule: Rule, why: string): RuleResult {
  const [verdict, reason]: [Verdict, string] =
    rule.from(run).length > 0 ? ["inconclusive", why] : ["not-applicable", notPromised];
  return { ...heading(rule), verdict, reason, observed: 0, vacuous: false, durationMs: 0, failures: [], notes: [] };
}

/** Puts what broke a standard or a schema under its rule, whichever check met it. */
export function fileBreaches(frame: Frame, results: readonly RuleResult[], breaches: readonly MetBreach[]): RuleResult[] {
  return results.map((result): RuleResult => {
    const met = breaches.filter(({ kind }) => breachRules[kind] === result.id);
    if (met.length === 0) return result;
    const firsts = new Map(met.toReversed().map((breach) => [breach.pointer, breach]));
    const failures = [...firsts.values()]
      .reverse()
      .slice(0, keptBreaches)
      .map((breach): Failure => {
        const times = met.filter(({ pointer }) => pointer === breach.pointer).length;
        return describe(frame, result.id, breach, { ...breach, failed: times, runs: times });
      });
    return { ...result, verdict: result.level === "MUST" ? "fail" : "warn", reason: undefined, failures };
  });
}

function failureOf(frame: Frame, { rule, promised, outcome, failed, runs }: Job): Failure[] {
  return outcome?.kind === "fail" ? [describe(frame, rule.id, promised, { ...outcome, failed, runs })] : [];
}

function describe(
  { run, replay }: Frame,
  ruleId: string,
  { pointer, says }: Promised,
  { expected, actual, frames, failed, runs }: Pick<Failure, "expected" | "actual" | "frames" | "failed" | "runs">,
): Failure {
  const words = says ?? sentenceAt(run.contract, pointer);
  return { pointer, says: words, expected, actual, failed, runs, steps: [], frames, seed: run.seed, replay: replay(ruleId) };
}

function heading({ id, level, phase, title }: Rule): Pick<RuleResult, "id" | "level" | "phase" | "title"> {
  return { id, level, phase, title };
}

function broken(rule: Rule): Verdict {
  return rule.level === "MUST" ? "fail" : "warn";
}

/** Nobody is blamed for a MAY. */
function notTaken({ expected, actual }: Failure): Pick<RuleResult, "verdict" | "reason" | "failures"> {
  return { verdict: "not-applicable", reason: `optional, and not done: expected ${expected}, got ${actual}`, failures: [] };
}

function sum(outcomes: readonly (Outcome | undefined)[], of: (outcome: Outcome) => number): number {
  return outcomes.reduce((total, one) => total + (one === undefined ? 0 : of(one)), 0);
}
