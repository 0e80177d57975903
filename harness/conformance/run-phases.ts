// Runs the asked rules phase by phase, confirms what failed, and makes one result a rule.

import type { HistoryEvent } from "../model/history.ts";
import { TargetLost } from "../schema/errors.ts";
import { beginCheck, eventsOf } from "./check.ts";
import type { Watch } from "./liveness-probe.ts";
import type { RuleResult } from "./phase.ts";
import type { PhaseName, Rule } from "./rule.ts";
import { fileBreaches, type Job, resultOf, resultOfWhole, withoutOutcome } from "./rule-result.ts";
import { type MetBreach, type Outcome, runOnce } from "./run-rule.ts";
import type { Run } from "./run-state.ts";
import type { Asked } from "./selection.ts";

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

export interface RunHooks {
  /** The command that runs one rule again, for a person. */
  replay(ruleId: string): string;
  /** @param waitsMs how long it waits on purpose, at least */
  phaseStarts?(name: PhaseName, waitsMs: number): void;
  progress?(text: string): void;
  phaseEnds?(report: PhaseReport): void;
  /** Where the target is a process of ours that has ended: starts it again, and says how it ended. */
  revive?(): Promise<string | undefined>;
}

/** Rules that run side by side; those that only wait come on top. */
const lanes = 4;
/** How often a failure is run again, as long as that takes no longer than `confirmMs`. */
const confirmRuns = 3;
const confirmMs = 15_000;
/** The same for all failures of a phase together: of a server that is broken all over, not each failure is run again. */
const confirmPhaseMs = 30_000;
/** A rule that was broken for so many promises is not checked for the rest. */
const maxBroken = 3;

/** Runs the phases in their order. What is lost on the way is told in the report; only our own bugs are thrown. */
export async function runPhases(run: Run, watch: Watch, asked: readonly Asked[], hooks: RunHooks): Promise<RunReport> {
  const startMs = run.clock.nowMs();
  const frame = { run, replay: hooks.replay };
  const breaches: MetBreach[] = [];
  const results: RuleResult[] = [];
  let interrupted: string | undefined;
  for (const one of asked) {
    if (interrupted !== undefined) {
      for (const rule of one.rules) results.push(withoutOutcome(frame, rule, interrupted));
      continue;
    }
    const phase = await runPhase(run, watch, one, hooks, breaches);
    interrupted = phase.interrupted;
    results.push(...phase.results);
  }
  return { results: fileBreaches(frame, results, breaches), interrupted, durationMs: run.clock.nowMs() - startMs };
}

/** What failed once and could not be run again convicts nobody: it may be the end of the target that was seen. */
function undecidedIfUnconfirmed(outcome: Outcome, runs: number): Outcome {
  if (outcome.kind !== "fail" || runs > 1) return outcome;
  const { expected, actual } = outcome;
  return { ...outcome, kind: "lost", reason: `it failed once (expected ${expected}, got ${actual}) and could not be run again` };
}

