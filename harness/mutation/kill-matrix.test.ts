import { expect, it } from "vitest";
import { faults } from "../conformance/faults/fault.ts";
import type { Fault } from "../conformance/faults/plan.ts";
import type { Rule } from "../conformance/rule.ts";
import { killMatrixTasks, observer, tasksToConfirm, withConfirmations } from "./kill-matrix.ts";
import type { RuleUnderTest } from "./rules-under-test.ts";
import type { MutationResult } from "./run-mutant.ts";

const loud = faults.neverPings();
const quiet = faults.ignoresPing();

function tested(id: string, more: Partial<Rule>, ...named: readonly Fault[]): RuleUnderTest {
  const check = async () => undefined;
  const rule: Rule = { id, level: "MUST", phase: "frames", title: id, from: () => [], check, brokenBy: () => [], ...more };
  return { phase: { name: "frames", rules: [rule] }, rule, clause: { pointer: `#/${id}` }, faults: named };
}

const rules = [
  ...["a", "b", "c", "d", "e"].map((id) => tested(id, {})),
  tested("names", {}, quiet),
  tested("waits", { waitsMs: () => 1 }),
  tested("optional", { level: "MAY" }),
];
const tasks = killMatrixTasks(rules, [loud, quiet, faults.server("never-exits")]);
const results = tasks.map(({ tested: { rule, clause }, fault }): MutationResult => {
  const kills = fault === loud || (fault === quiet && (rule.id === "names" || rule.id === "b"));
  const outcome = kills ? "killed" : "survived";
  return { rule: rule.id, level: "MUST", pointer: clause.pointer, fault: fault?.id, outcome, detail: "", durationMs: 1 };
});

it("runs each quick rule against the observer and against each mutant that the proxy makes", () => {
  expect([...new Set(tasks.map(({ fault }) => fault?.id))]).toEqual([observer.id, loud.id, quiet.id]);
  expect([...new Set(tasks.map(({ tested: { rule } }) => rule.id))]).toEqual(["a", "b", "c", "d", "e", "names"]);
});

it("confirms kills by rules that do not name the fault, where killers are few", () => {
  expect(tasksToConfirm(tasks, results).map(({ tested: { rule }, fault }) => [rule.id, fault?.id])).toEqual([["b", quiet.id]]);
});

it("takes the later result", () => {
  const at = results.findIndex(({ rule, fault }) => rule === "b" && fault === quiet.id);
  const later: MutationResult = { ...results[at]!, outcome: "survived" };
  expect(withConfirmations(results, [later])).toEqual(results.with(at, later));
});
