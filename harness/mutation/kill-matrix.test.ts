import { expect, it } from "vitest";
import { faults } from "../conformance/faults/fault.ts";
import type { Fault } from "../conformance/faults/plan.ts";
import type { Rule } from "../conformance/rule.ts";
import { confirmed, crossTasks, doubtfulTasks, lookOnly } from "./kill-matrix.ts";
import type { Claim } from "./mutants.ts";
import type { Proof } from "./run-mutant.ts";

const loud = faults.neverPings();
const quiet = faults.ignoresPing();

function claim(id: string, more: Partial<Rule>, ...named: readonly Fault[]): Claim {
  const check = async () => undefined;
  const rule: Rule = { id, level: "MUST", phase: "frames", title: id, from: () => [], check, brokenBy: () => [], ...more };
  return { phase: { name: "frames", rules: [rule] }, rule, clause: { pointer: `#/${id}` }, faults: named };
}

const claims = [
  ...["a", "b", "c", "d", "e"].map((id) => claim(id, {})),
  claim("names", {}, quiet),
  claim("waits", { waitsMs: () => 1 }),
  claim("optional", { level: "MAY" }),
];
const tasks = crossTasks(claims, [loud, quiet, faults.server("never-exits")]);
const proofs = tasks.map(({ claim: { rule, clause }, fault }): Proof => {
  const convicts = fault === loud || (fault === quiet && (rule.id === "names" || rule.id === "b"));
  const verdict = convicts ? "convicts" : "passes";
  return { rule: rule.id, level: "MUST", pointer: clause.pointer, fault: fault?.id, verdict, detail: "", durationMs: 1 };
});

it("tries each quick rule behind the proxy that changes nothing and behind each fault of the proxy", () => {
  expect([...new Set(tasks.map(({ fault }) => fault?.id))]).toEqual([lookOnly.id, loud.id, quiet.id]);
  expect([...new Set(tasks.map(({ claim: { rule } }) => rule.id))]).toEqual(["a", "b", "c", "d", "e", "names"]);
});

it("doubts convictions by rules that do not name the fault, where few convict", () => {
  expect(doubtfulTasks(tasks, proofs).map(({ claim: { rule }, fault }) => [rule.id, fault?.id])).toEqual([["b", quiet.id]]);
});

it("believes the later proof", () => {
  const at = proofs.findIndex(({ rule, fault }) => rule === "b" && fault === quiet.id);
  const later: Proof = { ...proofs[at]!, verdict: "passes" };
  expect(confirmed(proofs, [later])).toEqual(proofs.with(at, later));
});
