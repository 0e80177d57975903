// A share of npm run traffic:trial: verify passes against the mock of random documents.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import WebSocket from "ws";
import { startServer } from "../gallery/run-server.ts";
import { examples, galleryServers } from "../gallery/servers.ts";
import { randomDocument } from "./random-document.ts";
import { startProgram } from "./start-program.ts";
import { verifyMock } from "./verify-mock.ts";
import { verifyThroughRecord } from "./verify-through-record.ts";

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

it("verify through record gives graphql-ws the same verdicts", { timeout: 120_000 }, async () => {
  const graphql = galleryServers.find(({ id }) => id === "graphql-ws")!;
  const server = await startServer(graphql);
  try {
    const spec = path.join(examples, graphql.example, "asyncapi.yaml");
    const phases = ["handshake", "examples"].flatMap((phase) => ["--phase", phase]);
    const { rules, differences, findings } = await verifyThroughRecord(spec, server.url, ["--runs", "4", ...phases]);
    expect({ differences, findings }).toEqual({ differences: [], findings: [] });
    expect(rules).toBeGreaterThan(30);
  } finally {
    await server.stop();
  }
});

it("record --check counts findings by rule for Prometheus, and they decide the exit code", { timeout: 60_000 }, async () => {
  const spec = path.join(examples, "chat/asyncapi.yaml");
  const ready = (output: string) => /listening on (\S+)/.test(output);
  const mock = await startProgram(["mock", "--spec", spec, "--port", "0", "--fault", "removes-field/pong/re"], ready);
  const target = /listening on (\S+)/.exec(mock.output)![1]!;
  const words = ["--listen", "0", "-o", path.join(folder, "live.ndjson"), "--check", "--spec", spec, "--prometheus", "0"];
  const record = await startProgram(["record", target, ...words], (output) => /recording \S+ on (\S+)/.test(output));
  try {
    const socket = new WebSocket(`${/recording \S+ on (\S+)/.exec(record.output)![1]}${new URL(target).pathname}`);
    await new Promise((resolve) => socket.once("message", resolve));
    socket.send('{"type":"ping","id":"1"}');
    await new Promise((resolve) => socket.once("message", resolve));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.close(1000);
    await closed;
    const metrics = await (await fetch(/metrics on (\S+)/.exec(record.output)![1]!)).text();
    expect(metrics).toContain('wsproof_findings_total{rule="server-message-valid",side="server"} 1\n');
    expect(metrics).toContain('wsproof_findings_total{rule="position-once",side="server"} 0\n');
    expect(metrics).toContain('wsproof_messages_total{direction="receive"} 2\n');
    expect(await record.stop()).toBe(1);
  } finally {
    await record.stop();
    await mock.stop();
  }
});
