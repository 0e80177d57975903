// The scenario publish on the reference server: what was published over HTTP, on a schedule or by autocannon, is delivered to each member.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http, { type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createHttpSender } from "./http-sender.ts";
import type { LoadResult } from "./load-result.ts";

const cli = fileURLToPath(new URL("../../dist/harness/cli.js", import.meta.url));
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wsproof-publish-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function publish(...more: readonly string[]): Promise<{ printed: string; result: LoadResult }> {
  const json = path.join(folder, "result.json");
  const args = ["bench", "--scenario", "publish", "--members", "8", "--connections", "5", "--duration", "2", "--json", json];
  const printed = await new Promise<string>((resolve) =>
    execFile(process.execPath, [cli, ...args, ...more], (_error, stdout, stderr) => resolve(stdout + stderr)),
  );
  return { printed, result: JSON.parse(readFileSync(json, "utf8")) };
}

it.each(["1", "2"])("sends at the rate, and each publish is delivered to all members, in %s threads", async (workers) => {
  const { printed, result } = await publish("--rate", "50", "--warm-up", "0", "--workers", workers);
  expect(result, printed).toMatchObject({ sent: 100, replied: 100, errors: 0 });
  expect(result.deliveries).toEqual({
    ...{ expected: 800, received: 800, lost: 0, duplicated: 0, disordered: 0, unexpected: 0 },
  });
  expect(printed).toMatch(/HTTP answers, from the time each was due: p50 [\d.]+ ms/);
});

it("has autocannon's table in the closed model", async () => {
  const { printed, result } = await publish("--in-flight", "1", "--warm-up", "1");
  const published = result.http!.result["2xx"];
  const { received, ...rest } = result.deliveries!;
  expect(rest, printed).toEqual({ expected: received, lost: 0, duplicated: 0, disordered: 0, unexpected: 0 });
  // What each of the five connections had under way when autocannon stopped was delivered too, but not answered to it.
  expect(received % 8).toBe(0);
  expect(received / 8).toBeGreaterThanOrEqual(published);
  expect(received / 8).toBeLessThanOrEqual(published + 5);
  expect(published).toBeGreaterThan(20);
  expect(result.http!.result.latency.p99).toBeGreaterThan(0);
});

it("sends on while nothing is answered, and what finds no connection waits for one", async () => {
  const held: ServerResponse[] = [];
  let isHolding = true;
  const server = http.createServer((request, response) => {
    request.resume().on("end", () => (isHolding ? held.push(response) : response.end("{}")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sender = createHttpSender({ origin, connections: 3, timeoutMs: 30_000, insecure: false });
  const all = Array.from({ length: 10 }, () => sender.send("POST", "/", {}, "x"));
  expect(sender.waiting).toBe(10);
  await vi.waitFor(() => expect(held).toHaveLength(3), { timeout: 20_000 });
  isHolding = false;
  for (const response of held) response.writeHead(202).end("{}");
  expect((await Promise.all(all)).map((one) => typeof one === "string" || one.status).sort()).toEqual([
    ...[200, 200, 200, 200, 200, 200, 200, 202, 202, 202],
  ]);
  expect(sender.waiting).toBe(0);
  server.closeAllConnections();
  server.close();
  expect(await sender.send("POST", "/", {}, "x")).toMatch(/^ECONN/);
  sender.end();
});
