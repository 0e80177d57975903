// The proxy: what faults make of receivers, closes, frames and handshakes.
import { describe, expect, it } from "vitest";
import { encodeFrame } from "../../client/wire/frame.ts";
import { faults } from "../../conformance/faults/fault.ts";
import type { Fault } from "../../conformance/faults/plan.ts";
import { attempt, chat, proxyWith, ready, room, seen, server, sockets } from "./proxy-fixture.ts";

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
