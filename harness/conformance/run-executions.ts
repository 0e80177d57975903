// Checks each rule for each of its clauses once: side by side where that disturbs nobody, else one after the other.
import { TargetLost } from "../schema/errors.ts";
import { broadcasters, broadcastsAnonymously, stragglerMs } from "./anonymous-broadcasts.ts";
import type { RuleExecution } from "./rule-result.ts";
import { runOnce } from "./run-rule.ts";
import type { Run } from "./run-state.ts";

/** Rules that run side by side; those that only wait come on top. */
const lanes = 4;
/** A rule that was broken for so many promises is not checked for the rest. */
const maxBroken = 3;

/** All once: those that come first, those that may side by side, then the others one by one. */
export async function runExecutions(run: Run, executions: readonly RuleExecution[]): Promise<void> {
  if (broadcastsAnonymously(run)) return runOneByOne(run, executions);
  const together = executions.filter(({ rule }) => !rule.alone && rule.waitsMs === undefined);
  // Those that passed ahead of the phase are done.
  const waiting = executions.filter(({ rule, outcome }) => !rule.alone && rule.waitsMs !== undefined && outcome === undefined);
  await runAloneOnes(run, executions, "first");
  const queue = [...together];
  const lane = async () => {
    for (let execution = queue.shift(); execution !== undefined; execution = queue.shift()) {
      const { rule } = execution;
      const broken = together.filter((one) => one.rule === rule && one.failed > 0).length;
      if (broken < maxBroken) await runExecution(run, execution);
    }
  };
  const settled = await Promise.allSettled([
    ...waiting.map((execution) => runExecution(run, execution)),
    ...Array.from({ length: lanes }, lane),
  ]);
  for (const one of settled) if (one.status === "rejected") throw one.reason;
  await runAloneOnes(run, executions, true);
}

async function runAloneOnes(run: Run, executions: readonly RuleExecution[], alone: true | "first"): Promise<void> {
  for (const execution of executions) {
    if (execution.rule.alone !== alone) continue;
    await runExecution(run, execution);
    await expectSurvivor(run, execution);
  }
}

/** While nothing else runs, what fails and leaves nobody to answer has ended the target. */
async function expectSurvivor(run: Run, execution: RuleExecution): Promise<void> {
  const { outcome, rule } = execution;
  if (outcome?.kind !== "fail" || rule.phase === "shutdown") return;
  try {
    await run.assertTargetAlive();
  } catch (error) {
    if (error instanceof TargetLost) execution.outcome = { ...outcome, fatal: true };
    throw error;
  }
}

/** Each once what the one before caused has arrived. */
async function runOneByOne(run: Run, executions: readonly RuleExecution[]): Promise<void> {
  const causes = broadcasters(run);
  const byTheirEnd = run.contract.state.relations.some(({ onDisconnect }) => onDisconnect.length > 0);
  const inOrder = executions.toSorted((one, other) => Number(other.rule.alone === "first") - Number(one.rule.alone === "first"));
  for (const execution of inOrder) {
    let broadcast = byTheirEnd;
    const stop = run.recorder.onEvent((event) => {
      // A text that is no message broadcasts nothing, unless the server is wrong: then the case after it is no surprise.
      if (event.kind !== "send" || !event.json || broadcast) return;
      const name = run.messages.nameOf(event.frame, "fromClient");
      broadcast = name !== undefined && causes.includes(name);
    });
    await runExecution(run, execution);
    stop();
    await expectSurvivor(run, execution);
    if (broadcast) await run.clock.sleep(stragglerMs);
  }
}

export async function runExecution(run: Run, execution: RuleExecution, evidence?: unknown): Promise<void> {
  execution.outcome = await runOnce(run, execution.rule, execution.clause, evidence);
  execution.runs = 1;
  execution.failed = execution.outcome.kind === "fail" ? 1 : 0;
  // One rule whose target is lost need not be the end; a target that answers nobody is.
  if (execution.outcome.kind === "lost") await run.assertTargetAlive();
}
