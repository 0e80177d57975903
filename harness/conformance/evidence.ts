// Evidence: what a phase gathers once, and what the checks of its rules then read as `context.evidence`.
import type { IncidentalViolation } from "../client/incidental-violation.ts";
import { Violation } from "../schema/errors.ts";
import { beginCheck, eventsOf } from "./check.ts";
import type { Phase } from "./phase.ts";
import type { Failure } from "./result.ts";
import type { Rule } from "./rule.ts";
import type { Run } from "./run-state.ts";

/** A violation that its phase has found, and run again where it could. */
export class ReproducedViolation extends Violation {
  /** What the failure says instead of what the rule would. Without a pointer it is of the clause that is checked. */
  readonly reproduction: Pick<Failure, "steps" | "frames" | "failed" | "runs"> &
    Partial<Pick<Failure, "pointer" | "timeline" | "replay">>;
  constructor(expected: string, actual: string, reproduction: ReproducedViolation["reproduction"]) {
    super(expected, actual);
    this.reproduction = reproduction;
  }
}

/** Runs the phase's `prepare`; nothing is gathered where it has none. @param rules those that will be checked. @throws TargetLost */
export async function gatherEvidence(
  run: Run,
  phase: Phase,
  rules: readonly Rule[],
  progress: (text: string) => void,
): Promise<{
  readonly evidence: unknown;
  readonly notes: readonly string[];
  readonly violations: readonly IncidentalViolation[];
}> {
  if (phase.prepare === undefined) return { evidence: undefined, notes: [], violations: [] };
  const check = beginCheck(run);
  try {
    const evidence = await phase.prepare(check.context, rules, progress);
    const framed = check.violations.map((one) => ({ ...one, frames: eventsOf(run, new Set([one.connection])) }));
    return { evidence, notes: check.notes, violations: framed };
  } finally {
    await check.end();
    run.recorder.forget(check.connections);
  }
}
