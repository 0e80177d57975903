// generated/MUTATION.md lists rules that exist, and every MUST rule that applies to our own document. `npm run mutation -- --part named` writes it.
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { phases } from "../conformance/rules.ts";
import { loadOwnContract } from "./own-contract.ts";

const report = await readFile(new URL("../../generated/MUTATION.md", import.meta.url), "utf8");
const [, table = ""] = report.split("## Rules and the mutants that they kill");
const listed = [...(table.split("\n## ")[0] ?? "").matchAll(/^\| `([^`]+)` \| (?:MUST|SHOULD|MAY) \| `/gm)].map(([, id]) => id!);
const rules = phases.flatMap((phase) => phase.rules);

it("lists rules, and each of them exists", () => {
  const ids = new Set(rules.map(({ id }) => id));
  expect(listed.length).toBeGreaterThan(0);
  expect(listed.filter((id) => !ids.has(id))).toEqual([]);
});

it("lists every MUST rule with its fault", async () => {
  const subject = await loadOwnContract();
  const known = new Set(listed);
  const missing = rules.filter((rule) => rule.level === "MUST" && rule.from(subject).length > 0 && !known.has(rule.id));
  expect(missing.map(({ id }) => id)).toEqual([]);
});
