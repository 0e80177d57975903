// Runs many rules against many mutants: side by side where possible, one after the other where a rule must run alone.
import pMap from "p-map";
import type { Fault } from "../conformance/faults/plan.ts";
import type { RuleUnderTest } from "./rules-under-test.ts";
import { type MutationResult, type MutationRunner, noFault } from "./run-mutant.ts";

export interface Task {
  readonly tested: RuleUnderTest;
  /** undefined: the honest server, without a proxy. */
  readonly fault: Fault | undefined;
}

/** The honest server first, then each fault that the rule names. */
export function tasksOf(rules: readonly RuleUnderTest[]): readonly Task[] {
  return rules.flatMap((tested) => [undefined, ...tested.faults].map((fault) => ({ tested, fault })));
}

/** Most rules wait for frames rather than compute, so a few at a time fill a core. */
const usualConcurrency = 6;
/** Of rules that wait for declared times. */
const waitingConcurrency = 40;
/** Of prepared phases, each with a server to itself. */
const phaseConcurrency = 2;

/**
 * @param done called after each task
 * @param isLate once it returns true, tasks that have not begun are skipped
 * @param concurrency of rules that wait for no declared time
 * @returns in the order of the tasks, without those that were skipped
 */
export async function runTasks(
  runner: MutationRunner,
  tasks: readonly Task[],
  done: (result: MutationResult) => void,
  isLate: () => boolean = () => false,
  concurrency = usualConcurrency,
): Promise<readonly MutationResult[]> {
  const results = new Map<Task, MutationResult>();
  const runOne = async (task: Task) => {
    if (isLate()) return;
    const result = await runner.run(task.tested, task.fault);
    results.set(task, result);
    done(result);
  };
  const runGroup = async (group: readonly Task[]) => {
    if (isLate()) return;
    const made = await runner.runPhase(
      group.map(({ tested }) => tested),
      group[0]!.fault,
    );
    for (const [at, result] of made.entries()) {
      results.set(group[at]!, result);
      done(result);
    }
  };
  const isPrepared = ({ tested }: Task) => tested.phase.prepare !== undefined;
  const isAlone = ({ tested }: Task) => tested.rule.alone !== undefined;
  const together = tasks.filter((task) => !isAlone(task) && !isPrepared(task));
  const waiting = together.filter(({ tested }) => tested.rule.waitsMs !== undefined);
  const quick = together.filter(({ tested }) => tested.rule.waitsMs === undefined);
  await Promise.all([pMap(waiting, runOne, { concurrency: waitingConcurrency }), pMap(quick, runOne, { concurrency })]);
  const groups = new Map<string, Task[]>();
  for (const task of tasks.filter(isPrepared)) {
    const key = `${task.tested.phase.name} ${task.fault?.id ?? ""}`;
    groups.set(key, [...(groups.get(key) ?? []), task]);
  }
  await pMap(groups.values(), runGroup, { concurrency: phaseConcurrency });
  await pMap(
    tasks.filter((task) => isAlone(task) && !isPrepared(task)),
    runOne,
    { concurrency: 1 },
  );
  return tasks.flatMap((task) => results.get(task) ?? []);
}

/** What is wrong with a result, in one sentence; undefined where it is as it must be. */
export function problemOf(result: MutationResult): string | undefined {
  const { rule, level, pointer, fault, outcome, detail } = result;
  const what = `${rule} (${pointer})`;
  if (fault === undefined || fault === noFault.id) {
    // The honest server may do otherwise than a SHOULD or MAY says: a run warns of it.
    if (outcome === "survived" || (outcome === "killed" && level !== "MUST")) return undefined;
    const says = outcome === "killed" ? "fails" : "is inconclusive";
    return `${what} ${says} on the honest server${fault === undefined ? "" : " behind the transparent proxy"}: ${detail}`;
  }
  if (outcome === "killed") return undefined;
  return outcome === "survived" ? `${fault} survives ${what}` : `${fault} is inconclusive for ${what}: ${detail}`;
}
