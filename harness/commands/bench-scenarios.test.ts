// Scenarios of bench against servers with one fault: a leak, replies that a slow reader never gets, refusals on return, too few places.
import { mkdtempSync, rmSync, watch } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { sampleLogFile } from "../comparison/sample-log.ts";
import { startLogServer } from "../comparison/sample-log-server.ts";
import { compareResults } from "../load/compare.ts";
import type { LoadResult } from "../load/load-result.ts";
import { bench } from "./run-bench.ts";
import { type BenchGiven, loadBenchSettings } from "./settings/bench-settings.ts";

const echoFile = fileURLToPath(new URL("../../spec/examples/echo/asyncapi.yaml", import.meta.url));

interface Behaviour {
  /** Bytes that its metrics say more for each connection that there ever was. */
  readonly leaks?: number;
  /** Whether the upgrade with this number, from 0, is refused while so many are open. */
  refuses?(count: number, open: number): boolean;
  /** Reads a message, in place of the echo. @param count of messages of this connection, from 0 */
  takes?(socket: WebSocket, text: string, count: number): void;
}

async function startEcho({ leaks = 0, refuses, takes }: Behaviour) {
  const sockets = new WebSocketServer({ noServer: true });
  let upgrades = 0;
  let connections = 0;
  let most = 0;
  let reads = 0;
  const server = http.createServer((_request, response) => {
    // As a garbage collector has it: up and down above what is held.
    const bytes = 50_000_000 + (reads++ % 2) * 1000 + connections * leaks;
    response.end(`# HELP process_resident_memory_bytes x\nprocess_resident_memory_bytes ${bytes}\n`);
  });
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => undefined);
    if (refuses?.(upgrades++, sockets.clients.size) === true) {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      connections++;
      let count = 0;
      most = Math.max(most, sockets.clients.size);
      client.on("error", () => undefined);
      client.on("message", (data, isBinary) => {
        if (takes === undefined) client.send(data, { binary: isBinary });
        else takes(client, String(data), count++);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `ws://${at}/echo`,
    http: `http://${at}`,
    most: () => most,
    closeAll() {
      for (const client of sockets.clients) client.close(1012);
    },
    stop() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}

type Started = Awaited<ReturnType<typeof startEcho>>;

async function run(given: BenchGiven) {
  let result: LoadResult | undefined;
  let printed = "";
  const load = { durationMs: 2000, warmUpMs: 0, timeoutMs: 20_000, spec: echoFile, ...given };
  const code = await bench(loadBenchSettings(load, "key", 1), {
    write: (text) => {
      printed += text;
    },
    onResult: (one) => {
      result = one;
    },
  });
  return { code, result: result!, printed };
}

async function against(behaviour: Behaviour, given: (server: Started) => BenchGiven) {
  const server = await startEcho(behaviour);
  try {
    const { url } = server;
    return { ...(await run({ url, ...given(server) })), most: server.most() };
  } finally {
    server.stop();
  }
}

/** Where the machine was too busy for the generator, that is what counts. */
const unlessLate = (code: number, { invalid }: LoadResult) => (invalid.length > 0 ? 3 : code);

describe("churn", () => {
  const load = (server: Started): BenchGiven => ({
    ...{ scenario: "churn", rate: 60, durationMs: 3000, failOn: "leak>1kB", metricsUrl: `${server.http}/metrics` },
  });

  it("finds what a server keeps of each connection, by its metrics", async ({ expect }) => {
    const { code, result, printed } = await against({ leaks: 20_000 }, load);
    // A machine that is too busy gives too few samples: then a leak that is asked for fails the run as well.
    expect(result.findings?.figures.leak ?? 1, printed).toBeGreaterThan(0);
    expect(code, printed).toBe(unlessLate(1, result));
  });

  it("finds none where nothing is kept", async ({ expect }) => {
    const { result, printed } = await against({}, load);
    expect(result.findings?.figures.leak ?? 0, printed).toBe(0);
  });

  it("fails where a leak is asked for and nothing can be measured", async ({ expect }) => {
    const { code, result, printed } = await against({}, () => ({ scenario: "churn", rate: 20, failOn: "leak>1kB" }));
    expect(code, printed).toBe(unlessLate(1, result));
    expect(printed).toContain("measured no leak");
  });

  it("refuses a page without the metric", async ({ expect }) => {
    const wrong = against({}, (server) => ({ scenario: "churn", metricsUrl: `${server.http.replace("http", "ftp")}/` }));
    await expect(wrong).rejects.toThrow("--metrics-url");
  });
});

describe("slow", () => {
  /** The last of ten connections is slow: it alone goes to the server under test. */
  async function slowOn(behaviour: Behaviour) {
    const others = await startEcho({});
    try {
      return await against(behaviour, ({ url }) => ({
        ...{ scenario: "slow", connections: 10, rate: 100, timeoutMs: 5000 },
        url: [...Array<string>(9).fill(others.url), url],
      }));
    } finally {
      others.stop();
    }
  }

  it("gets everything in the end from a server that keeps it", async ({ expect }) => {
    const { code, result, printed } = await slowOn({});
    expect(printed).toContain("1 slow: complete in the end 1");
    expect(result.errors, printed).toBe(0);
    expect(code, printed).toBe(unlessLate(0, result));
  });

  it("finds that replies never came on a connection that stayed open", async ({ expect }) => {
    const { code, result, printed } = await slowOn({
      takes(socket, text, count) {
        if (count < 8) socket.send(text);
      },
    });
    expect(result.findings?.wrong, printed).toEqual(["1 slow connections stayed open and did not get everything in the end"]);
    expect(code, printed).toBe(unlessLate(1, result));
  });

  it("is content with a server that closes it", async ({ expect }) => {
    const { code, result, printed } = await slowOn({
      takes(socket, text, count) {
        if (count < 8) socket.send(text);
        else socket.close(1013);
      },
    });
    expect(printed).toContain("1 slow: complete in the end 0, closed 1013 1");
    expect(result.closed, printed).toEqual({});
    expect(code, printed).toBe(unlessLate(0, result));
  });

  it("checks the deliveries of a document with a log", async ({ expect }) => {
    const server = await startLogServer("none");
    try {
      const given = { url: server.url, spec: sampleLogFile, scenario: "slow", connections: 20, rate: 50 } as const;
      const { result, printed } = await run(given);
      expect(printed).toContain("2 slow: complete in the end 2");
      expect(result.deliveries, printed).toMatchObject({ received: 18 * 100, lost: 0, duplicated: 0 });
    } finally {
      await server.stop();
    }
  });
});

describe("storm", () => {
  const connections = 30;
  /** The run's control connection, and all of the load. */
  const before = connections + 1;
  const load = (): BenchGiven => ({ scenario: "storm", connections, durationMs: 30_000, timeoutMs: 20_000 });

  it("counts who is refused on return, and waits until all are back", async ({ expect }) => {
    const { result, printed } = await against({ refuses: (count) => count >= before && count % 3 === 0 }, load);
    expect(result.refused["HTTP 503"], printed).toBeGreaterThanOrEqual(connections / 3);
    expect(result.requests.total).toBe(connections);
    expect(result.findings?.figures.t99, printed).toBeGreaterThan(0);
    expect(result.findings?.wrong).toEqual([]);
  });

  it("says who never came back", async ({ expect }) => {
    const { code, result, printed } = await against({ refuses: (count) => count >= before }, () => ({
      ...load(),
      durationMs: 2000,
    }));
    expect(result.findings?.wrong, printed).toEqual(["30 of 30 connections did not come back within the run"]);
    expect(code, printed).not.toBe(0);
  });

  it("waits for a server that is restarted by a command", async ({ expect }) => {
    const folder = mkdtempSync(path.join(tmpdir(), "wsproof-storm-"));
    const watcher = new AbortController();
    const { result, printed } = await against({}, (server) => {
      watch(folder, { signal: watcher.signal }, () => server.closeAll());
      return { ...load(), restartCommand: `echo > ${path.join(folder, "asked")}` };
    });
    watcher.abort();
    rmSync(folder, { recursive: true });
    expect(result.findings?.wrong, printed).toEqual([]);
    expect(result.requests.total, printed).toBe(connections);
    expect(result.closed).toEqual({});
  });
});

describe("ramp", () => {
  it("opens and leaves connections as the stages say, and counts those that find no place", async ({ expect }) => {
    const { result, printed, most } = await against({ refuses: (_count, open) => open >= 12 }, () => ({
      ...{ scenario: "ramp", stages: "1s:10,1s:30,1s:0", rate: 60 },
    }));
    expect(most).toBeLessThanOrEqual(12);
    // A busy machine may open fewer than there is room for.
    if (most === 12) expect(result.refused["HTTP 503"], printed).toBeGreaterThan(0);
    expect(printed).toMatch(/stage 1, to 10: \d+ open at its end/);
    expect(printed).toMatch(/stage 3, to 0: 0 open at its end/);
    expect(result).toMatchObject({ duration: 3, connections: 30 });
  });

  it.for([
    [{ scenario: "ramp" }, "belong together"],
    [{ scenario: "echo", stages: "1s:1" }, "belong together"],
    [{ scenario: "ramp", stages: "1s" }, "DURATION:CONNECTIONS"],
  ] as const)("refuses %j", ([given, why], { expect }) => {
    expect(() => loadBenchSettings(given, "key", 1)).toThrow(why);
  });
});

it("soak is the same load, and says that a short run shows no trend", async ({ expect }) => {
  const { result, printed } = await against({}, () => ({ scenario: "soak", connections: 5, rate: 20, durationMs: 1000 }));
  expect(result.findings?.lines).toEqual([expect.stringContaining("no trend")]);
  expect(result.replied, printed).toBe(20);
});

it("a server that answers later is named by a comparison of repeated runs", async ({ expect }) => {
  const measured = async (ms: number) => {
    const takes: Behaviour["takes"] = (socket, text) => void setTimeout(() => socket.send(text), ms);
    const load = { scenario: "echo", connections: 5, rate: 20, durationMs: 1000, repeat: 5, warmUpMs: 0 } as const;
    return (await against({ takes }, () => load)).result;
  };
  // So far apart that the noise of a busy machine is small beside it.
  const [one, slower] = (await Promise.all([50, 1500].map(measured))) as [LoadResult, LoadResult];
  const p50 = (before: LoadResult, after: LoadResult) =>
    compareResults(before, after).metrics.find(({ name }) => name === "latency p50");
  expect(one.repeats).toHaveLength(5);
  expect(p50(one, slower)).toMatchObject({ change: "worse" });
  expect(p50(slower, one)).toMatchObject({ change: "better" });
});
