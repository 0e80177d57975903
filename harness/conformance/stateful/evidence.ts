// What the generated cases showed of each rule, and how a rule's check reads it for one clause.

import { NotTestable, TargetLost } from "../../schema/errors.ts";
import type { Context } from "../context.ts";
import type { ReproducedViolation } from "../evidence.ts";
import type { Clause } from "../rule.ts";

/** All by rule id. */
export interface StatefulEvidence {
  /** How often the rule was decided. */
  readonly decided: ReadonlyMap<string, number>;
  readonly failures: ReadonlyMap<string, ReproducedViolation>;
  /** Why a rule that did not fail could not be decided. */
  readonly undecided: ReadonlyMap<string, string>;
}

/**
 * Reads the evidence for one clause of a rule. A failure is reported at the clause that it names, at the first where it names none
 * of them. Decisions are known per rule and are spread over the clauses.
 */
export function checkEvidence(context: Context, ruleId: string, clause: Clause, clauses: readonly Clause[]): void {
  const { decided, failures, undecided } = context.evidence as StatefulEvidence;
  const count = decided.get(ruleId) ?? 0;
  const failure = failures.get(ruleId);
  const reason = undecided.get(ruleId);
  if (failure !== undefined) {
    const { pointer } = failure.reproduction;
    const at = clauses.find((one) => one.pointer === pointer) ?? clauses[0];
    if (at?.pointer === clause.pointer) throw failure;
  } else if (reason !== undefined) throw new TargetLost(reason);
  else if (count === 0) throw new NotTestable("no generated case exercised it");
  context.judged(Math.max(1, Math.round(count / clauses.length)));
}
