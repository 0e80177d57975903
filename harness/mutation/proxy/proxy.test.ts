// The proxy in front of a tiny server that speaks a piece of rooms.v1: what goes through, and what each kind of fault makes of it.
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { createValidators } from "../../../spec/schemas.ts";
import { createMessages } from "../../client/messages.ts";
import { encodeFrame } from "../../client/wire/frame.ts";
import type { WireEvent } from "../../client/wire/message-reader.ts";
import { connect, type WireSocket } from "../../client/wire/socket.ts";
import { faults } from "../../conformance/faults/fault.ts";
import type { Fault } from "../../conformance/faults/plan.ts";
import { type FaultProxy, startProxy } from "./proxy.ts";

const { contract } = await loadContract({ file: defaultSpecFile });
const channel = contract!.channels.find(({ kind }) => kind === "websocket")!;
const validators = createValidators(contract!);
const messages = createMessages(contract!, channel, (name, value) =>
  validators
    .of(name)(value)
    .map(({ text }) => text),
);
const timestamp = "2026-01-31T09:30:00.000Z";
const from = { userId: "ada", username: "Ada" };

let server: WebSocketServer;
let clients = 0;
let seen: string[] = [];
const proxies: FaultProxy[] = [];
const sockets: WireSocket[] = [];

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

