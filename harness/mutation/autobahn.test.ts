// Every case group of Autobahn has rules, each of which exists, and the page says so.
import { expect, it } from "vitest";
import { phases } from "../conformance/rules.ts";
import { caseGroups, emitAutobahn, rulesOf } from "./autobahn.ts";

const ids = phases.flatMap(({ rules }) => rules.map(({ id }) => id));

it("each group names rules that exist", () => {
  const missing = caseGroups.flatMap(({ group, rules }) =>
    rules.filter((name) => rulesOf(name, ids).length === 0).map((name) => `${group}: ${name}`),
  );
  expect(missing).toEqual([]);
  expect(caseGroups.filter(({ rules }) => rules.length === 0)).toEqual([]);
});

it("generated/AUTOBAHN.md is current", async () => {
  await expect(emitAutobahn(ids)).toMatchFileSnapshot("../../generated/AUTOBAHN.md");
});
