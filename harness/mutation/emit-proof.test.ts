import { expect, it } from "vitest";
import { faults } from "../conformance/faults/fault.ts";
import type { Fault } from "../conformance/faults/plan.ts";
import type { Rule } from "../conformance/rule.ts";
import { emitCross } from "./emit-proof.ts";
import { lookOnly } from "./kill-matrix.ts";
import type { Claim } from "./mutants.ts";
import type { Proof } from "./run-mutant.ts";

const seen = faults.neverPings();
const shared = faults.ignoresPing();
const missed = faults.pongsTwice();
const switched = faults.server("never-exits");

function claim(id: string, ...named: readonly Fault[]): Claim {
  const rule: Rule = {
    id,
    level: "MUST",
    phase: "frames",
    title: id,
    from: () => [],
    check: async () => undefined,
    brokenBy: () => [],
  };
  return { phase: { name: "frames", rules: [rule] }, rule, clause: { pointer: "#/x" }, faults: named };
}

function proof(rule: string, fault: Fault, verdict: Proof["verdict"]): Proof {
  return { rule, level: "MUST", pointer: "#/x", fault: fault.id, verdict, detail: "", durationMs: 1 };
}

it("tells the faults that one rule alone sees from those that more see, by name or by what they convicted", () => {
  const claims = [claim("quick-a", seen, missed), claim("quick-b"), claim("slow", shared, switched)];
  const proofs = [seen, shared, missed].flatMap((fault) => [
    proof("quick-a", fault, fault === missed ? "passes" : "convicts"),
    proof("quick-b", fault, fault === shared ? "convicts" : "undecided"),
    proof("misled", fault, "convicts"),
  ]);
  proofs.push(proof("quick-a", lookOnly, "passes"), proof("misled", lookOnly, "convicts"));
  const text = emitCross(claims, [seen, shared, missed, switched], proofs);
  expect(text).toContain("changes nothing:\n`misled`.");
  const [, alone = "", more = "", untried = ""] = text.split("\n## ");
  expect(alone).toContain("Seen by one rule alone: 2 of 3");
  expect(alone).toMatch(/never-pings.*quick-a/);
  expect(alone).toMatch(/pongs-twice.*quick-a/);
  expect(more).toContain("| `ignores-ping` | 3 | `slow` `quick-a` `quick-b` |");
  expect(untried).toContain("| `server/never-exits` | `slow` |");
});
