// The recording proxy end to end: TLS, half-close, a slow side, odd frames, rotation, and a file that is cut off.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { endpointFor } from "../../spec/endpoints.ts";
import { loadContract } from "../../spec/load-contract.ts";
import { readTraffic } from "./history-file.ts";
import { createHistoryWriter } from "./history-writer.ts";
import { type RecordOptions, startRecording } from "./record.ts";
import { checkFiles } from "./run-check.ts";
import type { TrafficEvent } from "./traffic-event.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-record-"));
const file = (name: string) => path.join(folder, name);
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});
afterAll(() => rmSync(folder, { recursive: true }));
let tls: { cert: Buffer; key: Buffer };
beforeAll(() => {
  const words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", [...words, "-subj", "/CN=localhost", "-keyout", file("key.pem"), "-out", file("cert.pem")], {
    stdio: "ignore",
  });
  tls = { cert: readFileSync(file("cert.pem")), key: readFileSync(file("key.pem")) };
});

const listen = (server: net.Server) =>
  new Promise<number>((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port)));

async function record(target: string, options: Partial<RecordOptions> = {}) {
  const events: TrafficEvent[] = [];
  const startMs = performance.now();
  const proxy = await startRecording({
    ...{ target: new URL(target), port: 0, host: "127.0.0.1", insecure: true, tls: undefined },
    ...{ nowMs: () => performance.now() - startMs, event: (event: TrafficEvent) => void events.push(event), ...options },
  });
  stops.push(() => proxy.stop());
  return { port: proxy.port, events };
}

/** Answers each text by itself, as `ws` does it. */
async function echoServer(server: net.Server | https.Server): Promise<number> {
  const sockets = new WebSocketServer({ server: server as https.Server });
  sockets.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  stops.push(async () => {
    for (const client of sockets.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  return listen(server);
}

async function echo(url: string, messages: readonly (string | Buffer)[]): Promise<string[]> {
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  const got: string[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.on("message", (data) => {
      got.push(String(data));
      if (got.length === messages.length) resolve();
    });
    socket.once("open", () => {
      for (const message of messages) socket.send(message);
    });
  });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.close(1000, "done");
  await closed;
  return got;
}

it.each(["to the server", "to clients", "on both sides"])("passes TLS %s", async (where) => {
  const isTarget = where !== "to clients";
  const { createServer } = await import("node:http");
  const target = await echoServer(isTarget ? https.createServer(tls) : createServer());
  const isOwn = where !== "to the server";
  const { port, events } = await record(`${isTarget ? "wss" : "ws"}://127.0.0.1:${target}`, { tls: isOwn ? tls : undefined });
  expect(await echo(`${isOwn ? "wss" : "ws"}://127.0.0.1:${port}/`, ["one", '{"two":2}'])).toEqual(["one", '{"two":2}']);
  const kinds = ["close", "hang-up", "open", "receive", "receive", "send", "send"];
  await expect.poll(() => events.map(({ kind }) => kind).sort(), { timeout: 20_000 }).toEqual(kinds);
});

const upgrade =
  "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
const accepted = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

it("passes a half-close on, and what the server sends after it", async () => {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.once("data", () => socket.write(accepted));
    // An unmasked text frame of two letters, after the client's end.
    socket.on("end", () => socket.end(Buffer.from([0x81, 2, 0x68, 0x69])));
  });
  stops.push(() => new Promise((resolve) => server.close(resolve)));
  const { port, events } = await record(`ws://127.0.0.1:${await listen(server)}`);
  const client = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const chunks: Buffer[] = [];
  client.on("data", (chunk) => {
    chunks.push(chunk);
    if (String(chunk).includes("101")) client.end();
  });
  client.write(upgrade);
  await new Promise((resolve) => client.once("end", resolve));
  expect(Buffer.concat(chunks).subarray(-2).toString()).toBe("hi");
  expect(events.find(({ kind }) => kind === "receive")).toMatchObject({ frame: "hi" });
});

