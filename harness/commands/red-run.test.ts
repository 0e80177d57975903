// A red run as a person meets it: short on the screen, small as a page, and each command that it prints works as printed.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Report } from "../conformance/result.ts";
import { type ReferenceProcess, startReferenceProcess } from "../testbed/reference-process.ts";

const cli = fileURLToPath(new URL("../../dist/harness/cli.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "wsproof-red-"));
let server: ReferenceProcess;
let red: Ran;
let report: Report;

interface Ran {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
}

/** By a shell, as a reader who has set JWT_SECRET would. */
function shell(command: string): Promise<Ran> {
  const env = { ...process.env, JWT_SECRET: server.secret, GITHUB_ACTIONS: "" };
  return new Promise((resolve) => {
    execFile("/bin/sh", ["-c", command], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout: stdout + stderr }),
    );
  });
}

beforeAll(async () => {
  const main = fileURLToPath(new URL("../../dist/reference/testing/test-server.js", import.meta.url));
  server = await startReferenceProcess({ path: "/ws", main, env: { FAULT: "malformed-hurts-others" } });
  red = await shell(
    `node ${cli} verify "${server.url}?api_key=$JWT_SECRET" --auth-secret "$JWT_SECRET" --phase boundaries --phase invalid --seed 7 --json r.json --html r.html`,
  );
  report = JSON.parse(readFileSync(join(folder, "r.json"), "utf8"));
}, 100_000);
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

it("takes at most 120 lines and 300 kB", () => {
  expect(red.code).toBe(1);
  expect(red.stdout).toContain("Not conformant");
  expect(red.stdout.split("\n").length).toBeLessThanOrEqual(120);
  expect(readFileSync(join(folder, "r.html")).length).toBeLessThan(300_000);
});

it("prints replay commands that work as printed", async () => {
  const printed = [...red.stdout.matchAll(/^ {2}(?:replay|reproduce) +(.*)$/gm)].map(([, command]) => command!);
  const reported = report.rules.flatMap(({ failures }) => failures.map(({ replay }) => replay));
  expect(printed.length).toBeGreaterThan(0);
  // One a rule is enough for a test; the rest differ by the id alone.
  for (const command of [...new Set([...printed, ...reported.slice(0, 1)])].slice(0, 3)) {
    expect(command).not.toContain(server.secret);
    const { code, stdout } = await shell(command);
    expect([0, 1, 3], `${command}\n${stdout}`).toContain(code);
    expect(stdout, command).toMatch(/^boundaries +1 rules|^invalid +1 rules/m);
  }
});

it("runs again what failed, and nothing else, with --last-failed", async () => {
  const failed = ["handshake-accepted", "handshake-accept-key"];
  writeFileSync(join(folder, ".wsproof", "last-run.json"), JSON.stringify({ failed }));
  const again = await shell(`node ${cli} verify "${server.url}" --auth-secret "$JWT_SECRET" --last-failed --reporter json`);
  expect((JSON.parse(again.stdout) as Report).rules.map(({ id }) => id)).toEqual(failed);
  expect(JSON.parse(readFileSync(join(folder, ".wsproof", "last-run.json"), "utf8"))).toEqual({ failed: [] });
  const none = await shell(`node ${cli} verify --last-failed`);
  expect([none.code, none.stdout]).toEqual([2, expect.stringContaining("no rule failed in the last run")]);
});

it("ends its process after --max-failures, and says nothing after the verdict", async () => {
  const { code, stdout } = await shell(
    `timeout 50 node ${cli} verify "${server.url}" --auth-secret "$JWT_SECRET" --phase boundaries --seed 7 --max-failures 1`,
  );
  expect(code, stdout).toBe(1);
  const [, after = ""] = stdout.split("Not conformant");
  expect(after).toContain("reproduce");
  expect(after).not.toContain("failed  ");
});
