// The kill matrix: each quick rule against each mutant that the proxy makes. Pure.
import type { Fault } from "../conformance/faults/plan.ts";
import type { RuleUnderTest } from "./rules-under-test.ts";
import type { MutationResult } from "./run-mutant.ts";
import type { Task } from "./run-mutants.ts";

/**
 * A proxy that reads all frames and changes none. A rule that fails behind it fails because of the proxy (a frame that never ends
 * does not reach the server), so what it finds behind other faults says nothing.
 */
export const observer: Fault = {
  id: "observes-only",
  breaks: "Nothing: the proxy reads all frames and passes them on unchanged.",
  how: {
    by: "proxy",
    transformations: [
      {
        on: "message",
        match: { malformed: "any", where: { pointer: "/no such member", equals: "nothing" } },
        act: { do: "drop" },
      },
      { on: "response", status: 799, act: { do: "cut" } },
    ],
  },
};

/**
 * Each quick rule against the observer, then against each fault: for one clause, the one that names the fault if there is one.
 * Left out are rules that wait for declared times, read the evidence of a prepared phase, must run alone or are optional, and faults that
 * only the test server can have.
 */
export function killMatrixTasks(rules: readonly RuleUnderTest[], faults: readonly Fault[]): readonly Task[] {
  const quick = rules.filter(
    ({ phase, rule }) => rule.waitsMs === undefined && phase.prepare === undefined && !rule.alone && rule.level !== "MAY",
  );
  const byRule = new Map<string, RuleUnderTest[]>();
  for (const tested of quick) byRule.set(tested.rule.id, [...(byRule.get(tested.rule.id) ?? []), tested]);
  return [observer, ...faults]
    .filter(({ how }) => how.by === "proxy")
    .flatMap((fault) =>
      [...byRule.values()].map((own): Task => {
        const naming = own.find((tested) => tested.faults.some(({ id }) => id === fault.id));
        return { tested: naming ?? own[0]!, fault };
      }),
    );
}

/** Of a mutant with more killers than this, one killer more or less says nothing. */
const fewKillers = 5;

/**
 * The kills that decide whether a mutant has one killer alone: by rules that do not name the fault, of mutants with few killers.
 * A deadline that was missed on a busy machine looks like a kill, so these run again with a longer one.
 */
export function tasksToConfirm(tasks: readonly Task[], results: readonly MutationResult[]): readonly Task[] {
  const kills = results.filter(({ outcome }) => outcome === "killed");
  const killers = new Map<string | undefined, number>();
  for (const { fault } of kills) killers.set(fault, (killers.get(fault) ?? 0) + 1);
  const keys = new Set(kills.map(keyOf));
  return tasks.filter(
    ({ tested, fault }) =>
      keys.has(keyOf({ rule: tested.rule.id, fault: fault?.id })) &&
      killers.get(fault?.id)! <= fewKillers &&
      !tested.faults.some(({ id }) => id === fault?.id),
  );
}

/** The results, each replaced by the later one of the same rule and fault if there is one. */
export function withConfirmations(
  results: readonly MutationResult[],
  later: readonly MutationResult[],
): readonly MutationResult[] {
  const known = new Map(later.map((result) => [keyOf(result), result]));
  return results.map((result) => known.get(keyOf(result)) ?? result);
}

function keyOf({ rule, fault }: Pick<MutationResult, "rule" | "fault">): string {
  return `${rule} ${fault}`;
}
