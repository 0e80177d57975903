// Runs the cross: each quick rule behind each fault, then what is doubtful once more with a longer deadline.
import type { Fault } from "../conformance/faults/plan.ts";
import type { ContractUnderTest } from "../conformance/rule.ts";
import { confirmed, crossTasks, doubtfulTasks } from "./kill-matrix.ts";
import type { Claim } from "./mutants.ts";
import { createProver, type Proof, type Prover } from "./run-mutant.ts";
import { runTasks, type Task } from "./run-mutants.ts";

/** Behind most faults most rules wait for what does not come, and few tell more in a longer time. */
const quickly = { faultTimeoutMs: 500, lanes: 8 };
const patiently = { faultTimeoutMs: 3_000, lanes: 8 };

export interface Cross {
  readonly proofs: readonly Proof[];
  /** What was not reached in time. */
  readonly left: number;
}

/** @param progress called once for each of the two rounds, gives what is called after each task */
export async function runCross(
  subject: ContractUnderTest,
  claims: readonly Claim[],
  faults: readonly Fault[],
  progress: (round: string, total: number) => (what: string) => void,
  isLate: () => boolean,
): Promise<Cross> {
  const round = async (name: string, { faultTimeoutMs, lanes }: typeof quickly, tasks: readonly Task[]) => {
    const prover: Prover = createProver(subject, { faultTimeoutMs });
    const told = progress(name, tasks.length);
    try {
      return await runTasks(prover, tasks, ({ rule }) => told(rule), isLate, lanes);
    } finally {
      await prover.end();
    }
  };
  const tasks = crossTasks(claims, faults);
  const proofs = await round("all", quickly, tasks);
  if (proofs.length < tasks.length) return { proofs, left: tasks.length - proofs.length };
  const doubtful = doubtfulTasks(tasks, proofs);
  const again = await round("again", patiently, doubtful);
  return { proofs: confirmed(proofs, again), left: doubtful.length - again.length };
}
