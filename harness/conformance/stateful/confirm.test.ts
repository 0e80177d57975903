// The ninth and the tenth mistake: an unstable first symptom must not lock the minimiser, and full fences alone hide races.
import { expect, it } from "vitest";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { createProtocol } from "../../model/protocol.ts";
import { mostFrequent } from "./confirm.ts";
import { caseArbitrary, drawCase } from "./generate-cases.ts";

it("9: takes the rule that broke most often, not the one that showed first", () => {
  const counts = new Map([
    ["flaky", 1],
    ["stable", 4],
    ["as-stable", 4],
  ]);
  expect(mostFrequent(counts, ["flaky", "as-stable", "stable"])).toBe("as-stable");
  expect(mostFrequent(new Map(), [])).toBeUndefined();
});

it("10: draws steps with a fence, with a reply alone and without waiting, and brings most connections together", async () => {
  const { contract } = await loadContract({ file: defaultSpecFile });
  if (contract === undefined) throw new Error("the document does not load");
  const arbitrary = caseArbitrary(createProtocol(contract), { nodes: 2 });
  const cases = Array.from({ length: 60 }, (_, index) => drawCase(arbitrary, 1, index));
  const syncs = cases.flatMap(({ steps }) => steps.map(({ sync }) => sync));
  for (const sync of ["fence", "reply", "none"] as const) {
    expect(syncs.filter((one) => one === sync).length / syncs.length).toBeGreaterThan(0.15);
  }
  const connections = cases.flatMap((one) => one.connections);
  expect(connections.filter(({ member }) => member).length / connections.length).toBeGreaterThan(0.6);
  expect(drawCase(arbitrary, 1, 7)).toEqual(cases[7]);
});
