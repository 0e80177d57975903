// A share of npm run traffic:trial: verify passes against the mock of random documents.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { randomDocument } from "./random-document.ts";
import { verifyMock } from "./verify-mock.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-trial-"));
afterAll(() => rmSync(folder, { recursive: true }));

it.each([1, 2])("generator, mock and harness agree on random document %i", { timeout: 120_000 }, async (seed) => {
  const [document] = fc.sample(randomDocument, { numRuns: 1, seed });
  const file = path.join(folder, `${seed}.json`);
  writeFileSync(file, JSON.stringify(document));
  const phases = ["examples", "invalid", "stateful", "shutdown"].flatMap((phase) => ["--phase", phase]);
  const [agreement] = await verifyMock(file, seed, ["--runs", "4", ...phases]);
  expect(agreement, JSON.stringify(document)).toMatchObject({ disagreements: [], untestable: [], code: 0 });
});