async function runPhase(
  run: Run,
  watch: Watch,
  { phase, rules }: Asked,
  hooks: RunHooks,
  breaches: MetBreach[],
): Promise<{ readonly results: readonly RuleResult[]; readonly interrupted: string | undefined }> {
  const startMs = run.clock.nowMs();
  const before = { ...run.recorder.counts };
  const jobs = createJobs(run, rules);
  hooks.phaseStarts?.(phase.name, longestWaitMs(run, jobs));
  const shaken = createShaken(watch, phase.name, isFaulted(run, phase.name));
  const whole = new Map<string, RuleResult>();
  let interrupted: string | undefined;
  try {
    const died = await diedDuring(runJobs(run, jobs), phase.name, watch, hooks);
    await confirmAll(run, watch, jobs, hooks, died || shaken());
    const asked = rules.filter((rule) => rule.check === "whole-phase" && rule.from(run).length > 0);
    if (phase.run !== undefined && asked.length > 0) {
      for (const result of await runWhole(run, phase.run, asked, breaches, hooks)) whole.set(result.id, result);
    }
  } catch (error) {
    if (!(error instanceof TargetLost)) throw error;
    interrupted = `the target was lost in the phase ${phase.name}. ${error.message}`;
    for (const job of jobs) if (job.outcome !== undefined) job.outcome = undecidedIfUnconfirmed(job.outcome, job.runs);
  }
  for (const { outcome } of jobs) breaches.push(...(outcome?.breaches ?? []));
  const frame = { run, replay: hooks.replay };
  const results = rules.map(
    (rule) =>
      whole.get(rule.id) ??
      resultOf(
        frame,
        rule,
        jobs.filter((job) => job.rule === rule),
        interrupted,
      ),
  );
  if (interrupted === undefined && shaken() && !results.some(({ verdict }) => verdict === "fail")) {
    interrupted = `an idle connection that nothing was done to ended ${((watch.lostAtMs.at(-1) ?? 0) / 1000).toFixed(1)} s into the run, in the phase ${phase.name}, and no rule makes that happen again. Was the target restarted meanwhile?`;
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
  return { results, interrupted };
}

/** Whether the run itself does harm to the target in this phase. */
function isFaulted({ target }: Run, phase: PhaseName): boolean {
  return phase === "cluster" && target.runCluster !== undefined;
}

/** Tells whether the bystander's connection was lost since now. In the phase shutdown, and under faults of ours, it has to be. */
function createShaken(watch: Watch, phase: PhaseName, faulted: boolean): () => boolean {
  const before = watch.lostAtMs.length;
  return () => watch.lostAtMs.length > before && phase !== "shutdown" && !faulted;
}

/** Of those that wait together, in ms. */
function longestWaitMs(run: Run, jobs: readonly Job[]): number {
  const { context } = beginCheck(run);
  return Math.max(0, ...jobs.map(({ rule, promised }) => rule.waitsMs?.(context, promised) ?? 0));
}

function createJobs(run: Run, rules: readonly Rule[]): Job[] {
  return rules
    .filter(({ check }) => check !== "whole-phase")
    .flatMap((rule) => rule.from(run).map((promised): Job => ({ rule, promised, failed: 0, runs: 0 })));
}

/** Whether a process of ours ended under it; it has been started again then. */
async function diedDuring(work: Promise<void>, phase: PhaseName, watch: Watch, hooks: RunHooks): Promise<boolean> {
  try {
    await work;
    if (phase !== "shutdown") await watch.demandAlive();
    return false;
  } catch (error) {
    if (!(error instanceof TargetLost) || (await hooks.revive?.()) === undefined) throw error;
    await watch.demandAlive(); // opens the bystander's connection anew
    return true;
  }
}

/** All once: those that may, side by side; then the others one by one. */
async function runJobs(run: Run, jobs: readonly Job[]): Promise<void> {
  const together = jobs.filter(({ rule }) => rule.alone !== true && rule.waitsMs === undefined);
  const waiting = jobs.filter(({ rule }) => rule.alone !== true && rule.waitsMs !== undefined);
  const queue = [...together];
  const lane = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const { rule } = job;
      const broken = together.filter((one) => one.rule === rule && one.failed > 0).length;
      if (broken < maxBroken) await runJob(run, job);
    }
  };
  const settled = await Promise.allSettled([...waiting.map((job) => runJob(run, job)), ...Array.from({ length: lanes }, lane)]);
  for (const one of settled) if (one.status === "rejected") throw one.reason;
  for (const job of jobs) if (job.rule.alone === true) await runJob(run, job);
}

async function runJob(run: Run, job: Job): Promise<void> {
  job.outcome = await runOnce(run, job.rule, job.promised);
  job.runs = 1;
  job.failed = job.outcome.kind === "fail" ? 1 : 0;
  // One rule whose target is lost need not be the end; a target that answers nobody is.
  if (job.outcome.kind === "lost") await run.demandAlive();
}

