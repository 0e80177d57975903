// Rules that wait for declared times begin before the phases that compute, so that a run does not wait for them at its end.
import { broadcastsAnonymously } from "./anonymous-broadcasts.ts";
import type { RuleExecution } from "./rule-result.ts";
import { runOnce } from "./run-rule.ts";
import type { Run } from "./run-state.ts";

/**
 * Checks each rule that waits once. Only a pass counts: anything else may be the doing of the phases beside it, and is checked in its own.
 * Only against the server that the run has started: what ends another must be the doing of one rule. Never rejects.
 */
export async function runAhead(run: Run, executions: readonly RuleExecution[]): Promise<void> {
  if (!run.target.embedded || run.target.urls.length > 1 || broadcastsAnonymously(run)) return;
  await Promise.all(
    executions.map(async (execution) => {
      const { rule, clause } = execution;
      if (rule.alone || rule.waitsMs === undefined) return;
      const outcome = await runOnce(run, rule, clause);
      if (outcome.kind !== "pass" || outcome.violations.length > 0) return;
      execution.outcome = outcome;
      execution.runs = 1;
    }),
  );
}
