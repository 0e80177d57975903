// A server that refuses, resets or closes some of its connections: they are counted by status and close code, the others are measured, the run ends.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import type { LoadResult } from "../load/load-result.ts";

const cli = fileURLToPath(new URL("../../dist/harness/cli.js", import.meta.url));
const document = fileURLToPath(new URL("../../spec/examples/echo/asyncapi.yaml", import.meta.url));
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wsproof-refusing-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Misbehaviour = "refuse" | "reset" | "close";
/** Whether the connection with this number, from 0, meets the misbehaviour. */
type Chooses = (connection: number) => boolean;

async function startServer(misbehaviour: Misbehaviour, chooses: Chooses) {
  const sockets = new WebSocketServer({ noServer: true });
  const server = http.createServer();
  let count = 0;
  let met = 0;
  server.on("upgrade", (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => undefined);
    const isMet = chooses(count++);
    if (isMet) met++;
    if (isMet && misbehaviour === "refuse") {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    } else if (isMet && misbehaviour === "reset") socket.destroy();
    else {
      sockets.handleUpgrade(request, socket, head, (client) => {
        if (isMet) client.close(1013);
        client.on("message", (data, isBinary) => client.send(data, { binary: isBinary }));
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/echo`,
    met: () => met,
    stop() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** @returns the exit code; null where the command had to be killed */
async function bench(url: string, ...more: readonly string[]) {
  const json = path.join(folder, "result.json");
  const load = ["--connections", "30", "--rate", "60", "--duration", "1", "--warm-up", "0", "--json", json];
  const ran = await new Promise<{ code: number | null; printed: string }>((resolve) => {
    const args = [cli, "bench", url, "--spec", document, "--scenario", "echo", ...load, ...more];
    const child = execFile(process.execPath, args, { cwd: folder, timeout: 50_000 }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, printed: stdout + stderr });
    });
  });
  const text = readFileSync(json, "utf8");
  return { ...ran, result: text === "" ? undefined : (JSON.parse(text) as LoadResult) };
}

const eachTenth: Chooses = (connection) => connection % 10 === 9;

describe.each([1, 3])("with %i workers, of a server", (workers) => {
  it.each([
    ["refuse", "refused", "HTTP 503"],
    ["reset", "refused", "reset"],
    ["close", "closed", "1013"],
  ] as const)(
    "that does this to each tenth upgrade, %s, those are counted and the rest is measured",
    async (what, kind, how) => {
      const server = await startServer(what, eachTenth);
      try {
        const { code, result, printed } = await bench(server.url, "--workers", String(workers));
        expect(result?.[kind], printed).toEqual({ [how]: 3 });
        expect(result?.replied).toBe(60);
        expect([0, 3]).toContain(code); // 3: this machine was too busy for the figures
        expect((await bench(server.url, "--fail-on", `${kind}>0`)).code).not.toBe(0);
      } finally {
        server.stop();
      }
    },
    120_000,
  );

  it("that refuses everything after the first contacts, the run ends and says why", async () => {
    const server = await startServer("refuse", (connection) => connection >= workers);
    try {
      const { code, printed } = await bench(server.url, "--workers", String(workers));
      expect(code).toBe(2);
      expect(printed).toMatch(/HTTP 503/);
    } finally {
      server.stop();
    }
  }, 120_000);
});

it("a server that closes every connection at once is no success", async () => {
  const server = await startServer("close", (connection) => connection >= 1);
  try {
    const { code, result } = await bench(server.url);
    expect(code).not.toBe(0);
    expect(result?.closed["1006"]).toBeUndefined();
  } finally {
    server.stop();
  }
}, 120_000);
