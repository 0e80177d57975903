// Each quick rule behind each fault: who else sees it. Pure.
import type { Fault } from "../conformance/faults/plan.ts";
import type { Claim } from "./mutants.ts";
import type { Proof } from "./run-mutant.ts";
import type { Task } from "./run-mutants.ts";

/**
 * A proxy that looks at all that passes and changes nothing: who fails behind it fails because of the proxy (a frame that never ends
 * does not come through to be refused), and says nothing of other faults.
 */
export const lookOnly: Fault = {
  id: "looks-only",
  breaks: "Nothing: the proxy reads all that passes, and passes it on as it is.",
  how: {
    by: "proxy",
    transformations: [
      {
        on: "message",
        match: { malformed: "any", where: { pointer: "/no such place", equals: "nothing" } },
        act: { do: "drop" },
      },
      { on: "response", status: 799, act: { do: "cut" } },
    ],
  },
};

/**
 * Behind the proxy that only looks, then behind each fault: one promise a rule, the one that names the fault where there is one.
 * Left out are rules that wait for declared times, judge a whole phase or are optional, and faults that only the test server can have.
 */
export function crossTasks(claims: readonly Claim[], faults: readonly Fault[]): readonly Task[] {
  const quick = claims.filter(
    ({ phase, rule }) => rule.waitsMs === undefined && phase.prepare === undefined && rule.alone !== true && rule.level !== "MAY",
  );
  const byRule = new Map<string, Claim[]>();
  for (const claim of quick) byRule.set(claim.rule.id, [...(byRule.get(claim.rule.id) ?? []), claim]);
  return [lookOnly, ...faults]
    .filter(({ how }) => how.by === "proxy")
    .flatMap((fault) =>
      [...byRule.values()].map((own): Task => {
        const naming = own.find((claim) => claim.faults.some(({ id }) => id === fault.id));
        return { claim: naming ?? own[0]!, fault };
      }),
    );
}

/** Behind a fault that more rules see than this, one rule more or less tells nothing. */
const fewSeers = 5;

/**
 * The convictions on which it depends whether one rule alone sees a fault: by rules that do not name it, behind faults that few see.
 * A deadline that was missed on a busy machine looks like one, so they are run again with a longer one.
 */
export function doubtfulTasks(tasks: readonly Task[], proofs: readonly Proof[]): readonly Task[] {
  const convictions = proofs.filter(({ verdict }) => verdict === "convicts");
  const seers = new Map<string | undefined, number>();
  for (const { fault } of convictions) seers.set(fault, (seers.get(fault) ?? 0) + 1);
  const keys = new Set(convictions.map(keyOf));
  return tasks.filter(
    ({ claim, fault }) =>
      keys.has(keyOf({ rule: claim.rule.id, fault: fault?.id })) &&
      seers.get(fault?.id)! <= fewSeers &&
      !claim.faults.some(({ id }) => id === fault?.id),
  );
}

/** The proofs with the later ones of the same rule and fault in the place of the earlier. */
export function confirmed(proofs: readonly Proof[], later: readonly Proof[]): readonly Proof[] {
  const known = new Map(later.map((proof) => [keyOf(proof), proof]));
  return proofs.map((proof) => known.get(keyOf(proof)) ?? proof);
}

function keyOf({ rule, fault }: Pick<Proof, "rule" | "fault">): string {
  return `${rule} ${fault}`;
}
