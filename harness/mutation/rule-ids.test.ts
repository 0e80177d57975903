// Ids and levels of rules are permanent: reports, baselines and people's notes name them.
import { expect, it } from "vitest";
import { phases } from "../conformance/rules.ts";

it("no id and no level has changed; a new rule is added to the list by `npx vitest run harness/mutation/rule-ids.test.ts -u`", async () => {
  const lines = phases.flatMap(({ rules }) => rules.map(({ id, level, phase }) => `${phase} ${level} ${id}`));
  await expect(`${lines.sort().join("\n")}\n`).toMatchFileSnapshot("rule-ids.txt");
});

it("no two rules share an id, and each says in kebab-case what it is about", () => {
  const ids = phases.flatMap(({ rules }) => rules.map(({ id }) => id));
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  expect(ids.filter((id) => !/^[a-z0-9]+(-[a-z0-9]+)+$/.test(id))).toEqual([]);
});
