// wsproof check with a baseline: a known failure runs and does not fail the build, a wrong id is refused with the one that was meant.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";

const cli = fileURLToPath(new URL("../../dist/harness/cli.js", import.meta.url));
const spec = fileURLToPath(new URL("../../spec/examples/echo/asyncapi.yaml", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "wsproof-check-baseline-"));
afterAll(() => rmSync(folder, { recursive: true }));

const events = [
  { kind: "history", version: 1 },
  { kind: "open", connection: 1, atMs: 0, node: "n", subprotocol: "", user: "" },
  { kind: "send", connection: 1, atMs: 1, json: true, bytes: 30, frame: { type: "say", id: "1", text: "Hello" } },
  { kind: "receive", connection: 1, atMs: 2, json: true, bytes: 30, frame: { type: "say", id: "1", text: "Hello" } },
  { kind: "close", connection: 1, atMs: 3, code: 4999, reason: "" },
];

function check(baseline?: string): { status: number | null; output: string } {
  const [history, known] = [path.join(folder, "h.ndjson"), path.join(folder, "known.yaml")];
  writeFileSync(history, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  if (baseline !== undefined) writeFileSync(known, baseline);
  const args = [cli, "check", history, "--spec", spec, ...(baseline === undefined ? [] : ["--baseline", known])];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 });
  return { status, output: stdout + stderr };
}

it("ends with 1 for a failure, with 0 where the baseline knows it, and with 2 for a rule that does not exist", () => {
  expect(check()).toMatchObject({ status: 1, output: expect.stringContaining("close-code-declared") });
  const known = check("- { id: close-code-declared, reason: issue 7 }\n");
  expect(known).toMatchObject({ status: 0, output: expect.stringContaining("known failure: issue 7") });
  const wrong = check("- { id: close-codes-declared, reason: issue 7 }\n");
  expect(wrong).toMatchObject({ status: 2, output: expect.stringContaining("did you mean close-code-declared?") });
});
