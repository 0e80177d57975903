import { expect, it } from "vitest";
import { faults } from "../conformance/faults/fault.ts";
import type { Fault } from "../conformance/faults/plan.ts";
import type { Rule } from "../conformance/rule.ts";
import { emitKillMatrix } from "./emit-kill-matrix.ts";
import { observer } from "./kill-matrix.ts";
import type { RuleUnderTest } from "./rules-under-test.ts";
import type { MutationResult } from "./run-mutant.ts";

const lonely = faults.neverPings();
const shared = faults.ignoresPing();
const named = faults.pongsTwice();
const switched = faults.server("never-exits");

function tested(id: string, ...faults: readonly Fault[]): RuleUnderTest {
  const rule: Rule = {
    id,
    level: "MUST",
    phase: "frames",
    title: id,
    from: () => [],
    check: async () => undefined,
    brokenBy: () => [],
  };
  return { phase: { name: "frames", rules: [rule] }, rule, clause: { pointer: "#/x" }, faults };
}

function result(rule: string, fault: Fault, outcome: MutationResult["outcome"]): MutationResult {
  return { rule, level: "MUST", pointer: "#/x", fault: fault.id, outcome, detail: "", durationMs: 1 };
}

it("lists mutants with one killer alone apart from those with several, by name or by result", () => {
  const rules = [tested("quick-a", lonely, named), tested("quick-b"), tested("slow", shared, switched)];
  const results = [lonely, shared, named].flatMap((fault) => [
    result("quick-a", fault, fault === named ? "survived" : "killed"),
    result("quick-b", fault, fault === shared ? "killed" : "inconclusive"),
    result("misled", fault, "killed"),
  ]);
  results.push(result("quick-a", observer, "survived"), result("misled", observer, "killed"));
  const text = emitKillMatrix(rules, [lonely, shared, named, switched], results);
  expect(text).toContain("changes none:\n`misled`.");
  const [, alone = "", more = "", untried = ""] = text.split("\n## ");
  expect(alone).toContain("One killer alone: 2 of 3");
  expect(alone).toMatch(/never-pings.*quick-a/);
  expect(alone).toMatch(/pongs-twice.*quick-a/);
  expect(more).toContain("| `ignores-ping` | 3 | `slow` `quick-a` `quick-b` |");
  expect(untried).toContain("| `server/never-exits` | `slow` |");
});
