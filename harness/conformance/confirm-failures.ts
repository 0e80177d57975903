// Runs again what failed, so that a failure is reproduced before anybody is blamed for it.
import type { HistoryEvent } from "../model/history.ts";
import { TargetLost } from "../schema/errors.ts";
import type { LivenessProbe } from "./liveness-probe.ts";
import { describeSent, findTrigger } from "./lost-target.ts";
import type { Rule } from "./rule.ts";
import type { RuleExecution } from "./rule-result.ts";
import { type Outcome, runOnce } from "./run-rule.ts";
import type { Run } from "./run-state.ts";

/** How often a failure is run again, as long as that takes no longer than `confirmMs`; that of a rule which waits is run again once. */
const confirmRuns = 3;
const confirmMs = 8_000;
/** The same for all failures of a phase together: of a server that is broken all over, not each failure is run again. */
const confirmPhaseMs = 30_000;

export interface ConfirmHooks {
  progress?(text: string): void;
  /** A rule has failed: called once a rule, as soon as that is certain. */
  failed?(rule: Rule, outcome: Outcome & { readonly kind: "fail" }): void;
  /** Where the target is a process of ours that has ended: starts it again, and says how it ended. */
  revive?(): Promise<string | undefined>;
}

/**
 * Runs again, alone, what failed or lost the target.
 * @param probeLost a control connection was lost meanwhile: every rule is run again until one is seen to do it
 */
export async function confirmAll(
  run: Run,
  probe: LivenessProbe,
  executions: readonly RuleExecution[],
  hooks: ConfirmHooks,
  probeLost: boolean,
): Promise<void> {
  const phaseStartMs = run.clock.nowMs();
  const confirmed = new Set<Rule>();
  const told = new Set<Rule>();
  for (const execution of executions) {
    const first = execution.outcome;
    if (!probeLost && first?.kind !== "fail" && first?.kind !== "lost") continue;
    // Nobody is blamed for a MAY, so one run says enough.
    if (!probeLost && first?.kind === "fail" && execution.rule.level === "MAY") continue;
    const startMs = run.clock.nowMs();
    if (!probeLost && first?.kind === "fail" && (confirmed.has(execution.rule) || startMs - phaseStartMs > confirmPhaseMs))
      continue;
    const again: Outcome[] = [];
    do {
      hooks.progress?.(`confirming ${execution.rule.id}`);
      if (probeLost) await probe.renew();
      again.push(await runAlone(run, probe, execution, hooks));
    } while (
      again.length < (execution.rule.waitsMs === undefined ? confirmRuns : 1) &&
      run.clock.nowMs() - startMs < confirmMs &&
      (first?.kind === "fail" || again.at(-1)?.kind === "fail")
    );
    // What failed while the whole target shook is judged by the runs after it alone.
    const counted = first === undefined || probeLost || first.kind === "lost" ? again : [first, ...again];
    execution.runs = counted.length;
    execution.failed = counted.filter(({ kind }) => kind === "fail").length;
    execution.outcome = shortestFailure(counted) ?? counted.at(-1)!;
    if (execution.failed > 0 && execution.outcome.kind === "fail" && !told.has(execution.rule)) {
      told.add(execution.rule);
      hooks.failed?.(execution.rule, execution.outcome);
    }
    if (execution.failed > 0 && execution.failed === execution.runs) confirmed.add(execution.rule);
  }
}

/** Of several runs the failure that is quickest read: one that ran alone has no frames of others in it. */
function shortestFailure(outcomes: readonly Outcome[]): Outcome | undefined {
  const failures = outcomes.filter((one) => one.kind === "fail");
  return failures.toSorted((one, other) => one.frames.length - other.frames.length)[0];
}

/** Once, while nothing else runs, so that what befalls the target and its other connections is this rule's doing. */
async function runAlone(run: Run, probe: LivenessProbe, execution: RuleExecution, hooks: ConfirmHooks): Promise<Outcome> {
  const { rule, clause } = execution;
  const lostBefore = probe.lostAtMs.length;
  const frames: HistoryEvent[] = [];
  const stop = run.recorder.onEvent((event) => frames.push(event));
  try {
    const outcome = await runOnce(run, rule, clause);
    const fail = (expected: string, actual: string): Outcome => ({ ...outcome, kind: "fail", expected, actual, frames });
    try {
      await probe.assertTargetAlive();
    } catch (error) {
      const end = error instanceof TargetLost ? await hooks.revive?.() : undefined;
      if (end === undefined) throw error;
      const lostAtMs = probe.lostAtMs[lostBefore] ?? run.clock.nowMs();
      await probe.assertTargetAlive();
      const trigger = findTrigger([{ ...execution, outcome: { ...outcome, trace: frames } }], lostAtMs);
      return fail(`the server to keep running${trigger === undefined ? "" : ` after ${describeSent(trigger.sent)}`}`, end);
    }
    if (probe.lostAtMs.length === lostBefore || rule.phase === "shutdown") return outcome;
    if (await probe.endsIdle(Math.min(...probe.lostAgesMs.slice(lostBefore)))) return outcome;
    return fail("connections of others to stay open", "an idle connection of another user ended while this was checked");
  } finally {
    stop();
  }
}
