// Behind a server that dies from one thing, the first rule to fail is the one that does this thing, and it names it.
import { afterAll, expect, it } from "vitest";
import { phases } from "../conformance/rules.ts";
import { loadOwnContract } from "./own-contract.ts";
import { rulesUnderTest } from "./rules-under-test.ts";
import { createMutationRunner } from "./run-mutant.ts";

const subject = await loadOwnContract();
const rules = rulesUnderTest(phases, subject, ["survives-"]);
const runner = createMutationRunner(subject, { faultTimeoutMs: 500 });
afterAll(() => runner.end());

it.each(rules.map((tested) => [tested.rule.id, tested] as const))("%s", async (id, { faults }) => {
  const [fault] = faults;
  for (const other of rules) {
    const { rule, outcome, detail } = await runner.run(other, fault);
    if (outcome === "survived") continue;
    expect({ rule, outcome }).toEqual({ rule: id, outcome: "killed" });
    expect(detail).toMatch(/ after (a|the) .*; got /);
    return;
  }
  expect.fail(`no rule fails behind ${fault?.id}`);
});
