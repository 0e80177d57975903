// Each quick rule behind each fault: who else sees it. Pure.
import type { Fault } from "../faults/fault.ts";
import type { Claim } from "./claims.ts";
import type { Task } from "./run-claims.ts";

/**
 * One promise a rule, the one that names the fault where there is one. Left out are rules that wait for declared times or judge
 * a whole phase, and faults that only the test server can have.
 */
export function crossTasks(claims: readonly Claim[], faults: readonly Fault[]): readonly Task[] {
  const quick = claims.filter(({ rule }) => rule.waitsMs === undefined && rule.check !== "whole-phase" && rule.alone !== true);
  const byRule = new Map<string, Claim[]>();
  for (const claim of quick) byRule.set(claim.rule.id, [...(byRule.get(claim.rule.id) ?? []), claim]);
  return faults
    .filter(({ how }) => how.by === "proxy")
    .flatMap((fault) =>
      [...byRule.values()].map((own): Task => {
        const naming = own.find((claim) => claim.faults.some(({ id }) => id === fault.id));
        return { claim: naming ?? own[0]!, fault };
      }),
    );
}
