// Each rule, for the first of its clauses, passes through the transparent proxy and kills the first mutant that it names. `npm run mutation` runs all clauses and mutants.
import { afterAll, describe, expect, it } from "vitest";
import { phases } from "../conformance/rules.ts";
import { loadOwnContract } from "./own-contract.ts";
import { type RuleUnderTest, rulesUnderTest, withoutFault } from "./rules-under-test.ts";
import { createMutationRunner, type MutationResult, noFault } from "./run-mutant.ts";
import { problemOf, runTasks, type Task } from "./run-mutants.ts";

const subject = await loadOwnContract();
const rules = rulesUnderTest(phases, subject);
const runner = createMutationRunner(subject, { faultTimeoutMs: 1_000 });
afterAll(() => runner.end());

/** Rules that wait for declared times, or share the evidence of a prepared phase, are left to `npm run mutation`. */
const isQuick = ({ phase, rule }: RuleUnderTest) => rule.waitsMs === undefined && phase.prepare === undefined;
const firsts = [
  ...new Map(
    rules
      .filter(isQuick)
      .reverse()
      .map((tested) => [tested.rule.id, tested]),
  ).values(),
].reverse();
const tasks = firsts.flatMap((tested): Task[] => [noFault, tested.faults[0]].map((fault) => ({ tested, fault })));

it("every rule names a planted fault for each clause", () => expect(withoutFault(rules)).toEqual([]));

describe("every rule", async () => {
  const results = new Map<Task, MutationResult>();
  it("runs on the honest server and on its mutant", async () => {
    const all = await runTasks(runner, tasks, () => undefined);
    for (const [at, result] of all.entries()) results.set(tasks[at]!, result);
    expect(all).toHaveLength(tasks.length);
  }, 300_000);
  it.each(firsts.map((tested) => [tested.rule.id, tested] as const))("%s", (_, tested) => {
    const own = tasks.filter((task) => task.tested === tested).map((task) => results.get(task));
    expect(
      own.map((result) => (result === undefined ? "was not run" : problemOf(result))).filter((one) => one !== undefined),
    ).toEqual([]);
  });
});