it("slows a server down whose client does not read, and loses nothing", async () => {
  const total = 64 * 1024 * 1024;
  const frame = Buffer.concat([Buffer.from([0x82, 126, 0xff, 0xff]), Buffer.alloc(65_535)]);
  let source: net.Socket | undefined;
  let written = 0;
  const server = net.createServer((socket) => {
    source = socket;
    const fill = () => {
      while (written < total) {
        written += frame.length;
        if (!socket.write(frame)) return;
      }
    };
    socket.on("error", () => undefined);
    socket.on("drain", fill);
    socket.once("data", () => {
      socket.write(accepted);
      fill();
    });
  });
  stops.push(() => new Promise((resolve) => server.close(resolve)));
  const { port, events } = await record(`ws://127.0.0.1:${await listen(server)}`, {
    event: (event) => void (events.length < 5 && events.push(event)),
  });
  const client = net.connect({ port, host: "127.0.0.1" });
  client.write(upgrade);
  await new Promise((resolve) => client.once("readable", resolve));
  // Until nothing moves any more: what is under way is what the kernel and the proxy hold.
  let before = -1;
  for (let round = 0; round < 100 && before !== written; round += 1) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(written).toBeLessThan(total / 2);
  let read = 0;
  await new Promise<void>((resolve) => {
    client.on("data", (chunk) => {
      read += chunk.length;
      if (read >= total) resolve();
    });
  });
  expect(source!.writableLength).toBeLessThan(total / 2);
  client.destroy();
});

it("passes and writes deep JSON, binary, empty and large messages", async () => {
  const { createServer } = await import("node:http");
  const target = await echoServer(createServer());
  const writer = createHistoryWriter(file("odd.ndjson"), [], Number.POSITIVE_INFINITY);
  const { port } = await record(`ws://127.0.0.1:${target}`, { event: (event) => writer.write(event) });
  const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
  const odd = [deep, Buffer.from([0, 255]), "", "x".repeat(3_000_000), '{"a":"\u2028"}'];
  expect(await echo(`ws://127.0.0.1:${port}/`, odd)).toEqual(odd.map(String));
  writer.close();
  const events: TrafficEvent[] = [];
  for await (const event of readTraffic(file("odd.ndjson"))) events.push(event);
  const received = events.filter((event) => event.kind === "receive");
  expect(received.map(({ bytes, json }) => [bytes, json])).toEqual([
    [2, false],
    [0, false],
    [3_000_000, false],
    [11, true],
  ]);
  const notes = events.flatMap((event) => (event.kind === "note" ? [event.text] : []));
  expect(notes).toEqual(["sent", "received"].map((what) => `${what} a message that is nested too deeply to be recorded`));
  expect(received[0]).toMatchObject({ binary: true, frame: "00ff" });
});

it("rotates, and check takes the parts for one history; a file that is cut off is read up to there", async () => {
  const spec = fileURLToPath(new URL("../../spec/examples/echo/asyncapi.yaml", import.meta.url));
  const subject = endpointFor((await loadContract({ file: spec })).contract!, undefined)!;
  const writer = createHistoryWriter(file("r.ndjson"), [], 2_000);
  writer.write({ kind: "open", connection: 1, atMs: 0, node: "n", subprotocol: "", user: "" });
  const frame = subject.contract.messages.flatMap(({ examples }) => examples)[0]!.payload;
  for (let turn = 1; turn <= 40; turn += 1)
    for (const kind of ["send", "receive"] as const)
      writer.write({ kind, connection: 1, atMs: turn, frame, json: true, bytes: JSON.stringify(frame).length });
  writer.close();
  const parts = readdirSync(folder).filter((name) => /^r\.ndjson\.\d+$/.test(name));
  expect(parts.length).toBeGreaterThan(1);
  const ordered = [...parts.map((_, index) => file(`r.ndjson.${index + 1}`)), file("r.ndjson")];
  const check = (files: readonly string[]) => checkFiles({ ...subject, files, side: "server", replay: "" });
  const whole = await check(ordered);
  expect([whole.messages, whole.connections, whole.notes]).toEqual([80, 1, []]);
  const last = await check(ordered.slice(1));
  expect(last.messages).toBe(0);
  expect(last.notes.join()).toMatch(/^\d+ messages were left out: the history does not have the beginning/);
  const size = readFileSync(ordered[0]!).length;
  truncateSync(ordered[0]!, size - 10);
  const cut = await check(ordered.slice(0, 1));
  expect(cut.notes.join()).toMatch(/r\.ndjson\.1:\d+ is not whole and was left out/);
});
