// The proxy: what goes through, and what faults make of messages.
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { encodeFrame } from "../../client/wire/frame.ts";
import { faults } from "../../conformance/faults/fault.ts";
import { startProxy } from "./proxy.ts";
import {
  attempt,
  channel,
  chat,
  contract,
  course,
  messages,
  proxies,
  proxyWith,
  ready,
  room,
  seen,
  server,
} from "./proxy-fixture.ts";

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
