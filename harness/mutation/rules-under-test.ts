// What mutation testing tests: each rule, for each clause of the document, with the planted faults that must make it fail. Pure.
import type { ContractUnderTest } from "../client/context.ts";
import type { Fault } from "../conformance/faults/plan.ts";
import type { Phase } from "../conformance/phase.ts";
import type { Clause, Rule } from "../conformance/rule.ts";

/** One rule for one clause. */
export interface RuleUnderTest {
  readonly phase: Phase;
  readonly rule: Rule;
  readonly clause: Clause;
  /** Each of them makes a mutant of the server that the rule must kill. */
  readonly faults: readonly Fault[];
}

/**
 * The rules of these phases that apply to the document, in order.
 * @param only ids of rules or their beginnings, default all
 */
export function rulesUnderTest(
  phases: readonly Phase[],
  subject: ContractUnderTest,
  only: readonly string[] = [],
): readonly RuleUnderTest[] {
  return phases.flatMap((phase) =>
    phase.rules
      .filter(({ id }) => only.length === 0 || only.some((wanted) => id.startsWith(wanted)))
      .flatMap((rule) =>
        rule.from(subject).map((clause): RuleUnderTest => {
          return { phase, rule, clause, faults: [rule.brokenBy(clause, subject)].flat() };
        }),
      ),
  );
}

/** Every fault that some rule names, once, in order of its first mention. */
export function faultsOf(rules: readonly RuleUnderTest[]): readonly Fault[] {
  return [...new Map(rules.flatMap(({ faults }) => faults).map((fault) => [fault.id, fault])).values()];
}

/** What is wrong with the rules themselves: a rule without a fault cannot be shown to fail. */
export function withoutFault(rules: readonly RuleUnderTest[]): readonly string[] {
  return rules
    .filter(({ faults }) => faults.length === 0)
    .map(({ rule, clause }) => `${rule.id} (${clause.pointer}) names no fault`);
}
