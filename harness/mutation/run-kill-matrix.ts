// Runs the kill matrix: each quick rule against each mutant, then once more, with a longer deadline, what must be confirmed.
import type { ContractUnderTest } from "../client/context.ts";
import type { Fault } from "../conformance/faults/plan.ts";
import { killMatrixTasks, tasksToConfirm, withConfirmations } from "./kill-matrix.ts";
import type { RuleUnderTest } from "./rules-under-test.ts";
import { createMutationRunner, type MutationResult } from "./run-mutant.ts";
import { runTasks, type Task } from "./run-mutants.ts";

/** On most mutants most rules wait for a message that never comes, and few find more in a longer time. */
const faultTimeoutMs = 500;
const confirmingTimeoutMs = 3_000;
const concurrency = 8;

export interface KillMatrix {
  readonly results: readonly MutationResult[];
  /** How many tasks were not reached in time. */
  readonly left: number;
}

/** @param progress called once for each of the two rounds; returns what is called after each task */
export async function runKillMatrix(
  subject: ContractUnderTest,
  rules: readonly RuleUnderTest[],
  faults: readonly Fault[],
  progress: (round: string, total: number) => (what: string) => void,
  isLate: () => boolean,
): Promise<KillMatrix> {
  const round = async (name: string, timeoutMs: number, tasks: readonly Task[]) => {
    const runner = createMutationRunner(subject, { faultTimeoutMs: timeoutMs });
    const tell = progress(name, tasks.length);
    try {
      return await runTasks(runner, tasks, ({ rule }) => tell(rule), isLate, concurrency);
    } finally {
      await runner.end();
    }
  };
  const tasks = killMatrixTasks(rules, faults);
  const results = await round("all", faultTimeoutMs, tasks);
  if (results.length < tasks.length) return { results, left: tasks.length - results.length };
  const toConfirm = tasksToConfirm(tasks, results);
  const later = await round("again", confirmingTimeoutMs, toConfirm);
  return { results: withConfirmations(results, later), left: toConfirm.length - later.length };
}
