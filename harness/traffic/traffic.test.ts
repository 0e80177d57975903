// Recorded and checked traffic: the proxy changes nothing, an honest pair has no finding, and each fault is convicted by the rule of its promise.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { afterAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { endpointFor } from "../../spec/endpoints.ts";
import { loadContract } from "../../spec/load-contract.ts";
import { verify } from "../index.ts";
import { startMock } from "../mock/start-mock.ts";
import { TrafficChecker } from "./check.ts";
import { readTraffic } from "./history-file.ts";
import { createHistoryWriter } from "./history-writer.ts";
import { startRecording } from "./record.ts";
import { checkFiles } from "./run-check.ts";
import type { TrafficEvent } from "./traffic-event.ts";

const spec = fileURLToPath(new URL("../../spec/examples/chat/asyncapi.yaml", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "wsproof-traffic-"));
afterAll(() => rmSync(folder, { recursive: true }));
const { contract } = await loadContract({ file: spec });
const subject = endpointFor(contract!, undefined)!;
let files = 0;

/** Runs `act` through a recording proxy before a mock of the chat. @returns the history */
async function recorded(faults: readonly string[], act: (url: string) => Promise<void>, mask: readonly string[] = []) {
  const file = path.join(folder, `${++files}.ndjson`);
  const writer = createHistoryWriter(file, mask, Number.POSITIVE_INFINITY);
  const mock = await startMock({
    ...{ contract: contract!, port: 0, host: "127.0.0.1", seed: 1, latencyMs: 0, faults },
    ...{ auth: {}, origins: [], set: {}, maxConnections: 100 },
  });
  const startMs = performance.now();
  const proxy = await startRecording({
    ...{ target: new URL(mock.urls[0]!), port: 0, host: "127.0.0.1", insecure: false, tls: undefined },
    nowMs: () => performance.now() - startMs,
    event: (event) => writer.write(event),
  });
  await act(`ws://127.0.0.1:${proxy.port}/chat`);
  await proxy.stop();
  await mock.stop();
  writer.close();
  return file;
}

/** Two clients that join a room, where one says something twice. */
async function talk(url: string): Promise<void> {
  const sockets = [new WebSocket(url), new WebSocket(url)] as const;
  const frames = new Map<WebSocket, number>();
  for (const socket of sockets) socket.on("message", () => frames.set(socket, (frames.get(socket) ?? 0) + 1));
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("message", resolve))));
  let id = 0;
  const ask = async (socket: WebSocket, message: object) => {
    if (socket.readyState !== WebSocket.OPEN) return;
    const fence = String(++id);
    const fenced = new Promise<void>((resolve) => {
      socket.on("message", (data) => {
        const text = String(data);
        if (text.startsWith('{"type":"pong"') && text.includes(`"re":"${fence}"`)) resolve();
      });
      socket.once("close", () => resolve());
    });
    socket.send(JSON.stringify({ id: String(++id), ...message }));
    socket.send(JSON.stringify({ type: "ping", id: fence }));
    await fenced;
  };
  for (const socket of sockets) await ask(socket, { type: "join", room: "tea" });
  await ask(sockets[0], { type: "say", room: "tea", text: "Hello" });
  await ask(sockets[0], { type: "say", room: "tea", text: "Is anybody here?" });
  await ask(sockets[1], { type: "leave", room: "tea" });
  await ask(sockets[1], { type: "say", room: "tea", text: "Not a member" });
  await ask(sockets[1], { type: "nonsense" });
  for (const socket of sockets) {
    const closed = new Promise((resolve) => socket.once("close", resolve));
    if (socket.readyState === WebSocket.CLOSED) continue;
    socket.close(1000);
    await closed;
  }
}

const findingsOf = async (file: string, side: "server" | "client" = "server") => {
  const { results } = await checkFiles({ ...subject, files: [file], side, replay: "" });
  return results.filter(({ failures }) => failures.length > 0).map(({ id }) => id);
};

