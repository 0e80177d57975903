// Runs the asked rules phase by phase, confirms what failed, and makes one result a rule.

import type { IncidentalViolation } from "../client/incidental-violation.ts";
import { NotTestable, TargetLost } from "../schema/errors.ts";
import { beginCheck } from "./check.ts";
import { type ConfirmHooks, confirmAll } from "./confirm-failures.ts";
import { gatherEvidence } from "./evidence.ts";
import type { LivenessProbe } from "./liveness-probe.ts";
import { asTrigger, findTrigger } from "./lost-target.ts";
import type { Phase } from "./phase.ts";
import type { RuleResult } from "./result.ts";
import type { Clause, PhaseName, Rule } from "./rule.ts";
import { fileViolations, type RuleExecution, resultOf, withoutOutcome } from "./rule-result.ts";
import { runAhead } from "./run-ahead.ts";
import { runExecution, runExecutions } from "./run-executions.ts";
import { describeError, type Outcome } from "./run-rule.ts";
import type { Run } from "./run-state.ts";

export interface PhaseReport {
  readonly name: PhaseName;
  readonly results: readonly RuleResult[];
  readonly sent: number;
  readonly received: number;
  readonly judged: number;
  readonly durationMs: number;
}

export interface RunReport {
  readonly results: readonly RuleResult[];
  /** Why the run cannot be trusted or was cut short, where that is so. */
  readonly interrupted: string | undefined;
  readonly durationMs: number;
}

export interface RunHooks extends ConfirmHooks {
  /** The command that runs one rule again, for a person. */
  replay(ruleId: string): string;
  /** @param waitsMs how long it waits on purpose, at least */
  phaseStarts?(name: PhaseName, waitsMs: number): void;
  phaseEnds?(report: PhaseReport): void;
  /** Aborted, with the reason as a text: the run ends and reports what was tested so far. */
  readonly stop?: AbortSignal;
}

/** Runs the phases in their order. What is lost on the way is told in the report; only our own bugs are thrown. */
export async function runPhases(run: Run, probe: LivenessProbe, asked: readonly Phase[], hooks: RunHooks): Promise<RunReport> {
  const startMs = run.clock.nowMs();
  const report = { run, replay: hooks.replay };
  const violations: IncidentalViolation[] = [];
  const results: RuleResult[] = [];
  let interrupted: string | undefined;
  let doubt: string | undefined;
  const executed = new Map(asked.map((phase) => [phase, createExecutions(run, phase.rules)]));
  const later = asked.slice(1).find(({ name }) => name === phaseThatWaits);
  const ahead = later === undefined ? undefined : runAhead(run, executed.get(later)!);
  for (const one of asked) {
    if (interrupted !== undefined) {
      for (const rule of one.rules) results.push(withoutOutcome(report, rule, interrupted));
      continue;
    }
    if (one.name === phaseThatWaits) await ahead;
    const phase = await runPhase(run, probe, one, executed.get(one)!, hooks, violations);
    interrupted = phase.interrupted;
    doubt ??= phase.doubt;
    results.push(...phase.results);
  }
  // Several of one age are a habit of the target, and one that is learned later explains what came before.
  const [youngest, oldest] = [Math.min(...probe.lostAgesMs), Math.max(...probe.lostAgesMs)];
  const isAged = probe.idleEndMs !== undefined || (probe.lostAgesMs.length > 1 && oldest < youngest * 1.25);
  // Who takes part in a declared heartbeat is kept.
  const isHabit = isAged && run.channel.heartbeat === undefined;
  if (!isHabit) interrupted ??= doubt;
  return { results: fileViolations(report, results, violations), interrupted, durationMs: run.clock.nowMs() - startMs };
}

const phaseThatWaits: PhaseName = "limits";

/** What failed once and could not be run again convicts nobody: it may be the end of the target that was seen. */
function undecidedIfUnconfirmed(outcome: Outcome, runs: number): Outcome {
  if (outcome.kind !== "fail" || runs > 1) return outcome;
  const { expected, actual } = outcome;
  return { ...outcome, kind: "lost", reason: `it failed once (expected ${expected}, got ${actual}) and could not be run again` };
}

