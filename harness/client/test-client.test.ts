// What a test client tells a rule: on a server that does just what each test says.

import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { loadContract } from "../../spec/load-contract.ts";
import { beginCheck, type Check } from "../conformance/check.ts";
import { openRun } from "../conformance/open-run.ts";
import { TargetLost } from "../schema/errors.ts";
import type { TestClient } from "./test-client.ts";
import { opcode } from "./wire/frame.ts";

const { contract } = await loadContract({
  file: fileURLToPath(new URL("../../spec/examples/echo/asyncapi.yaml", import.meta.url)),
});
const channel = contract!.channels[0]!;
const message = (id: string, text = "x") => ({ type: "say", id, text });

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A client whose server echoes until `stall` is called; `socket` is the server's end. Short deadlines, because what is waited for in vain never comes. */
async function connected(): Promise<{ testClient: TestClient; socket: WebSocket; stall: () => void; check: Check }> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  const sockets: WebSocket[] = [];
  server.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("message", (data) => socket.send(String(data)));
    socket.on("error", () => undefined);
  });
  await new Promise((resolve) => server.on("listening", resolve));
  closers.push(async () => {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  const urls = [`ws://127.0.0.1:${(server.address() as { port: number }).port}/`];
  const target = { urls, origin: undefined, pid: undefined, askToStop: undefined, embedded: false };
  const opened = await openRun({ contract: contract!, channel, target, auth: {}, timeoutMs: 400, label: "t" });
  const check = beginCheck(opened.run);
  closers.push(async () => {
    await check.end();
    await opened.end();
  });
  const testClient = await check.context.dial();
  await testClient.fence();
  // Reads nothing any more, and takes no new connection.
  const stall = () => {
    for (const one of sockets) one.pause();
    server.close();
  };
  return { testClient, socket: sockets.at(-1)!, stall, check };
}

const text = (value: unknown) => JSON.stringify(value);

describe("waiting for messages", () => {
  it("takes what fits and leaves the rest, in order", async () => {
    const { testClient, socket } = await connected();
    for (const id of ["1", "2", "3"]) socket.send(text(message(id)));
    expect((await testClient.reply("2")).value).toEqual(message("2"));
    expect((await testClient.receive("say")).value).toEqual(message("1"));
    await expect(testClient.receiveNext(({ value }) => (value as { id: string }).id === "9")).rejects.toMatchObject({
      actual: `say ${text(message("3"))}`,
    });
  });

  it("says what came in its place when the deadline passes", async () => {
    const { testClient, socket } = await connected();
    await expect(testClient.reply("7", { withinMs: 30 })).rejects.toMatchObject({
      expected: 'a reply to "7" within 30 ms',
      actual: "silence",
    });
    socket.send(text(message("1")));
    await expect(testClient.reply("7", { withinMs: 100 })).rejects.toMatchObject({ actual: "only say" });
  });

  it("ends at once when the connection does", async () => {
    const { testClient, socket } = await connected();
    socket.close(4000, "enough");
    await expect(testClient.receive("say")).rejects.toMatchObject({ expected: "say", actual: 'close 4000 "enough"' });
  });

  it("blames nobody while neither a control connection nor a new one gets an answer", async () => {
    const { testClient, stall } = await connected();
    stall();
    await expect(testClient.reply("7", { withinMs: 30 })).rejects.toBeInstanceOf(TargetLost);
  });

  it("fences, and finds what was not asked for", async () => {
    const { testClient, socket } = await connected();
    await testClient.nothingElse();
    socket.send(text(message("unasked")));
    await expect(testClient.nothingElse()).rejects.toMatchObject({
      expected: "nothing more",
      actual: `say ${text(message("unasked"))}`,
    });
    await testClient.nothingElse(({ value }) => (value as { id: string }).id === "unasked");
    expect(testClient.takeAll()).toHaveLength(1);
  });
});

describe("sending", () => {
  it("refuses a message that is invalid by our own doing", async () => {
    const { testClient } = await connected();
    expect(() => testClient.send({ type: "say", id: "1" })).toThrow(/our own message .* is invalid: .*text/);
  });

  it("gives a request an id where it has none, and finds its reply", async () => {
    const { testClient } = await connected();
    expect((await testClient.request({ type: "say", text: "y" })).value).toMatchObject({ text: "y" });
  });

  it("sends any frame, masked or not", async () => {
    const { testClient } = await connected();
    testClient.sendRaw({ opcode: opcode.text, payload: text(message("a")).slice(0, 5), fin: false });
    testClient.sendRaw({ opcode: opcode.continuation, payload: text(message("a")).slice(5) });
    expect((await testClient.reply("a")).value).toEqual(message("a"));
    testClient.sendRaw({ opcode: opcode.text, payload: "b", maskKey: "none" });
    expect(await testClient.closes({ code: [1002, 1006] })).toMatchObject({ code: 1002 });
  });
});

describe("the end of a connection", () => {
  it("demands the code, names the other one, and waits for TCP", async () => {
    const { testClient, socket } = await connected();
    socket.close(4001);
    await expect(testClient.closes({ code: 4002 })).rejects.toMatchObject({ expected: "close 4002", actual: "close 4001" });
    expect(await testClient.closes()).toMatchObject({ code: 4001, reason: "" });
    await testClient.endsTcp();
  });

  it("is 1006 without a close frame, and a violation where it does not come", async () => {
    const { testClient, socket } = await connected();
    await expect(testClient.closes({ withinMs: 20 })).rejects.toMatchObject({ expected: "close with any code within 20 ms" });
    socket.terminate();
    expect(await testClient.closes({ code: 1006 })).toMatchObject({ code: 1006 });
  });

  it("is ours: with a code, without one, or by a reset", async () => {
    for (const [leave, code] of [
      [(testClient: TestClient) => testClient.hangUp(4999, "bye"), 4999],
      [(testClient: TestClient) => testClient.hangUp(null), 1005],
      [async (testClient: TestClient) => testClient.reset(), 1006],
    ] as const) {
      const { testClient, socket } = await connected();
      const seen = new Promise<number>((resolve) => socket.on("close", resolve));
      await leave(testClient);
      expect(await seen).toBe(code);
    }
  });
});

describe("control frames", () => {
  it("pings with a payload, and demands the same back", async () => {
    const { testClient } = await connected();
    await testClient.ping();
    await testClient.ping(Buffer.from([0, 255]));
    await testClient.ping("");
  });

  it("answers pings unless it is told not to", async () => {
    const { testClient, socket } = await connected();
    const pongs: string[] = [];
    socket.on("pong", (data) => pongs.push(String(data)));
    socket.ping("one");
    await testClient.fence();
    testClient.answerPings = false;
    socket.ping("two");
    await testClient.fence();
    expect(pongs).toEqual(["one"]);
  });

  it("stops reading, and goes on with nothing lost", async () => {
    const { testClient, socket } = await connected();
    testClient.pause();
    socket.send(text(message("late")));
    await expect(testClient.reply("late", { withinMs: 50 })).rejects.toThrow("silence");
    testClient.resume();
    await testClient.reply("late");
  });
});

describe("checking what comes", () => {
  it("files what breaks a schema or the standard, and goes on", async () => {
    const { testClient, socket, check } = await connected();
    socket.send(text({ type: "say", id: "1", text: 5 }));
    socket.send("not json");
    socket.send(text({ type: "unheard" }));
    socket.send(Buffer.from([1]));
    await testClient.fence();
    expect(check.violations.map(({ kind, pointer, actual }) => [kind, pointer, actual])).toEqual([
      ["message", "#/components/messages/say", '{"type":"say","id":"1","text":5} which /text must be string'],
      ["message", "#/channels/echo", "not json which is not JSON"],
      ["message", "#/channels/echo", '{"type":"unheard"} which is none of the messages of this direction: say'],
      ["message", "#/channels/echo", "a binary frame 01 which is binary, and no message of the document is"],
    ]);
  });

  it("leaves alone what comes after we hung up", async () => {
    const { testClient, socket, check } = await connected();
    socket.on("close", () => undefined);
    socket.pause();
    const gone = testClient.hangUp();
    socket.send("not json");
    socket.resume();
    await gone;
    expect(check.violations).toEqual([]);
  });

  it("records all of it in order", async () => {
    const { testClient, check } = await connected();
    await testClient.request(message("1"));
    await testClient.hangUp();
    const kinds = check.context
      .history()
      .filter(({ connection }) => connection === testClient.connection)
      .map(({ kind }) => kind);
    expect(kinds).toEqual(["note", "open", "send", "receive", "send", "receive", "hang-up", "close"]);
  });
});