/**
 * Runs again, alone, what failed or lost the target.
 * @param shaken a bystander's connection was lost meanwhile: every rule is run again until one is seen to do it
 */
async function confirmAll(run: Run, watch: Watch, jobs: readonly Job[], hooks: RunHooks, shaken: boolean): Promise<void> {
  const phaseStartMs = run.clock.nowMs();
  const confirmed = new Set<Rule>();
  for (const job of jobs) {
    const first = job.outcome;
    if (!shaken && first?.kind !== "fail" && first?.kind !== "lost") continue;
    const startMs = run.clock.nowMs();
    if (!shaken && first?.kind === "fail" && (confirmed.has(job.rule) || startMs - phaseStartMs > confirmPhaseMs)) continue;
    const again: Outcome[] = [];
    do {
      hooks.progress?.(`confirming ${job.rule.id}`);
      again.push(await runAlone(run, watch, job, hooks));
    } while (
      again.length < confirmRuns &&
      run.clock.nowMs() - startMs < confirmMs &&
      (first?.kind === "fail" || again.at(-1)?.kind === "fail")
    );
    // What failed while the whole target shook is judged by the runs after it alone.
    const counted = first === undefined || shaken || first.kind === "lost" ? again : [first, ...again];
    job.runs = counted.length;
    job.failed = counted.filter(({ kind }) => kind === "fail").length;
    job.outcome = shortestFailure(counted) ?? counted.at(-1)!;
    if (job.failed > 0 && job.failed === job.runs) confirmed.add(job.rule);
  }
}

/** Of several runs the failure that is quickest read: one that ran alone has no frames of others in it. */
function shortestFailure(outcomes: readonly Outcome[]): Outcome | undefined {
  const failures = outcomes.filter((one) => one.kind === "fail");
  return failures.toSorted((one, other) => one.frames.length - other.frames.length)[0];
}

/** Once, while nothing else runs, so that what befalls the target and its other connections is this rule's doing. */
async function runAlone(run: Run, watch: Watch, { rule, promised }: Job, hooks: RunHooks): Promise<Outcome> {
  const lostBefore = watch.lostAtMs.length;
  const frames: HistoryEvent[] = [];
  const stop = run.recorder.onEvent((event) => frames.push(event));
  try {
    const outcome = await runOnce(run, rule, promised);
    const fail = (expected: string, actual: string): Outcome => ({ ...outcome, kind: "fail", expected, actual, frames });
    try {
      await watch.demandAlive();
    } catch (error) {
      const end = error instanceof TargetLost ? await hooks.revive?.() : undefined;
      if (end === undefined) throw error;
      await watch.demandAlive();
      return fail("the server to go on", end);
    }
    if (watch.lostAtMs.length === lostBefore || rule.phase === "shutdown") return outcome;
    return fail("connections of others to stay open", "an idle connection of another user ended while this was checked");
  } finally {
    stop();
  }
}

async function runWhole(
  run: Run,
  judge: NonNullable<Asked["phase"]["run"]>,
  rules: readonly Rule[],
  breaches: MetBreach[],
  hooks: RunHooks,
): Promise<RuleResult[]> {
  const startMs = run.clock.nowMs();
  // What does not answer while we do it harm is not lost.
  const check = beginCheck(isFaulted(run, "cluster") ? { ...run, demandAlive: async () => undefined } : run);
  try {
    const judged = await judge(check.context, rules, (text) => hooks.progress?.(text));
    const durationMs = run.clock.nowMs() - startMs;
    // Remarks are on all of them together: the first carries them.
    return rules.map((rule, at) =>
      resultOfWhole(
        rule,
        judged.find(({ id }) => id === rule.id),
        durationMs,
        at === 0 ? check.notes : [],
      ),
    );
  } finally {
    breaches.push(...check.breaches.map((breach) => ({ ...breach, frames: eventsOf(run, new Set([breach.connection])) })));
    await check.end();
    run.recorder.forget(check.connections);
  }
}
