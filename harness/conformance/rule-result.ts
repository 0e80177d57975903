// From what checks found to one result a rule. Pure.
import { type IncidentalViolation, incidentalRules } from "../client/incidental-violation.ts";
import { clauseText } from "./clause-text.ts";
import type { Failure, RuleResult, Verdict } from "./result.ts";
import type { Clause, Rule } from "./rule.ts";
import type { Outcome } from "./run-rule.ts";
import type { Run } from "./run-state.ts";

/** One clause that a rule is checked for, and what came of it. */
export interface RuleExecution {
  readonly rule: Rule;
  readonly clause: Clause;
  /** Undefined while it has not run. */
  outcome?: Outcome | undefined;
  /** Of the outcome and its confirmations. */
  failed: number;
  runs: number;
}

/** What a result is made from, beside the outcomes. */
export interface ReportContext {
  readonly run: Pick<Run, "contract" | "channel" | "seed">;
  /** The command that runs one rule again. */
  replay(ruleId: string): string;
}

export const notDeclared = "not declared in the document";
/** Different promises that are shown of one kind of violation. */
const shownViolations = 5;

/** @param missing why a promise has no outcome, where one has none */
export function resultOf(
  report: ReportContext,
  rule: Rule,
  executions: readonly RuleExecution[],
  missing: string | undefined,
): RuleResult {
  if (executions.length === 0) return withoutOutcome(report, rule, missing ?? "its phase cannot test it");
  const outcomes = executions.map(({ outcome }) => outcome);
  const failures = executions.flatMap((one) => failureOf(report, one));
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
  if (outcomes.some((one) => one?.kind === "fail" && one.fatal)) return { ...result, verdict: "fail", reason: undefined };
  if (failures[0] !== undefined && rule.level === "MAY") return { ...result, ...notTaken(failures[0]) };
  if (failures.length > 0) return { ...result, verdict: broken(rule), reason: undefined };
  const error = outcomes.find((one) => one?.kind === "error");
  if (error?.kind === "error") return { ...result, verdict: "inconclusive", reason: error.reason, internalError: true };
  if (lost !== undefined) return { ...result, verdict: "inconclusive", reason: lost.reason };
  if (outcomes.includes(undefined)) return { ...result, verdict: "inconclusive", reason: missing };
  const declined = outcomes.find((one) => one?.kind === "not-applicable");
  if (declined !== undefined && outcomes.every((one) => one?.kind === "not-applicable"))
    return { ...result, verdict: "not-applicable", reason: declined.reason };
  if (untestable === undefined) return { ...result, verdict: "pass", reason: undefined };
  const inPart = !untestable.vacuous && outcomes.some((one) => one?.kind === "pass");
  return inPart
    ? { ...result, verdict: "pass", reason: `in part: ${untestable.reason}` }
    : { ...result, verdict: "not-testable", reason: untestable.reason };
}

/** The result of a rule that was not run: grey where the document does not declare it, else `why`. */
export function withoutOutcome({ run }: ReportContext, rule: Rule, why: string): RuleResult {
  const [verdict, reason]: [Verdict, string] =
    rule.from(run).length > 0 ? ["inconclusive", why] : ["not-applicable", notDeclared];
  return { ...heading(rule), verdict, reason, observed: 0, vacuous: false, durationMs: 0, failures: [], notes: [] };
}

/** Puts what broke a standard or a schema under its rule, whichever check met it. */
export function fileViolations(
  report: ReportContext,
  results: readonly RuleResult[],
  violations: readonly IncidentalViolation[],
): RuleResult[] {
  return results.map((result): RuleResult => {
    const met = violations.filter(({ kind }) => incidentalRules[kind] === result.id);
    if (met.length === 0) return result;
    const firsts = new Map(met.toReversed().map((violation) => [violation.pointer, violation]));
    const failures = [...firsts.values()]
      .reverse()
      .slice(0, shownViolations)
      .map((violation): Failure => {
        const times = met.filter(({ pointer }) => pointer === violation.pointer).length;
        return describe(report, result.id, violation, { frames: [], ...violation, failed: times, runs: times });
      });
    return { ...result, verdict: result.level === "MUST" ? "fail" : "warn", reason: undefined, failures };
  });
}

function failureOf(report: ReportContext, { rule, clause, outcome, failed, runs }: RuleExecution): Failure[] {
  if (outcome?.kind !== "fail") return [];
  const { reproduction } = outcome;
  const { pointer } = reproduction ?? {};
  const own = pointer === undefined || pointer === clause.pointer ? clause : { pointer };
  return [{ ...describe(report, rule.id, own, { ...outcome, failed, runs }), ...reproduction }];
}

function describe(
  { run, replay }: ReportContext,
  ruleId: string,
  { pointer, text }: Clause,
  { expected, actual, frames, failed, runs }: Pick<Failure, "expected" | "actual" | "frames" | "failed" | "runs">,
): Failure {
  const sentence = text ?? clauseText(run.contract, pointer);
  return { pointer, text: sentence, expected, actual, failed, runs, steps: [], frames, seed: run.seed, replay: replay(ruleId) };
}

function heading({ id, level, phase, title }: Rule): Pick<RuleResult, "id" | "level" | "phase" | "title"> {
  return { id, level, phase, title };
}

function broken(rule: Rule): Verdict {
  return rule.level === "MUST" ? "fail" : "warn";
}

/** Nobody is blamed for a MAY. */
function notTaken({ expected, actual }: Failure): Pick<RuleResult, "verdict" | "reason" | "failures"> {
  return { verdict: "not-applicable", reason: `optional and not implemented: expected ${expected}, got ${actual}`, failures: [] };
}

function sum(outcomes: readonly (Outcome | undefined)[], of: (outcome: Outcome) => number): number {
  return outcomes.reduce((total, one) => total + (one === undefined ? 0 : of(one)), 0);
}
