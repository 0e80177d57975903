// Connections under load take part in a heartbeat by messages: a server that closes who does not keeps them all.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { bench } from "../../commands/run-bench.ts";
import { loadBenchSettings } from "../../commands/settings/bench-settings.ts";
import type { LoadResult } from "../../load/load-result.ts";
import { startEventsServer } from "./events-server.ts";
import { startJobsServer } from "./jobs-server.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

it.each([
  ["jobs", startJobsServer],
  ["events", startEventsServer],
] as const)(
  "%s",
  async (name, start) => {
    const folder = mkdtempSync(path.join(tmpdir(), "wsproof-bench-"));
    const json = path.join(folder, "result.json");
    const server = await start();
    vi.spyOn(process.stdout, "write").mockImplementation(() => true);
    try {
      const load = { scenario: "idle", connections: 3, durationMs: 4_000, warmUpMs: 0, timeoutMs: 3_000 } as const;
      await bench(loadBenchSettings({ url: server.url, spec: `${here}${name}.yaml`, ...load, json }, "key", 1));
      const result = JSON.parse(readFileSync(json, "utf8")) as LoadResult;
      expect(result.closed).toEqual({});
      expect(result.heartbeats).toBeGreaterThan(6);
    } finally {
      vi.restoreAllMocks();
      await server.close();
      rmSync(folder, { recursive: true });
    }
  },
  30_000,
);
