import net from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { TargetLost } from "../../schema/errors.ts";
import { encodeFrame, opcode } from "./frame.ts";
import type { WireEvent } from "./message-reader.ts";
import { type Connected, connect } from "./socket.ts";
import { acceptFor, type UpgradeRequest } from "./upgrade.ts";

const key = "dGhlIHNhbXBsZSBub25jZQ==";
const request: UpgradeRequest = {
  method: "GET",
  path: "/ws",
  httpVersion: "HTTP/1.1",
  headers: [
    ["Host", "localhost"],
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", key],
  ],
};

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function listen(onConnection: (socket: net.Socket) => void): Promise<URL> {
  const server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    closers.push(() => socket.destroy());
    onConnection(socket);
  });
  closers.push(() => server.close());
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve(new URL(`ws://127.0.0.1:${(server.address() as net.AddressInfo).port}/ws`))),
  );
}

const accepting = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`;

/** All that comes until TCP ends. */
function collect(connected: Connected): Promise<(WireEvent | "fin" | "reset")[]> {
  if (connected.kind !== "open") throw new Error(JSON.stringify(connected));
  const events: (WireEvent | "fin" | "reset")[] = [];
  return new Promise((resolve) =>
    connected.socket.listen({
      event: (event) => events.push(event),
      ended: (how) => resolve([...events, how]),
    }),
  );
}

describe("connect", () => {
  it("talks to the ws package: texts, pings, close with code and reason", async () => {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    closers.push(() => server.close());
    await new Promise((resolve) => server.on("listening", resolve));
    server.on("connection", (socket) => {
      socket.send("hello");
      socket.ping("beat");
      socket.on("pong", (data) => socket.close(4401, `pong ${data}`));
    });
    const url = new URL(`ws://127.0.0.1:${(server.address() as net.AddressInfo).port}/`);
    const connected = await connect({ url, request, timeoutMs: 5000 });
    if (connected.kind === "open") expect(connected.headers.get("sec-websocket-accept")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    expect(await collect(connected)).toEqual([
      { kind: "text", text: "hello", utf8: true, bytes: 5 },
      { kind: "ping", payload: Buffer.from("beat") },
      { kind: "close", code: 4401, reason: "pong beat" },
      "fin",
    ]);
  });

  it("names the clause that a server's frame breaks, and still reads it", async () => {
    const url = await listen((socket) => {
      socket.write(accepting);
      socket.write(encodeFrame({ opcode: opcode.text, payload: "a", maskKey: 1 }));
      socket.write(encodeFrame({ opcode: opcode.text, payload: "b", reserved: 4 }));
      socket.write(encodeFrame({ opcode: opcode.text, payload: Buffer.from([0xff]) }));
      socket.end(encodeFrame({ opcode: opcode.ping, payload: "x", fin: false }));
    });
    const events = await collect(await connect({ url, request, timeoutMs: 5000 }));
    expect(
      events.map((event) => (typeof event === "object" && event.kind === "broken" ? event.clause : (event as WireEvent).kind)),
    ).toEqual([
      "RFC 6455 section 5.1",
      "text",
      "RFC 6455 section 5.2",
      "text",
      "RFC 6455 section 8.1",
      "text",
      "RFC 6455 section 5.5",
      "ping",
      undefined,
    ]);
  });

  it("gives status, headers and body of a refusal", async () => {
    const url = await listen((socket) => socket.end("HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nContent-Length: 4\r\n\r\nwait"));
    expect(await connect({ url, request, timeoutMs: 5000 })).toEqual({
      kind: "refused",
      status: 503,
      headers: new Map([
        ["retry-after", "5"],
        ["content-length", "4"],
      ]),
      body: "wait",
    });
  });

  it("tells garbage and a close without an answer from a refusal", async () => {
    const garbage = await listen((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
    expect(await connect({ url: garbage, request, timeoutMs: 5000 })).toEqual({
      kind: "dropped",
      how: 'the target sent bytes that are not HTTP: "SSH-2.0-OpenSSH_9.2\\r\\n"',
    });
    const closing = await listen((socket) => socket.end());
    expect((await connect({ url: closing, request, timeoutMs: 5000 })).kind).toBe("dropped");
  });

  it("loses the target that nobody listens at, that never answers, or that has no TLS", async () => {
    const url = await listen(() => undefined);
    await expect(connect({ url, request, timeoutMs: 50 })).rejects.toThrow(/does not answer the handshake within 50 ms/);
    const plain = await listen((socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
    await expect(connect({ url: new URL(String(plain).replace("ws:", "wss:")), request, timeoutMs: 5000 })).rejects.toThrow(
      /does not speak TLS/,
    );
    for (const close of closers.splice(0)) close();
    await expect(connect({ url, request, timeoutMs: 5000 })).rejects.toThrow(TargetLost);
  });
});
