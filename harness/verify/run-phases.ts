// Runs the asked rules phase by phase, confirms what failed, and makes one result a rule.
import { TargetLost } from "../errors.ts";
import type { HistoryEvent } from "../history.ts";
import { breachRules } from "./breach.ts";
import { beginCheck } from "./check.ts";
import type { Failure, RuleResult, Verdict } from "./phase.ts";
import type { PhaseName, Promised, Rule } from "./rule.ts";
import { type MetBreach, type Outcome, runOnce } from "./run-rule.ts";
import type { Run } from "./run-state.ts";
import type { Asked } from "./selection.ts";
import { sentenceAt } from "./sentence.ts";
import type { Watch } from "./watch.ts";

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
  phaseStarts?(name: PhaseName, rules: number): void;
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
const keptBreaches = 5;

interface Job {
  readonly rule: Rule;
  readonly promised: Promised;
  outcome?: Outcome;
  /** Of the outcome and its confirmations. */
  failed: number;
  runs: number;
}

export async function runPhases(run: Run, watch: Watch, asked: readonly Asked[], hooks: RunHooks): Promise<RunReport> {
  const startMs = run.clock.nowMs();
  const breaches: MetBreach[] = [];
  const results: RuleResult[] = [];
  let interrupted: string | undefined;
  for (const { phase, rules } of asked) {
    if (interrupted !== undefined) {
      results.push(...rules.map((rule) => notRun(run, rule, interrupted ?? "")));
      continue;
    }
    hooks.phaseStarts?.(phase.name, rules.length);
    const phaseStartMs = run.clock.nowMs();
    const before = { ...run.recorder.counts };
    const lostBefore = watch.lostAtMs.length;
    const jobs = createJobs(run, rules);
    const judged = new Map<string, RuleResult>();
    try {
      const died = await diedDuring(runJobs(run, jobs), phase.name, watch, hooks);
      await confirmAll(run, watch, jobs, hooks, died || (watch.lostAtMs.length > lostBefore && phase.name !== "shutdown"));
      const whole = rules.filter((rule) => rule.check === "whole-phase" && rule.from(run).length > 0);
      if (phase.run !== undefined && whole.length > 0) {
        for (const result of await runWhole(run, phase.run, whole, breaches, hooks)) judged.set(result.id, result);
      }
    } catch (error) {
      if (!(error instanceof TargetLost)) throw error;
      interrupted = `the target was lost in the phase ${phase.name}. ${error.message}`;
    }
    const phaseResults = rules.map(
      (rule) =>
        judged.get(rule.id) ??
        resultOf(
          run,
          rule,
          jobs.filter((job) => job.rule === rule),
          hooks,
          interrupted,
        ),
    );
    for (const job of jobs) breaches.push(...(job.outcome?.breaches ?? []));
    if (
      interrupted === undefined &&
      watch.lostAtMs.length > lostBefore &&
      phase.name !== "shutdown" &&
      !phaseResults.some(({ verdict }) => verdict === "fail")
    ) {
      const atMs = watch.lostAtMs.at(-1) ?? 0;
      interrupted = `an idle connection that nothing was done to ended ${(atMs / 1000).toFixed(1)} s into the run, in the phase ${phase.name}, and no rule makes that happen again. Was the target restarted meanwhile?`;
    }
    results.push(...phaseResults);
    const { sent, received } = run.recorder.counts;
    hooks.phaseEnds?.({
      name: phase.name,
      results: phaseResults,
      sent: sent - before.sent,
      received: received - before.received,
      judged: phaseResults.reduce((sum, { observed }) => sum + observed, 0),
      durationMs: run.clock.nowMs() - phaseStartMs,
    });
  }
  return { results: fileBreaches(run, results, breaches, hooks), interrupted, durationMs: run.clock.nowMs() - startMs };
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
    return true;
  }
}

