// Each rule, for the first of its promises, passes through the transparent proxy and fails behind the first fault that it names. `npm run mutation` does all of both.
import { afterAll, describe, expect, it } from "vitest";
import { phases } from "../conformance/rules.ts";
import { type Claim, claimsOf } from "./mutants.ts";
import { createProver, noFault, type Proof } from "./run-mutant.ts";
import { complaint, runTasks, type Task, unclaimed } from "./run-mutants.ts";
import { loadOwnSubject } from "./subject.ts";

const subject = await loadOwnSubject();
const claims = claimsOf(phases, subject);
const prover = createProver(subject, { faultTimeoutMs: 1_000 });
afterAll(() => prover.end());

/** Rules that wait for declared times, or are judged by a whole phase, are left to `npm run mutation`. */
const isQuick = ({ phase, rule }: Claim) => rule.waitsMs === undefined && phase.prepare === undefined;
const firsts = [
  ...new Map(
    claims
      .filter(isQuick)
      .reverse()
      .map((claim) => [claim.rule.id, claim]),
  ).values(),
].reverse();
const tasks = firsts.flatMap((claim): Task[] => [noFault, claim.faults[0]].map((fault) => ({ claim, fault })));

it("every rule names a fault for each promise", () => expect(unclaimed(claims)).toEqual([]));

describe("every rule", async () => {
  const proofs = new Map<Task, Proof>();
  it("is run on the honest server and behind its fault", async () => {
    const all = await runTasks(prover, tasks, () => undefined);
    for (const [at, proof] of all.entries()) proofs.set(tasks[at]!, proof);
    expect(all).toHaveLength(tasks.length);
  }, 300_000);
  it.each(firsts.map((claim) => [claim.rule.id, claim] as const))("%s", (_, claim) => {
    const own = tasks.filter((task) => task.claim === claim).map((task) => proofs.get(task));
    expect(
      own.map((proof) => (proof === undefined ? "was not run" : complaint(proof))).filter((one) => one !== undefined),
    ).toEqual([]);
  });
});
