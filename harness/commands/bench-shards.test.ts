// Four shards as processes carry the load of one run, and their merged result counts the same.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { LoadResult } from "../load/load-result.ts";
import { openTarget } from "../load/target.ts";

const cli = fileURLToPath(new URL("../../dist/harness/cli.js", import.meta.url));
const run = promisify(execFile);
const load = ["--rooms", "2", "--members", "8", "--rate", "40", "--duration", "2s", "--warm-up", "0", "--seed", "1"];
/** How long four processes have to start and to open their connections; a busy machine gets the longer time. */
const leadsMs = [15_000, 60_000];

it("counts as one run does", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "wsproof-shards-"));
  const target = await openTarget({ urls: [], auth: {}, pid: undefined, nodes: undefined }, "/ws");
  const bench = (...args: readonly string[]) =>
    run(process.execPath, [cli, "bench", ...args], { env: { ...process.env, JWT_SECRET: target.auth.secret ?? "" } }).catch(
      // A busy machine makes a run invalid; what it counted is there all the same.
      (error: { stdout: string; stderr: string }) => error,
    );
  const at = [target.urls[0]!, "--auth-secret", target.auth.secret ?? ""];
  const file = (name: string) => path.join(folder, `${name}.json`);
  const read = (name: string) => JSON.parse(readFileSync(file(name), "utf8")) as LoadResult;
  try {
    const shards = [1, 2, 3, 4].map(String);
    let merged = { stdout: "", stderr: "" };
    for (const leadMs of leadsMs) {
      const startAt = new Date(Date.now() + leadMs).toISOString();
      await Promise.all(
        shards.map((one) => bench(...at, ...load, "--shard", `${one}/4`, "--start-at", startAt, "--json", file(one))),
      );
      merged = await bench("merge", ...shards.map(file), "--json", file("merged"));
      if (merged.stdout.includes("4 shards, merged")) break;
    }
    expect(merged.stdout, merged.stderr).toContain("4 shards, merged");
    await bench(...at, ...load, "--json", file("alone"));
    const { sent, replied, deliveries, connections, latency } = read("merged");
    const alone = read("alone");
    expect({ sent, replied, deliveries, connections }).toEqual({
      ...{ sent: alone.sent, replied: alone.replied, deliveries: alone.deliveries, connections: alone.connections },
    });
    // Which deliveries at the edges of a run are timed differs between runs: the merge is compared with its parts.
    expect(latency.totalCount).toBe(shards.reduce((sum, one) => sum + read(one).latency.totalCount, 0));
    expect(deliveries).toMatchObject({ received: 40 * 2 * 8, lost: 0, duplicated: 0, disordered: 0, unexpected: 0 });
  } finally {
    await target.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}, 240_000);
