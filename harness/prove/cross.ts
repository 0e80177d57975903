// Each quick rule behind each fault: who else sees it. Pure.
import type { Fault } from "../faults/fault.ts";
import type { Claim } from "./claims.ts";
import type { Task } from "./run-claims.ts";

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
    ({ rule }) => rule.waitsMs === undefined && rule.check !== "whole-phase" && rule.alone !== true && rule.level !== "MAY",
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