interface PhaseEnd {
  readonly results: readonly RuleResult[];
  /** Why the run ends here. */
  readonly interrupted: string | undefined;
  /** Why the run, which goes on, cannot be trusted. */
  readonly doubt: string | undefined;
}

async function runPhase(
  run: Run,
  probe: LivenessProbe,
  phase: Phase,
  executions: readonly RuleExecution[],
  hooks: RunHooks,
  violations: IncidentalViolation[],
): Promise<PhaseEnd> {
  const startMs = run.clock.nowMs();
  const before = { ...run.recorder.counts };
  hooks.phaseStarts?.(phase.name, longestWaitMs(run, executions));
  const lostBefore = probe.lostAtMs.length;
  const losses = () => (isFaulted(run, phase.name) || phase.name === "shutdown" ? [] : probe.lostAgesMs.slice(lostBefore));
  /** Whether a control connection was lost that would not have ended by itself. */
  const probeLost = async () => losses().length > 0 && !(await probe.endsIdle(Math.min(...losses())));
  let interrupted: string | undefined;
  try {
    const stops = [...(hooks.stop === undefined ? [] : [hooks.stop]), run.bounds.exceeded];
    await stoppable(AbortSignal.any(stops), async () => {
      if (phase.prepare !== undefined) return runPrepared(run, phase, executions, violations, hooks);
      const died = await diedDuring(runExecutions(run, executions), phase.name, probe, hooks);
      await confirmAll(run, probe, executions, hooks, died || (await probeLost()));
    });
  } catch (error) {
    if (error instanceof Stopped) interrupted = error.message;
    else if (!(error instanceof TargetLost)) interrupted = `the phase ${phase.name} ended with an ${describeError(error)}`;
    else {
      interrupted = `the target was lost in the phase ${phase.name}. ${error.message}`;
      const trigger =
        phase.name === "shutdown" || executions.some(isFatal)
          ? undefined
          : findTrigger(executions, probe.lostAtMs.findLast((atMs) => atMs > startMs) ?? run.clock.nowMs());
      for (const execution of executions)
        if (execution.outcome !== undefined && execution !== trigger?.execution && !isFatal(execution))
          execution.outcome = undecidedIfUnconfirmed(execution.outcome, execution.runs);
      if (trigger?.execution.outcome !== undefined) {
        trigger.execution.outcome = asTrigger(trigger.execution.outcome, trigger.sent, error.message);
        trigger.execution.failed = trigger.execution.runs = 1;
      }
    }
  }
  const [first] = executions;
  if (first?.outcome !== undefined && probe.idleEndMs !== undefined && losses().length > 0) {
    const note = `the target closes connections that are idle for ${(probe.idleEndMs / 1000).toFixed(1)} s; if a heartbeat keeps them open, declare it with x-heartbeat`;
    first.outcome = { ...first.outcome, notes: [...first.outcome.notes, note] };
  }
  for (const { outcome } of executions) violations.push(...(outcome?.violations ?? []));
  violations.push(...probe.takeViolations());
  const report = { run, replay: hooks.replay };
  const results = phase.rules.map((rule) =>
    resultOf(
      report,
      rule,
      executions.filter((one) => one.rule === rule),
      interrupted,
    ),
  );
  let doubt: string | undefined;
  const isDoubtful = async () =>
    losses().length > 0 && (run.channel.heartbeat !== undefined || (await probeLost().catch(() => true)));
  if (interrupted === undefined && !results.some(({ verdict }) => verdict === "fail") && (await isDoubtful())) {
    doubt = `an idle control connection was closed ${((probe.lostAtMs.at(-1) ?? 0) / 1000).toFixed(1)} s into the run, in the phase ${phase.name}, and this could not be reproduced. Was the target restarted meanwhile?`;
  }
  const { sent, received } = run.recorder.counts;
  hooks.phaseEnds?.({
    name: phase.name,
    results,
    sent: sent - before.sent,
    received: received - before.received,
    judged: results.reduce((sum, { observed }) => sum + observed, 0),
    durationMs: run.clock.nowMs() - startMs,
  });
  return { results, interrupted, doubt };
}

