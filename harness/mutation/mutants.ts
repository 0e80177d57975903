// What there is to prove: each rule, for each promise of the document, fails behind each fault that it names. Pure.
import type { Fault } from "../conformance/faults/plan.ts";
import type { Phase } from "../conformance/phase.ts";
import type { Clause, ContractUnderTest, Rule } from "../conformance/rule.ts";

/** One rule for one promise, with the faults that it must see. */
export interface Claim {
  readonly phase: Phase;
  readonly rule: Rule;
  readonly clause: Clause;
  readonly faults: readonly Fault[];
}

/** All claims of these phases that the document makes, in order. @param only ids of rules or their beginnings; default all */
export function claimsOf(phases: readonly Phase[], subject: ContractUnderTest, only: readonly string[] = []): readonly Claim[] {
  return phases.flatMap((phase) =>
    phase.rules
      .filter(({ id }) => only.length === 0 || only.some((wanted) => id.startsWith(wanted)))
      .flatMap((rule) =>
        rule.from(subject).map((clause): Claim => {
          return { phase, rule, clause, faults: [rule.brokenBy(clause, subject)].flat() };
        }),
      ),
  );
}

/** Every fault that some claim names, once, in order of its first mention. */
export function faultsOf(claims: readonly Claim[]): readonly Fault[] {
  return [...new Map(claims.flatMap(({ faults }) => faults).map((fault) => [fault.id, fault])).values()];
}
