// The scenario publish on the reference server: what autocannon published over HTTP is delivered to each member, with one thread and with two.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { LoadResult } from "./load-result.ts";

const cli = fileURLToPath(new URL("../../dist/harness/cli.js", import.meta.url));
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wsproof-publish-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each(["1", "2"])("delivers each publish to all members, and has autocannon's table, in %s threads", async (workers) => {
  const json = path.join(folder, "result.json");
  const args = ["bench", "--scenario", "publish", "--members", "8", "--connections", "5", "--rate", "50", "--duration", "2"];
  const printed = await new Promise<string>((resolve) =>
    execFile(process.execPath, [cli, ...args, "--warm-up", "1", "--workers", workers, "--json", json], (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    ),
  );
  const result: LoadResult = JSON.parse(readFileSync(json, "utf8"));
  const published = result.http!.result["2xx"];
  const { received, ...rest } = result.deliveries!;
  expect(rest).toEqual({ expected: received, lost: 0, duplicated: 0, disordered: 0, unexpected: 0 });
  // What each of the five connections had under way when autocannon stopped was delivered too, but not answered to it.
  expect(received % 8).toBe(0);
  expect(received / 8).toBeGreaterThanOrEqual(published);
  expect(received / 8).toBeLessThanOrEqual(published + 5);
  expect(published).toBeGreaterThan(50);
  expect(result.sent - result.replied).toBeLessThanOrEqual(5);
  expect(result.http!.result.requests.average, printed).toBeGreaterThan(20);
  expect(result.http!.result.latency.p99).toBeGreaterThan(0);
});