async function proxyWith(...planted: Fault[]): Promise<FaultProxy> {
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
class Client {
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

async function attempt(proxy: FaultProxy, headers: Record<string, string> = {}, path?: string) {
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

async function client(proxy: FaultProxy): Promise<Client> {
  const connected = await attempt(proxy);
  if (connected.kind !== "open") throw new Error(`not open: ${connected.kind}`);
  const one = new Client(connected.socket);
  return one;
}

async function ready(proxy: FaultProxy): Promise<Client> {
  const one = await client(proxy);
  await one.see("connected");
  return one;
}

const room = { room: "a" };
const chat = { room: "a", content: "hello" };

describe("without a fault", () => {
  it("passes messages, closes and refusals on", async () => {
    const proxy = await proxyWith();
    const one = await ready(proxy);
    one.send("join_room", "1", room);
    one.send("chat", "2", chat);
    one.send("nonsense", "3", {});
    await one.see("ended by fin");
    expect(one.lines).toEqual(["connected", "joined_room to 1", "ack to 2", "message", "close 4400 unknown", "ended by fin"]);
    expect(await attempt(proxy, {}, "/elsewhere")).toMatchObject({ kind: "refused", status: 400 });
  });

  it("passes illegal frames on as they are", async () => {
    const one = await ready(await proxyWith());
    one.socket.sendBytes(encodeFrame({ opcode: 1, payload: "unmasked" }));
    await one.see("close 1002");
  });

  it("passes on that the client hung up without a goodbye", async () => {
    const one = await ready(await proxyWith());
    one.socket.reset();
    await expect.poll(() => seen).toContain("c-1 gone");
  });

  it("keeps the order with delays, and the delays with the seed", async () => {
    const { port } = server.address() as AddressInfo;
    const delays = { seed: 7, jitterMs: 5, stallEvery: 4, stallMs: 20 };
    const proxy = await startProxy({
      target: new URL(`ws://127.0.0.1:${port}/ws`),
      contract: contract!,
      channel,
      messages,
      delays,
    });
    proxies.push(proxy);
    const one = await ready(proxy);
    for (let at = 0; at < 20; at++) one.send("ping", String(at), at);
    await one.see("pong to 19");
    expect(one.lines.slice(1)).toEqual(Array.from({ length: 20 }, (_, at) => `pong to ${at}`));
  });
});

/** Joins, says something, and shows what came. */
async function course(...planted: Fault[]): Promise<Client> {
  const one = await client(await proxyWith(...planted));
  one.send("join_room", "1", room);
  one.send("chat", "2", chat);
  await one.settled();
  one.lines.splice(one.lines.indexOf(one.lines.find((line) => line.startsWith("pong to settle"))!), 1);
  return one;
}

describe("messages", () => {
  it.each([
    [faults.dropsMessage("message"), ["connected", "joined_room to 1", "ack to 2"]],
    [faults.duplicatesMessage("message"), ["connected", "joined_room to 1", "ack to 2", "message", "message"]],
    [faults.firstMessageLate("connected"), ["joined_room to 1", "connected", "ack to 2", "message"]],
    [faults.sendsBinary("message"), ["connected", "joined_room to 1", "ack to 2", "binary"]],
    [faults.swallowsReply("chat"), ["connected", "joined_room to 1", "message"]],
    [faults.repliesTwice("chat"), ["connected", "joined_room to 1", "ack to 2", "ack to 2", "message"]],
    [faults.wrongReplyId("chat", "/replyTo"), ["connected", "joined_room to 1", "ack to never-sent", "message"]],
    [faults.answersWith("chat", "FORBIDDEN"), ["connected", "joined_room to 1", "error to 2", "message"]],
    [faults.refuses("chat", "chat", "FORBIDDEN"), ["connected", "error to 2", "joined_room to 1"]],
    [faults.pretends("chat", "chat"), ["connected", "ack to 2", "joined_room to 1"]],
    [faults.skipsSender("message"), ["connected", "joined_room to 1", "ack to 2"]],
    [faults.ignoresFrame("chat"), ["connected", "joined_room to 1"]],
    [faults.sendsFrames("masked"), ["connected", "joined_room to 1", "ack to 2", "message"]],
  ])("$id", async (fault, lines) => {
    const one = await course(fault);
    const shown = one.lines.filter((line) => !line.includes("masked")).filter((line) => !line.startsWith("pong to settle"));
    expect([...shown].sort()).toEqual([...lines].sort());
    if (fault.how.by === "proxy" && !/refuses|pretends/.test(fault.id)) expect(shown).toEqual(lines);
  });

  it("changes, shifts, alters, retypes, removes and adds fields", async () => {
    const one = await course(
      faults.changesField("joined_room", "/payload/memberCount", 7),
      faults.addsToField("ack", "/payload/seq", 5),
      faults.addsToField("ack", "/timestamp", 1),
      faults.altersField("message", "/payload/content"),
      faults.retypesField("message", "/payload/seq"),
      faults.removesField("message", "/payload/epoch"),
      faults.leaksField("message"),
    );
    expect(one.value("joined_room").payload.memberCount).toBe(7);
    expect(one.value("ack")).toMatchObject({ timestamp: "2026-01-31T09:30:00.001Z", payload: { seq: 7 } });
    expect(one.value("message")).toMatchObject({ leaked: "secret", payload: { content: "hellx", seq: "2" } });
    expect(one.value("message").payload).not.toHaveProperty("epoch");
  });

  it("changes what the server sees of the client's message", async () => {
    await course(faults.changesField("chat", "/payload/content", "other"));
    expect(seen.join()).toContain('"content":"other"');
  });

  it("has a message overtaken by the next of its name", async () => {
    const one = await course(faults.reordersMessages("message"));
    one.send("chat", "3", { ...chat, content: "second" });
    await one.settled();
    const contents = one.values.filter(({ type }) => type === "message").map(({ payload }) => payload.content);
    expect(contents).toEqual(["second", "hello"]);
  });

  it("hits only the messages with the value, and only each n-th", async () => {
    const one = await course(
      faults.dropsMessage("ack", { where: { pointer: "/payload/room", equals: "b" } }),
      faults.dropsMessage("message", { everyNth: 2 }),
    );
    one.send("chat", "3", chat);
    expect((await one.settled()).filter((line) => line === "message" || line.startsWith("ack"))).toEqual([
      "ack to 2",
      "message",
      "ack to 3",
    ]);
  });

  it("accepts in words what the server refused", async () => {
    const one = await ready(await proxyWith(faults.acceptsRefused("chat", "NOT_IN_ROOM")));
    one.send("chat", "2", chat);
    await one.see("ack to 2");
    expect(one.value("ack").payload.room).toBe("a");
  });
});

describe("who else gets it", () => {
  it("a stranger, once", async () => {
    const proxy = await proxyWith(faults.deliversToStranger("message"));
    const [one, two, stranger] = [await ready(proxy), await ready(proxy), await ready(proxy)];
    for (const member of [one, two]) member.send("join_room", "1", room);
    await two.see("joined_room to 1");
    await one.see("joined_room to 1");
    one.send("chat", "2", chat);
    await one.see("message");
    await two.see("message");
    expect(await stranger.settled()).toEqual(["connected", "message"]);
  });

  it("one who has left", async () => {
    const proxy = await proxyWith(faults.keepsDelivering("leaveRoom", "message"));
    const [one, two] = [await ready(proxy), await ready(proxy)];
    for (const member of [one, two]) member.send("join_room", "1", room);
    two.send("leave_room", "2", room);
    await one.settled();
    await two.settled();
    one.send("chat", "2", chat);
    await one.see("message");
    expect(await two.settled()).toContain("message");
  });

  it("everyone, though it was refused", async () => {
    const proxy = await proxyWith(faults.deliversRefused("chat", "NOT_IN_ROOM"));
    const [one, outsider] = [await ready(proxy), await ready(proxy)];
    one.send("join_room", "1", room);
    await one.settled();
    outsider.send("chat", "2", chat);
    await outsider.see("error to 2");
    expect(await one.settled()).toContain("message");
    expect(one.value("message").payload).toMatchObject({ content: "hello", from: { clientId: "c-2" } });
  });

  it("is told again of what did not change", async () => {
    const proxy = await proxyWith(faults.announcesUnchanged("joinRoom"));
    const [one, two] = [await ready(proxy), await ready(proxy)];
    one.send("join_room", "1", room);
    await one.settled();
    two.send("join_room", "1", room);
    two.send("join_room", "2", room);
    await two.settled();
    expect((await one.settled()).filter((line) => line === "user_joined")).toHaveLength(1);
  });
});

describe("closing", () => {
  const closing = async (fault: Fault) => {
    const one = await ready(await proxyWith(fault));
    one.send("nonsense", "1", {});
    return one;
  };
  it("with another code", async () => (await closing(faults.changesCloseCode(4400, 1000))).see("close 1000 unknown"));
  it("with no code", async () => (await closing(faults.changesCloseCode(4400, undefined))).see("close 1005"));
  it("with another reason", async () => (await closing(faults.changesCloseReason(4400, "other"))).see("close 4400 other"));
  it("without a close frame", async () => {
    const one = await closing(faults.cutsInsteadOfClosing(4400));
    await one.see("ended by fin");
    expect(one.lines).toEqual(["connected", "ended by fin"]);
  });
  it("never", async () => {
    const one = await closing(faults.neverCloses(4400));
    await expect.poll(() => seen).toContain("c-1 gone");
    one.socket.sendClose(1000);
    await one.see("ended by fin");
    expect(one.lines).toEqual(["connected", "close 1000", "ended by fin"]);
  });
  it("where an error was due", async () => {
    const one = await ready(await proxyWith(faults.closesInstead("INVALID_JSON", 1011)));
    one.socket.sendText("{");
    await one.see("close 1011");
    expect(one.lines).not.toContain("error");
  });
  it("unseen by the server", async () => {
    const one = await ready(await proxyWith(faults.keepsHalfOpen()));
    one.socket.sendClose(1000);
    await one.see("ended by fin");
    expect(seen).toEqual([]);
    expect(server.clients.size).toBe(1);
  });
});

describe("malformed frames and frames that break RFC 6455", () => {
  it("takes them as good", async () => {
    const one = await ready(await proxyWith(faults.acceptsInvalid("not-json")));
    one.socket.sendText("{");
    await expect.poll(() => one.lines.at(-1)).toMatch(/^pong to/);
  });
  it("ignores them", async () => {
    const one = await ready(await proxyWith(faults.ignoresInvalid()));
    one.socket.sendText("{");
    expect(await one.settled()).toEqual(["connected"]);
  });
  it.each([
    ["unmasked", encodeFrame({ opcode: 1, payload: '{"type":"ping","id":"x","payload":1}' })],
    ["reserved-bit", encodeFrame({ opcode: 9, reserved: 4, maskKey: 1 })],
    ["reserved-opcode", encodeFrame({ opcode: 3, maskKey: 1 })],
    ["control-fragmented", encodeFrame({ opcode: 9, fin: false, maskKey: 1 })],
    ["control-too-long", encodeFrame({ opcode: 9, payload: "x".repeat(126), maskKey: 1 })],
    ["continuation-without-start", encodeFrame({ opcode: 0, payload: "x", maskKey: 1 })],
    ["not-utf8", encodeFrame({ opcode: 1, payload: Buffer.from([0xff]), maskKey: 1 })],
  ] as const)("tolerates %s", async (defect, bytes) => {
    const one = await ready(await proxyWith(faults.tolerates(defect)));
    one.socket.sendBytes(bytes);
    expect((await one.settled()).filter((line) => /close|ended/.test(line))).toEqual([]);
  });
});

describe("the handshake", () => {
  it("gets another status, and loses and gains headers", async () => {
    const refused = await attempt(await proxyWith(faults.changesStatus(400, 404)), {}, "/elsewhere");
    expect(refused).toMatchObject({ kind: "refused", status: 404 });
    const opened = await attempt(await proxyWith(faults.dropsHeader("Upgrade"), faults.addsHeader("X-More", "1")));
    if (opened.kind !== "open") throw new Error("not open");
    sockets.push(opened.socket);
    expect([opened.headers.get("upgrade"), opened.headers.get("x-more")]).toEqual([undefined, "1"]);
  });
  it("ends in nothing", async () => {
    expect(await attempt(await proxyWith(faults.dropsHandshake(101)))).toMatchObject({ kind: "dropped" });
  });
  it("is rewriteRequest so that the server accepts it", async () => {
    const opened = await attempt(await proxyWith(faults.acceptsHandshake("path-unknown")), {}, "/elsewhere");
    expect(opened.kind).toBe("open");
    if (opened.kind === "open") sockets.push(opened.socket);
  });
  it("loses the credential of a carrier, and gets a good one for a bad one", async () => {
    const requests: (string | undefined)[] = [];
    server.on("headers", (_headers, request) => requests.push(request.headers.authorization));
    const bad = { Authorization: "Bearer bad" };
    for (const fault of [faults.ignoresCarrier(0), faults.acceptsCredential("credential-invalid")]) {
      const opened = await attempt(await proxyWith(fault), bad);
      if (opened.kind === "open") sockets.push(opened.socket);
    }
    expect(requests).toEqual([undefined, expect.stringMatching(/^Bearer \w+\.\w+\./)]);
  });
});