/** All once: those that may, side by side; then the others one by one. */
async function runJobs(run: Run, jobs: readonly Job[]): Promise<void> {
  const together = jobs.filter(({ rule }) => rule.alone !== true && rule.waitsMs === undefined);
  const waiting = jobs.filter(({ rule }) => rule.alone !== true && rule.waitsMs !== undefined);
  const queue = [...together];
  const lane = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await runJob(run, job);
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
  for (const job of jobs) {
    const first = job.outcome;
    if (!shaken && first?.kind !== "fail" && first?.kind !== "lost") continue;
    const startMs = run.clock.nowMs();
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
    job.outcome = counted.find(({ kind }) => kind === "fail") ?? counted.at(-1)!;
  }
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
  const check = beginCheck(run);
  try {
    const judged = await judge(check.context, rules, (text) => hooks.progress?.(text));
    const byId = new Map(judged.map((one) => [one.id, one]));
    return rules.map((rule) => {
      const { id, level, phase, title } = rule;
      const found = byId.get(id);
      const failures = found?.failures ?? [];
      const observed = found?.observed ?? 0;
      const vacuous = failures.length === 0 && observed === 0 && found?.inconclusive === undefined;
      const verdict: Verdict =
        failures.length > 0
          ? broken(rule)
          : found?.inconclusive !== undefined
            ? "inconclusive"
            : vacuous
              ? "not-testable"
              : "pass";
      const reason = found?.inconclusive ?? (vacuous ? "no case brought it about" : undefined);
      return {
        id,
        level,
        phase,
        title,
        verdict,
        reason,
        observed,
        vacuous: false,
        durationMs: run.clock.nowMs() - startMs,
        failures,
        notes: check.notes,
      };
    });
  } finally {
    breaches.push(...check.breaches.map((breach) => ({ ...breach, frames: [] })));
    await check.end();
    run.recorder.forget(check.connections);
  }
}

function broken(rule: Rule): Verdict {
  return rule.level === "MUST" ? "fail" : "warn";
}

function resultOf(run: Run, rule: Rule, jobs: readonly Job[], hooks: RunHooks, interrupted: string | undefined): RuleResult {
  if (jobs.length === 0) return notRun(run, rule, interrupted ?? "its phase cannot judge it");
  const { id, level, phase, title } = rule;
  const outcomes = jobs.map(({ outcome }) => outcome);
  const failures = jobs.flatMap((job): Failure[] => {
    const { outcome, promised, failed, runs } = job;
    if (outcome?.kind !== "fail") return [];
    const { expected, actual, frames } = outcome;
    const { pointer } = promised;
    const says = promised.says ?? sentenceAt(run.contract, pointer);
    return [{ pointer, says, expected, actual, failed, runs, steps: [], frames, seed: run.seed, replay: hooks.replay(id) }];
  });
  const find = <K extends Outcome["kind"]>(kind: K) =>
    outcomes.find((one): one is Extract<Outcome, { kind: K }> => one?.kind === kind);
  const lost = find("lost");
  const untestable = find("not-testable");
  const missing = outcomes.some((one) => one === undefined);
  const [verdict, reason]: [Verdict, string | undefined] =
    failures.length > 0
      ? [broken(rule), undefined]
      : lost !== undefined || missing
        ? ["inconclusive", lost?.reason ?? interrupted]
        : find("pass") === undefined || untestable?.vacuous === true
          ? ["not-testable", untestable?.reason]
          : ["pass", untestable === undefined ? undefined : `in part: ${untestable.reason}`];
  return {
    id,
    level,
    phase,
    title,
    verdict,
    reason,
    observed: outcomes.reduce((sum, one) => sum + (one?.observed ?? 0), 0),
    vacuous: outcomes.some((one) => one?.kind === "not-testable" && one.vacuous),
    durationMs: outcomes.reduce((sum, one) => sum + (one?.durationMs ?? 0), 0),
    failures,
    notes: [...new Set(outcomes.flatMap((one) => one?.notes ?? []))],
  };
}

function notRun(run: Run, { id, level, phase, title, from }: Rule, why: string): RuleResult {
  const promised = from(run).length > 0;
  const verdict: Verdict = promised ? "inconclusive" : "not-applicable";
  const reason = promised ? why : "the document does not promise it";
  return { id, level, phase, title, verdict, reason, observed: 0, vacuous: false, durationMs: 0, failures: [], notes: [] };
}

/** Puts what broke a standard or a schema under its rule, whichever check met it. */
function fileBreaches(run: Run, results: readonly RuleResult[], breaches: readonly MetBreach[], hooks: RunHooks): RuleResult[] {
  return results.map((result): RuleResult => {
    const kind = result.id === breachRules.message ? "message" : result.id === breachRules.frame ? "frame" : undefined;
    const met = breaches.filter((breach) => breach.kind === kind);
    if (met.length === 0) return result;
    const distinct = new Map<string, MetBreach>();
    for (const breach of met) if (!distinct.has(breach.pointer)) distinct.set(breach.pointer, breach);
    const failures = [...distinct.values()].slice(0, keptBreaches).map(({ pointer, expected, actual, frames }): Failure => {
      const failed = met.filter((one) => one.pointer === pointer).length;
      const says = sentenceAt(run.contract, pointer);
      return {
        pointer,
        says,
        expected,
        actual,
        failed,
        runs: failed,
        steps: [],
        frames,
        seed: run.seed,
        replay: hooks.replay(result.id),
      };
    });
    return { ...result, verdict: result.level === "MUST" ? "fail" : "warn", reason: undefined, failures };
  });
}
