// What a server does wrong under load is counted exactly, by its kind, and decides the exit code.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sampleLogFile } from "../comparison/sample-log.ts";
import { type LogFault, startLogServer } from "../comparison/sample-log-server.ts";
import { type LoadResult, unanswered } from "../load/load-result.ts";
import { bench } from "./run-bench.ts";
import { type BenchGiven, loadBenchSettings } from "./settings/bench-settings.ts";

const cli = fileURLToPath(new URL("../../dist/harness/cli.js", import.meta.url));
let folder = "";
let printed = "";

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wsproof-bench-"));
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

async function run(fault: LogFault, more: BenchGiven = {}) {
  const server = await startLogServer(fault);
  const json = path.join(folder, "result.json");
  try {
    const load = {
      scenario: "fanout",
      rooms: 2,
      members: 10,
      rate: 100,
      durationMs: 2000,
      warmUpMs: 0,
      timeoutMs: 3000,
    } as const;
    const given = { url: server.url, spec: sampleLogFile, ...load, json, ...more };
    const code = await bench(loadBenchSettings(given, "key", 1));
    return { code, result: JSON.parse(readFileSync(json, "utf8")) as LoadResult, done: server.done };
  } finally {
    await server.stop();
  }
}

/** As `run`, by the command, which has threads. */
async function runCommand(fault: LogFault, ...more: readonly string[]) {
  const server = await startLogServer(fault);
  const json = path.join(folder, "result.json");
  const args = ["bench", server.url, "--spec", sampleLogFile, "--scenario", "fanout", "--rooms", "3", "--members", "10"];
  const asked = ["--rate", "100", "--duration", "2", "--warm-up", "0", "--timeout", "3000", "--json", json, ...more];
  try {
    const code = await new Promise<number | null>((resolve) => {
      const ran = execFile(process.execPath, [cli, ...args, ...asked], { cwd: folder }, (_error, stdout, stderr) => {
        printed = stdout + stderr;
        resolve(ran.exitCode);
      });
    });
    return { code, result: JSON.parse(readFileSync(json, "utf8")) as LoadResult, done: server.done };
  } finally {
    await server.stop();
  }
}

/** Where the machine was too busy for the generator, that is what counts, unless what was found is certain. */
const unlessLate = (code: number, { invalid }: LoadResult) => (invalid.length > 0 ? 3 : code);

describe("deliveries of a server that", () => {
  it("is right are each there once and in order", async () => {
    const { code, result, done } = await run("none");
    expect(result.deliveries).toEqual({
      ...{ expected: done.deliveries, received: done.deliveries },
      ...{ lost: 0, duplicated: 0, disordered: 0, unexpected: 0 },
    });
    expect(done.deliveries).toBe(2000);
    expect(result).toMatchObject({ sent: 200, replied: 200, errors: 0, refused: {}, closed: {} });
    expect(code, printed).toBe(unlessLate(0, result));
  });

  it("drops some are counted as lost", async () => {
    const { code, result, done } = await run("drops");
    expect(done.faults).toBe(40);
    expect(result.deliveries).toMatchObject({ lost: 40, expected: 2000, received: 1960, duplicated: 0, disordered: 0 });
    expect(code, printed).toBe(unlessLate(1, result));
    expect(printed).toContain("40 lost of 2,000 expected");
  });

  it("drops some are counted as lost by threads that each hold a part of the members", async () => {
    const { code, result, done } = await runCommand("drops", "--workers", "2");
    expect(done).toMatchObject({ faults: 40, deliveries: 2000 });
    expect(result).toMatchObject({ workers: 2, connections: 30, sent: 200, replied: 200 });
    expect(result.deliveries).toMatchObject({ lost: 40, expected: 2000, received: 1960, duplicated: 0, disordered: 0 });
    expect(code, printed).toBe(unlessLate(1, result));
  });

  it("doubles some are counted as doubled", async () => {
    const { code, result, done } = await run("doubles");
    expect(done.faults).toBe(40);
    expect(result.deliveries).toMatchObject({ duplicated: 40, expected: 2000, received: 2000, lost: 0, disordered: 0 });
    expect(code, printed).toBe(1);
    expect(printed).toContain("40 duplicated of 2,000 expected");
  });

  it("swaps some are counted as disordered", async () => {
    const { code, result, done } = await run("swaps");
    expect(done.faults).toBeGreaterThan(20);
    expect(result.deliveries).toMatchObject({ disordered: done.faults, duplicated: 0 });
    expect(code, printed).toBe(1);
  });

  it("puts others' texts in their place are counted as unexpected", async () => {
    // Of one member: where there are more, the first to see a seq says what it holds, and of the others one in 64 is compared.
    const { code, result, done } = await run("rewrites", { rooms: 1, members: 1, rate: 200 });
    expect(done.faults).toBe(8); // of 400
    expect(result.deliveries).toMatchObject({ unexpected: 8, lost: 0 });
    expect(code, printed).toBe(1);
  });
});

describe("requests of a server that", () => {
  it("refuses some are counted by error code, and are no fault", async () => {
    const { code, result, done } = await run("refuses");
    expect(done.faults).toBe(20);
    expect(result).toMatchObject({ refused: { SLOWLY: 20 }, replied: 200, errors: 20, deliveries: { lost: 0, received: 1800 } });
    expect(code, printed).toBe(unlessLate(0, result));
    const again = await run("refuses", { failOn: "refused>0" });
    expect(again.code).toBe(unlessLate(1, again.result));
  });

  it("closes connections are counted by close code, and were not answered", async () => {
    const { code, result, done } = await run("closes");
    // All 20 members are gone after 200 requests; what was said in a log is lost to none of those that stayed.
    expect(result.closed).toEqual({ 1013: done.faults });
    expect(result.refused[unanswered.closed]).toBeGreaterThanOrEqual(done.faults);
    expect(result.deliveries).toMatchObject({ lost: 0, duplicated: 0, disordered: 0 });
    expect(code, printed).toBe(unlessLate(1, result));
    expect(printed).toContain("not answered before their connection was closed");
  });
});