describe("check", () => {
  it("has no finding in an honest pair, and decides what it saw", async () => {
    const { results, messages } = await checkFiles({ ...subject, files: [await recorded([], talk)], side: "server", replay: "" });
    expect(results.flatMap(({ id, failures }) => failures.map(({ actual }) => `${id}: ${actual}`))).toEqual([]);
    expect(messages).toBe(32);
    const decided = results.filter(({ verdict }) => verdict === "pass").map(({ id }) => id);
    expect(decided).toEqual(
      expect.arrayContaining(["reply-exactly-one", "requirement-is-enforced", "malformed-is-rejected", "fence-in-order"]),
    );
  });

  it.each([
    ["drops-message/said", "reply-exactly-one"],
    ["duplicates-message/said", "reply-exactly-one"],
    ["removes-field/heard/from", "server-message-valid"],
    ["retypes-field/said/re", "server-message-valid"],
    ["sends-text/joined", "server-message-valid"],
    ["drops-message/welcome/every-1", "first-message-once"],
    ["closes-instead-of/said/4999", "close-code-declared"],
  ])("finds %s by %s", async (fault, rule) => {
    // Without a first message the clients wait for nothing else.
    const act = fault.includes("welcome") ? talkAtOnce : talk;
    expect(await findingsOf(await recorded([fault], act))).toContain(rule);
  });

  it("names a reply that comes after that of a later fence", () => {
    const checker = new TrafficChecker(subject.contract, subject.channel);
    let atMs = 0;
    const frame = (kind: "send" | "receive", value: object) =>
      checker.take({ kind, connection: 1, atMs: ++atMs, frame: value, json: true, bytes: 10 });
    checker.take({ kind: "open", connection: 1, atMs, node: "0", subprotocol: "", user: "" });
    frame("receive", { type: "welcome", you: "c1" });
    frame("send", { type: "join", id: "1", room: "tea" });
    frame("send", { type: "ping", id: "2" });
    frame("receive", { type: "pong", re: "2" });
    expect([...checker.report.findings]).toEqual([]);
    frame("receive", { type: "joined", re: "1", room: "tea" });
    checker.end();
    expect([...checker.report.findings]).toEqual([["fence-in-order", 1]]);
  });

  it("checks the client as well", async () => {
    expect(await findingsOf(await recorded([], talk), "client")).toEqual(["client-message-valid"]);
  });

  it("reads a HAR file", async () => {
    const file = path.join(folder, "page.har");
    const message = (type: string, time: number, data: object) => ({ type, time, opcode: 1, data: JSON.stringify(data) });
    const entry = {
      startedDateTime: new Date(1_000_000).toISOString(),
      request: { url: "ws://127.0.0.1:9000/chat" },
      response: { status: 101, headers: [] },
      _webSocketMessages: [
        message("receive", 1_000.1, { type: "welcome", you: "c1" }),
        message("send", 1_000.2, { type: "ping", id: "1" }),
        message("receive", 1_000.3, { type: "pong" }),
      ],
    };
    writeFileSync(file, JSON.stringify({ log: { entries: [{ request: {}, response: {} }, entry] } }));
    expect(await findingsOf(file)).toEqual(["server-message-valid"]);
  });

  it("names the line that is no history", async () => {
    const file = path.join(folder, "broken.ndjson");
    writeFileSync(file, '{"kind":"history","version":1}\n{"kind":"open"\n');
    await expect(findingsOf(file)).rejects.toThrow(/broken\.ndjson:2: expected one JSON object a line/);
    writeFileSync(file, '{"kind":"history","version":2}\n');
    await expect(findingsOf(file)).rejects.toThrow(/version 2, and this wsproof reads 1/);
  });
});

describe("record", () => {
  it("masks what it is told to, and writes what the schema describes", async () => {
    const file = await recorded([], (url) => talk(`${url}?api_key=key-of-the-gateway-4711`), ["/text"]);
    const text = readFileSync(file, "utf8");
    expect(text).not.toContain("key-of-the-gateway");
    expect(text).not.toContain("Is anybody here?");
    expect(text).toContain("(masked)");
    const schema = JSON.parse(readFileSync(new URL("./history.schema.json", import.meta.url), "utf8"));
    const validate = new Ajv({ strict: false }).compile(schema);
    for (const line of text.trim().split("\n")) expect(validate(JSON.parse(line)), line).toBe(true);
    const events: TrafficEvent[] = [];
    for await (const event of readTraffic(file)) events.push(event);
    expect(
      events.filter(({ kind }) => kind === "hang-up" || kind === "close").map((event) => ("code" in event ? event.code : 0)),
    ).toEqual([1000, 1000, 1000, 1000]);
  });

  it("gives verify the same verdicts as the server itself", async () => {
    const given = { spec, runs: 3, seed: 1, phases: ["handshake", "examples"] };
    const verdicts: string[][] = [];
    const file = await recorded([], async (url) => {
      const { rules } = await verify({ ...given, url });
      verdicts.push(rules.map(({ id, verdict }) => `${id} ${verdict}`));
    });
    const mock = await startMock({
      ...{ contract: contract!, port: 0, host: "127.0.0.1", seed: 1, latencyMs: 0, faults: [] },
      ...{ auth: {}, origins: [], set: {}, maxConnections: 100 },
    });
    const { rules } = await verify({ ...given, url: mock.urls[0]! });
    await mock.stop();
    expect(verdicts[0]).toEqual(rules.map(({ id, verdict }) => `${id} ${verdict}`));
    expect(await findingsOf(file)).toEqual([]);
  });
});

/** Asks without waiting for the first message. */
async function talkAtOnce(url: string): Promise<void> {
  const socket = new WebSocket(url);
  await new Promise((resolve) => socket.once("open", resolve));
  socket.send(JSON.stringify({ type: "ping", id: "1" }));
  await new Promise((resolve) => socket.once("message", resolve));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.close(1000);
  await closed;
}