function isFatal({ outcome }: RuleExecution): boolean {
  return outcome?.kind === "fail" && outcome.fatal === true;
}

/** The run was asked to stop. */
class Stopped extends Error {}

/** Ends with `work`, or throws Stopped as soon as the signal is aborted; what is under way then is not waited for. */
async function stoppable(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  if (signal.aborted) throw new Stopped(String(signal.reason));
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new Stopped(String(signal.reason)));
    signal.addEventListener("abort", onAbort);
  });
  const working = work();
  working.catch(() => undefined); // after the abort nobody listens to it
  try {
    await Promise.race([working, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Whether the run itself does harm to the target in this phase. */
function isFaulted({ target }: Run, phase: PhaseName): boolean {
  return phase === "cluster" && target.runCluster !== undefined;
}

/** Of those that wait together, in ms. */
function longestWaitMs(run: Run, executions: readonly RuleExecution[]): number {
  const { context } = beginCheck(run);
  const open = executions.filter(({ outcome }) => outcome === undefined);
  return Math.max(0, ...open.map(({ rule, clause }) => rule.waitsMs?.(context, clause) ?? 0));
}

function createExecutions(run: Run, rules: readonly Rule[]): RuleExecution[] {
  return rules.flatMap((rule) => clausesOf(run, rule).map((clause): RuleExecution => ({ rule, clause, failed: 0, runs: 0 })));
}

/** Whether a process of ours ended under it; it has been started again then. */
async function diedDuring(work: Promise<void>, phase: PhaseName, probe: LivenessProbe, hooks: RunHooks): Promise<boolean> {
  try {
    await work;
    if (phase !== "shutdown") await probe.assertTargetAlive();
    return false;
  } catch (error) {
    if (!(error instanceof TargetLost) || (await hooks.revive?.()) === undefined) throw error;
    await probe.assertTargetAlive(); // opens the control connection anew
    return true;
  }
}

/** An error of ours in `from` costs the rule alone. */
function clausesOf(run: Run, rule: Rule): readonly Clause[] {
  try {
    return rule.from(run);
  } catch {
    return [];
  }
}

/** Gathers the evidence of the phase, then lets each rule read it. */
async function runPrepared(
  run: Run,
  phase: Phase,
  executions: readonly RuleExecution[],
  violations: IncidentalViolation[],
  hooks: RunHooks,
): Promise<void> {
  if (executions.length === 0) return;
  // What does not answer while we do it harm is not lost.
  const patient = isFaulted(run, phase.name) ? { ...run, assertTargetAlive: async () => undefined } : run;
  const rules = [...new Set(executions.map(({ rule }) => rule))];
  const startMs = run.clock.nowMs();
  let gathered: Awaited<ReturnType<typeof gatherEvidence>>;
  try {
    gathered = await gatherEvidence(patient, phase, rules, (text) => hooks.progress?.(text));
  } catch (error) {
    if (error instanceof TargetLost) throw error;
    const shared = { observed: 0, durationMs: run.clock.nowMs() - startMs, notes: [], violations: [], trace: [] };
    for (const execution of executions)
      execution.outcome =
        error instanceof NotTestable
          ? { ...shared, kind: "not-testable", reason: error.message, vacuous: false }
          : { ...shared, kind: "error", reason: describeError(error) };
    return;
  }
  violations.push(...gathered.violations);
  for (const execution of executions) {
    await runExecution(patient, execution, gathered.evidence);
    if (execution.outcome?.kind === "fail") hooks.failed?.(execution.rule, execution.outcome);
  }
  // Remarks are on all of them together: the first carries them.
  const [first] = executions;
  if (first?.outcome !== undefined) first.outcome = { ...first.outcome, notes: [...gathered.notes, ...first.outcome.notes] };
}
