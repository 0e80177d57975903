// Proves many claims at once: side by side what may be, then alone what must be.
import type { Fault } from "../conformance/faults/plan.ts";
import type { Claim } from "./mutants.ts";
import { noFault, type Proof, type Prover } from "./run-mutant.ts";

export interface Task {
  readonly claim: Claim;
  /** undefined: the honest server. */
  readonly fault: Fault | undefined;
}

/** The honest server first, then each fault that the claim names. */
export function tasksOf(claims: readonly Claim[]): readonly Task[] {
  return claims.flatMap((claim) => [undefined, ...claim.faults].map((fault) => ({ claim, fault })));
}

/** Most rules wait for frames rather than compute, so a few lanes fill a core. */
const usualLanes = 6;
const waitingLanes = 40;
/** Each with a server of its own. */
const wholeLanes = 2;

/**
 * @param done called after each task
 * @param isLate where it says so, what has not begun is left out
 * @param lanes how many that do not wait on purpose run side by side
 */
export async function runTasks(
  prover: Prover,
  tasks: readonly Task[],
  done: (proof: Proof) => void,
  isLate: () => boolean = () => false,
  lanes = usualLanes,
): Promise<readonly Proof[]> {
  const proofs = new Map<Task, Proof>();
  const perform = async (task: Task) => {
    const proof = await prover.prove(task.claim, task.fault);
    proofs.set(task, proof);
    done(proof);
  };
  const inLanes = async (queue: Task[], count: number) => {
    const lane = async () => {
      for (let task = queue.shift(); task !== undefined && !isLate(); task = queue.shift()) await perform(task);
    };
    await Promise.all(Array.from({ length: count }, lane));
  };
  const isWhole = ({ claim }: Task) => claim.phase.prepare !== undefined;
  const isAlone = ({ claim }: Task) => claim.rule.alone === true;
  const together = tasks.filter((task) => !isAlone(task) && !isWhole(task));
  await Promise.all([
    inLanes(
      together.filter(({ claim }) => claim.rule.waitsMs !== undefined),
      waitingLanes,
    ),
    inLanes(
      together.filter(({ claim }) => claim.rule.waitsMs === undefined),
      lanes,
    ),
  ]);
  const groups = new Map<string, Task[]>();
  for (const task of tasks.filter(isWhole)) {
    const key = `${task.claim.phase.name} ${task.fault?.id ?? ""}`;
    groups.set(key, [...(groups.get(key) ?? []), task]);
  }
  const waiting = [...groups.values()];
  const wholeLane = async () => {
    for (let group = waiting.shift(); group !== undefined && !isLate(); group = waiting.shift()) {
      const made = await prover.proveTogether(
        group.map(({ claim }) => claim),
        group[0]!.fault,
      );
      for (const [at, proof] of made.entries()) {
        proofs.set(group[at]!, proof);
        done(proof);
      }
    }
  };
  await Promise.all(Array.from({ length: wholeLanes }, wholeLane));
  for (const task of tasks.filter((task) => isAlone(task) && !isWhole(task))) if (!isLate()) await perform(task);
  return tasks.flatMap((task) => proofs.get(task) ?? []);
}

/** What is wrong with a proof, in one sentence; undefined where all is well. */
export function complaint(proof: Proof): string | undefined {
  const { rule, level, pointer, fault, verdict, detail } = proof;
  const what = `${rule} (${pointer})`;
  if (fault === undefined || fault === noFault.id) {
    // What only should be so, the honest server may do otherwise: a run warns of it.
    if (verdict === "passes" || (verdict === "convicts" && level !== "MUST")) return undefined;
    const says = verdict === "convicts" ? "fails" : "cannot be judged";
    return `${what} ${says} on the honest server${fault === undefined ? "" : " behind the transparent proxy"}: ${detail}`;
  }
  if (verdict === "convicts") return undefined;
  return verdict === "passes" ? `${what} passes behind its fault ${fault}` : `${what} cannot judge its fault ${fault}: ${detail}`;
}

/** What is wrong with the claims themselves. */
export function unclaimed(claims: readonly Claim[]): readonly string[] {
  return claims
    .filter(({ faults }) => faults.length === 0)
    .map(({ rule, clause }) => `${rule.id} (${clause.pointer}) names no fault`);
}
