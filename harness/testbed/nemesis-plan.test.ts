// The schedule of faults.
import { expect, it } from "vitest";
import { faultKinds, planFaults } from "./nemesis-plan.ts";

it("is the same for the same seed, and another for another", () => {
  const [one, again, other] = [7, 7, 8].map((seed) => planFaults({ seed, count: 30, nodes: 3 }));
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

it("does each kind before any comes again, and to every node", () => {
  const plan = planFaults({ seed: 1, count: 3 * faultKinds.length, nodes: 3 });
  for (let round = 0; round < 3; round++) {
    const kinds = plan.slice(round * faultKinds.length, (round + 1) * faultKinds.length).map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual(faultKinds.toSorted());
  }
  expect([...new Set(plan.map(({ node }) => node))].toSorted()).toEqual([0, 1, 2]);
});
