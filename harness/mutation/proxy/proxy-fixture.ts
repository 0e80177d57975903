// A tiny server that speaks a piece of rooms.v1, started for each test, the proxy in front of it, and a client that keeps what it sees.
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { createValidators } from "../../../spec/schemas.ts";
import { createMessages } from "../../client/messages.ts";
import type { WireEvent } from "../../client/wire/message-reader.ts";
import { connect, type WireSocket } from "../../client/wire/socket.ts";
import type { Fault } from "../../conformance/faults/plan.ts";
import { type FaultProxy, startProxy } from "./proxy.ts";

export const { contract } = await loadContract({ file: defaultSpecFile });
export const channel = contract!.channels.find(({ kind }) => kind === "websocket")!;
const validators = createValidators(contract!);
export const messages = createMessages(contract!, channel, (name, value) =>
  validators
    .of(name)(value)
    .map(({ text }) => text),
);
const timestamp = "2026-01-31T09:30:00.000Z";
const from = { userId: "ada", username: "Ada" };

export let server: WebSocketServer;
let clients = 0;
export let seen: string[] = [];
export const proxies: FaultProxy[] = [];
export const sockets: WireSocket[] = [];

beforeEach(async () => {
  clients = 0;
  const own: string[] = [];
  seen = own;
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/ws", handleProtocols: () => "rooms.v1" });
  const members = new Set<WebSocket>();
  server.on("connection", (socket) => {
    const clientId = `c-${++clients}`;
    const send = (to: WebSocket, message: object) => to.send(JSON.stringify({ ...message, timestamp }));
    const connected = contract!.messages.find(({ name }) => name === "connected")!.examples[0]!.payload as {
      payload: object;
    };
    send(socket, { type: "connected", payload: { ...connected.payload, clientId, ...from } });
    socket.on("error", () => undefined);
    socket.on("close", () => own.push(`${clientId} gone`));
    socket.on("message", (data) => {
      own.push(String(data));
      let frame: { type: string; id: string; payload: { room: string; content: string } };
      try {
        frame = JSON.parse(String(data));
      } catch {
        send(socket, { type: "error", payload: { code: "INVALID_JSON", message: "no", retryable: false } });
        return;
      }
      const { type, id, payload } = frame;
      if (type === "join_room") {
        members.add(socket);
        const members100 = [{ clientId, ...from }];
        const joined = { room: payload.room, epoch: "e", seq: 1, memberCount: members.size, members: members100 };
        send(socket, { type: "joined_room", replyTo: id, payload: joined });
      } else if (type === "leave_room") {
        members.delete(socket);
        send(socket, { type: "left_room", replyTo: id, payload: { room: payload.room } });
      } else if (type === "chat" && !members.has(socket)) {
        const payload = { code: "NOT_IN_ROOM", message: "no", retryable: false };
        send(socket, { type: "error", replyTo: id, payload });
      } else if (type === "chat") {
        const { room, content } = payload;
        send(socket, { type: "ack", replyTo: id, payload: { room, epoch: "e", seq: 2 } });
        const message = { room, epoch: "e", seq: 2, from: { clientId, ...from }, content };
        for (const member of members) send(member, { type: "message", payload: message });
      } else if (type === "ping") send(socket, { type: "pong", replyTo: id, payload });
      else socket.close(4400, "unknown");
    });
  });
  await new Promise((resolve) => server.once("listening", resolve));
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const proxy of proxies.splice(0)) await proxy.close();
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
});

export async function proxyWith(...planted: Fault[]): Promise<FaultProxy> {
  const { port } = server.address() as AddressInfo;
  const transformations = planted.flatMap(({ how }) => (how.by === "proxy" ? how.transformations : []));
  const target = new URL(`ws://127.0.0.1:${port}/ws`);
  const proxy = await startProxy({
    target,
    contract: contract!,
    channel,
    messages,
    transformations,
    auth: { secret: "s".repeat(32) },
  });
  proxies.push(proxy);
  return proxy;
}

/** A connection that keeps what it sees, as one line an event. */
export class Client {
  readonly lines: string[] = [];
  readonly values: { type: string; payload: Record<string, unknown>; replyTo?: string }[] = [];
  readonly socket: WireSocket;
  #wake: () => void = () => undefined;

  constructor(socket: WireSocket) {
    this.socket = socket;
    sockets.push(socket);
    const take = (line: string) => {
      this.lines.push(line);
      this.#wake();
    };
    socket.listen({ event: (event) => take(this.#line(event)), ended: (how) => take(`ended by ${how}`) });
  }

  #line(event: WireEvent): string {
    if (event.kind === "text") {
      const value = JSON.parse(event.text);
      this.values.push(value);
      return value.replyTo === undefined ? value.type : `${value.type} to ${value.replyTo}`;
    }
    if (event.kind === "close") return `close ${event.code} ${event.reason}`.trim();
    return event.kind === "broken" ? event.how : event.kind;
  }

  async see(line: string): Promise<void> {
    while (!this.lines.includes(line)) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  send(type: string, id: string, payload: unknown): void {
    this.socket.sendText(JSON.stringify({ type, id, payload }));
  }

  value(type: string) {
    return this.values.find((value) => value.type === type)!;
  }

  /** All that came up to the answer to a ping. */
  async settled(): Promise<string[]> {
    const id = `settle-${this.lines.length}`;
    this.send("ping", id, null);
    await this.see(`pong to ${id}`);
    return this.lines.filter((line) => !line.startsWith("pong to settle"));
  }
}

export async function attempt(proxy: FaultProxy, headers: Record<string, string> = {}, path?: string) {
  const url = new URL(proxy.url);
  const all = {
    Host: url.host,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "rooms.v1",
    ...headers,
  };
  const request = { method: "GET", path: path ?? url.pathname, httpVersion: "HTTP/1.1", headers: Object.entries(all) };
  return connect({ url, request, timeoutMs: 5_000 });
}

export async function client(proxy: FaultProxy): Promise<Client> {
  const connected = await attempt(proxy);
  if (connected.kind !== "open") throw new Error(`not open: ${connected.kind}`);
  const one = new Client(connected.socket);
  return one;
}

export async function ready(proxy: FaultProxy): Promise<Client> {
  const one = await client(proxy);
  await one.see("connected");
  return one;
}

export const room = { room: "a" };
export const chat = { room: "a", content: "hello" };

/** Joins, says something, and shows what came. */
export async function course(...planted: Fault[]): Promise<Client> {
  const one = await client(await proxyWith(...planted));
  one.send("join_room", "1", room);
  one.send("chat", "2", chat);
  await one.settled();
  one.lines.splice(one.lines.indexOf(one.lines.find((line) => line.startsWith("pong to settle"))!), 1);
  return one;
}
