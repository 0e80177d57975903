// Runs one rule for one promise, once or again, and says what came of it.

import { type IncidentalViolation, incidentalRules } from "../client/incidental-violation.ts";
import type { History } from "../model/history.ts";
import { NotApplicable, NotTestable, TargetLost, Violation } from "../schema/errors.ts";
import { beginCheck, eventsOf } from "./check.ts";
import { ReproducedViolation } from "./evidence.ts";
import type { Clause, Rule } from "./rule.ts";
import type { Run } from "./run-state.ts";

export type Outcome = {
  readonly observed: number;
  readonly durationMs: number;
  readonly notes: readonly string[];
  readonly violations: readonly IncidentalViolation[];
  /** What its connections did last. */
  readonly trace: History;
} & (
  | { readonly kind: "pass" }
  | {
      readonly kind: "fail";
      readonly expected: string;
      readonly actual: string;
      readonly frames: History;
      readonly reproduction?: ReproducedViolation["reproduction"];
      /** It ended the target: a failure whatever the level of the rule. */
      readonly fatal?: true;
    }
  /** `vacuous`: the check ended well but observed nothing. */
  | { readonly kind: "not-testable"; readonly reason: string; readonly vacuous: boolean }
  /** The target declines something optional that the rule is about. */
  | { readonly kind: "not-applicable"; readonly reason: string }
  | { readonly kind: "lost"; readonly reason: string }
  /** An error of ours: it ends this execution alone. */
  | { readonly kind: "error"; readonly reason: string }
);

/** Events of an execution that are kept until its phase has ended. */
const tracedEvents = 12;
/** How long a check may take beside what it waits on purpose. */
const maxCheckMs = 60_000;

/**
 * Checks one clause once. Never throws: an error of ours is an outcome of its own.
 * @param evidence what the phase has gathered, where it does
 */
export async function runOnce(run: Run, rule: Rule, clause: Clause, evidence?: unknown): Promise<Outcome> {
  const startMs = run.clock.nowMs();
  const check = beginCheck(run, evidence);
  const shared = () => ({
    observed: check.observed,
    durationMs: run.clock.nowMs() - startMs,
    notes: check.notes,
    trace: eventsOf(run, check.connections).slice(-tracedEvents),
    violations: check.violations.map((violation) => ({ ...violation, frames: eventsOf(run, new Set([violation.connection])) })),
  });
  try {
    await withinTime(rule.check(check.context, clause), maxCheckMs + (rule.waitsMs?.(check.context, clause) ?? 0));
    const own = check.violations.find(({ kind }) => incidentalRules[kind] === rule.id);
    if (own !== undefined) throw new Violation(own.expected, own.actual);
    if (check.observed === 0) {
      return { ...shared(), kind: "not-testable", reason: "the check observed nothing", vacuous: true };
    }
    return { ...shared(), kind: "pass" };
  } catch (error) {
    if (error instanceof Violation) {
      const { expected, actual } = error;
      const failed = { ...shared(), kind: "fail", expected, actual } as const;
      if (error instanceof ReproducedViolation)
        return { ...failed, frames: error.reproduction.frames, reproduction: error.reproduction };
      return { ...failed, frames: eventsOf(run, check.connections) };
    }
    if (error instanceof NotTestable) return { ...shared(), kind: "not-testable", reason: error.message, vacuous: false };
    if (error instanceof NotApplicable) return { ...shared(), kind: "not-applicable", reason: error.message };
    if (error instanceof TargetLost) return { ...shared(), kind: "lost", reason: error.message };
    return { ...shared(), kind: "error", reason: describeError(error) };
  } finally {
    await check.end().catch(() => undefined);
    run.recorder.forget(check.connections);
  }
}

async function withinTime(checking: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TargetLost(`The check did not end within ${Math.round(ms)} ms.`)), ms);
  });
  checking.catch(() => undefined); // after its time nobody listens to it
  try {
    await Promise.race([checking, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** With the first lines of its stack, for a bug report. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `internal error: ${String(error)}`;
  return `internal error: ${(error.stack ?? error.message).split("\n").slice(0, 4).join(" | ").slice(0, 600)}`;
}
