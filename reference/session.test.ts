// The protocol of one connection, without sockets.
import { describe, expect, test } from "vitest";
import { limits } from "../generated/protocol.gen.ts";
import { HubUnavailable, HubUncertain } from "./hub/hub.ts";
import { createServer, settle } from "./testing/session-bench.ts";

describe("a session", () => {
  test("sends connected first, with the effective limits", async () => {
    const { connect, clock } = createServer({ MESSAGE_BYTES: "1024", HEARTBEAT_INTERVAL_MS: "500", PUBLISH_BURST: "7" });
    const ada = connect("ada");
    ada.send({ type: "ping", id: "p", payload: 1 });
    const [connected, pong] = await ada.take();
    expect(connected).toMatchObject({
      type: "connected",
      payload: {
        clientId: "c-1",
        userId: "ada",
        username: "Name of ada",
        expiresAt: new Date(clock.dateMs() + 60_000).toISOString(),
        protocol: "rooms.v1",
        heartbeat: { intervalMs: 500, timeoutMs: 10_000 },
        limits: { messageBytes: 1024, publish: { burst: 7, perSecond: 1 } },
      },
    });
    expect(Object.keys(connected.payload.limits)).toHaveLength(12);
    expect(pong).toMatchObject({ type: "pong", replyTo: "p", payload: 1 });
  });

  test("replies in the order of the requests, even if the hub is slow", async () => {
    const { connect, hub } = createServer();
    const ada = connect("ada");
    ada.send({ type: "join_room", id: "1", payload: { room: "lobby" } });
    await ada.take();
    let release = () => {};
    hub.hold = new Promise((resolve) => {
      release = resolve;
    });
    ada.send({ type: "chat", id: "2", payload: { room: "lobby", content: "slow" } });
    ada.send({ type: "ping", id: "3", payload: null });
    ada.send("not json");
    ada.send({ type: "leave_room", id: "4", payload: { room: "lobby" } });
    expect(await ada.take()).toEqual([]);
    release();
    expect((await ada.take()).map(({ type, replyTo }) => [type, replyTo])).toEqual([
      ["message", undefined],
      ["ack", "2"],
      ["pong", "3"],
      ["error", undefined],
      ["left_room", "4"],
    ]);
  });

  test("pauses reading when messages arrive faster than they are handled", async () => {
    const { connect, hub } = createServer({ PING_BURST: "1000" });
    const ada = connect("ada", ["broadcaster"]);
    await ada.take();
    let release = () => {};
    hub.hold = new Promise((resolve) => {
      release = resolve;
    });
    ada.send({ type: "broadcast", id: "b", payload: { content: "slow" } });
    for (let count = 0; count < 65; count++) ada.send({ type: "ping", id: `${count}`, payload: null });
    expect(ada.state.isReading).toBe(false);
    release();
    expect(await ada.take()).toHaveLength(67);
    expect(ada.state.isReading).toBe(true);
  });

  test.each([
    ["no JSON", "{", { code: "INVALID_JSON" }, undefined],
    ["nothing", "", { code: "INVALID_JSON" }, undefined],
    ["null", "null", { code: "INVALID_MESSAGE", pointer: "" }, undefined],
    ["a list", '[{"type":"ping","id":"1"}]', { code: "INVALID_MESSAGE", pointer: "" }, undefined],
    ["no type", '{"id":"1"}', { code: "INVALID_MESSAGE", pointer: "/type" }, "1"],
    ["a type that is no text", '{"type":1,"id":"1"}', { code: "INVALID_MESSAGE", pointer: "/type" }, "1"],
    ["an unknown type", '{"type":"dance","id":"1"}', { code: "UNKNOWN_TYPE" }, "1"],
    ["a type from the language", '{"type":"__proto__","id":"1"}', { code: "UNKNOWN_TYPE" }, "1"],
    ["a server's type", '{"type":"ack","id":"1","payload":{}}', { code: "UNKNOWN_TYPE" }, "1"],
    [
      "a missing field",
      '{"type":"chat","id":"1","payload":{"room":"a"}}',
      { code: "INVALID_MESSAGE", pointer: "/payload/content" },
      "1",
    ],
    ["a surplus field", '{"type":"leave_room","id":"1","payload":{"room":"a","x/y":1}}', { pointer: "/payload/x~1y" }, "1"],
    ["__proto__ in it", '{"type":"leave_room","id":"1","payload":{"room":"a","__proto__":{}}}', { code: "INVALID_MESSAGE" }, "1"],
    ["a room that is no name", '{"type":"leave_room","id":"1","payload":{"room":"../a"}}', { pointer: "/payload/room" }, "1"],
    ["an id with a space", '{"type":"ping","id":"a b","payload":1}', { pointer: "/id" }, undefined],
    ["an id that is too long", `{"type":"ping","id":"${"x".repeat(65)}","payload":1}`, { pointer: "/id" }, undefined],
    ["an id that is a number", '{"type":"ping","id":1,"payload":1}', { pointer: "/id" }, undefined],
    ["no id", '{"type":"ping","payload":1}', { pointer: "/id" }, undefined],
  ])("tells what is wrong with %s", async (_, text, payload, replyTo) => {
    const { connect } = createServer();
    const ada = connect("ada");
    await ada.take();
    ada.send(text);
    const [error, ...more] = await ada.take();
    expect(error).toMatchObject({ type: "error", payload: { ...payload, retryable: false } });
    expect(error.replyTo).toBe(replyTo);
    expect(more).toEqual([]);
    expect(ada.state.closed).toBeUndefined();
  });

  test("the pong returns the payload unchanged, at any depth", async () => {
    const { connect } = createServer();
    const ada = connect("ada");
    await ada.take();
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    ada.send(`{"type":"ping","id":"deep","payload":${deep}}`);
    expect((await ada.take())[0]).toMatchObject({ type: "pong", replyTo: "deep" });
  });

  test("tolerates the documented number of malformed frames per minute, and closes after one more", async () => {
    const { connect, clock } = createServer();
    const ada = connect("ada");
    await ada.take();
    for (let count = 0; count < limits.malformedPerMinute.value; count++) ada.send("{");
    expect(await ada.take()).toHaveLength(limits.malformedPerMinute.value);
    clock.advance(limits.malformedPerMinute.windowMs);
    ada.send("{");
    expect(await ada.take()).toHaveLength(1);
    for (let count = 0; count < limits.malformedPerMinute.value; count++) ada.send("{");
    expect(ada.state.closed).toBe(4400);
  });

  test("rejects messages over the rate with an exact wait, and closes after too many", async () => {
    const { connect, clock } = createServer({ PUBLISH_BURST: "2", PUBLISH_PER_SECOND: "4", REFUSALS_PER_MINUTE: "3" });
    const ada = connect("ada", ["broadcaster"]);
    await ada.take();
    const say = (id: string) => ada.send({ type: "broadcast", id, payload: { content: "x" } });
    for (const id of ["1", "2", "3"]) say(id);
    const frames = await ada.take();
    expect(frames.at(-1)).toMatchObject({
      replyTo: "3",
      payload: { code: "RATE_LIMITED", retryable: true, retryAfterMs: 250, retryAfter: 1 },
    });
    clock.advance(249);
    say("4");
    expect((await ada.take()).at(-1).payload.retryAfterMs).toBe(1);
    clock.advance(1);
    say("5");
    expect((await ada.take()).at(-1)).toMatchObject({ type: "ack", replyTo: "5" });
    for (const id of ["6", "7"]) say(id);
    expect(await ada.take()).toHaveLength(1);
    expect(ada.state.closed).toBe(4429);
  });

  test("a message over the user's rate does not consume the connection's rate", async () => {
    const { connect, clock } = createServer({ PUBLISH_BURST: "2", PUBLISH_USER_BURST: "1", PUBLISH_USER_PER_SECOND: "10" });
    const ada = connect("ada", ["broadcaster"]);
    await ada.take();
    for (const id of ["1", "2", "3"]) ada.send({ type: "broadcast", id, payload: { content: "x" } });
    const refused = (await ada.take()).filter(({ type }) => type === "error");
    expect(refused.map(({ payload }) => payload.retryAfterMs)).toEqual([100, 100]);
    clock.advance(100);
    ada.send({ type: "broadcast", id: "4", payload: { content: "x" } });
    expect((await ada.take()).at(-1)).toMatchObject({ type: "ack", replyTo: "4" });
  });

  test("the first failed requirement decides the error", async () => {
    const { connect } = createServer({ PUBLISH_USER_BURST: "1", PUBLISH_USER_PER_SECOND: "0.001" });
    const ada = connect("ada");
    await ada.take();
    ada.send({ type: "broadcast", id: "1", payload: { content: "x" } });
    ada.send({ type: "broadcast", id: "2", payload: { content: "x" } });
    expect((await ada.take()).map(({ payload }) => payload.code)).toEqual(["FORBIDDEN", "RATE_LIMITED"]);
  });

  test("limits the rooms of a connection, and does not count a second join", async () => {
    const { connect } = createServer({ ROOMS_PER_CONNECTION: "2" });
    const ada = connect("ada");
    await ada.take();
    for (const room of ["a", "b", "b", "c"]) ada.send({ type: "join_room", id: room, payload: { room } });
    ada.send({ type: "leave_room", id: "l", payload: { room: "a" } });
    ada.send({ type: "join_room", id: "again", payload: { room: "c" } });
    expect((await ada.take()).map(({ type, payload }) => payload.code ?? type)).toEqual([
      "joined_room",
      "joined_room",
      "joined_room",
      "TOO_MANY_ROOMS",
      "left_room",
      "joined_room",
    ]);
  });

  test("typing has no reply, and its error has no replyTo", async () => {
    const { connect } = createServer();
    const ada = connect("ada");
    await ada.take();
    ada.send({ type: "typing", payload: { room: "lobby", active: true } });
    const [refused] = await ada.take();
    expect(refused).toMatchObject({ payload: { code: "NOT_IN_ROOM" } });
    expect(refused).not.toHaveProperty("replyTo");
    ada.send({ type: "join_room", id: "j", payload: { room: "lobby" } });
    ada.send({ type: "typing", payload: { room: "lobby", active: true } });
    expect(await ada.take()).toHaveLength(1);
  });

  test("a fresh token of the same user is accepted; others are rejected and change nothing", async () => {
    const { connect, clock } = createServer({ CONTROL_BURST: "100" });
    const ada = connect("ada");
    await ada.take();
    const firstMs = ada.state.expiresAtMs;
    expect(firstMs).toBe(clock.dateMs() + 60_000 + limits.tokenGraceMs.value);
    const fresh = { ...ada.identity, roles: ["broadcaster"], expiresAtMs: clock.dateMs() + 600_000 };
    const tokens = ["garbage", { ...fresh, userId: "bob" }, { ...fresh, roles: ["suspended"] }];
    for (const token of tokens) {
      ada.send({ type: "authenticate", id: "a", payload: { token: typeof token === "string" ? token : JSON.stringify(token) } });
    }
    expect((await ada.take()).map(({ payload }) => payload.code)).toEqual(["TOKEN_INVALID", "TOKEN_MISMATCH", "FORBIDDEN"]);
    expect(ada.state.expiresAtMs).toBe(firstMs);
    ada.send({ type: "authenticate", id: "a", payload: { token: JSON.stringify(fresh) } });
    ada.send({ type: "broadcast", id: "b", payload: { content: "with my new role" } });
    expect((await ada.take()).map(({ type }) => type)).toEqual(["authenticated", "message", "ack"]);
    expect(ada.state.expiresAtMs).toBe(fresh.expiresAtMs + limits.tokenGraceMs.value);
  });

  test.each([
    ["a suspended user", "ada", ["suspended"], 4403],
    ["one connection too many", "bob", [], 4430],
  ])("%s is closed before connected", async (_, userId, roles, code) => {
    const { connect } = createServer({ CONNECTIONS_PER_USER: "1" });
    const first = connect("bob");
    await first.take();
    const second = connect(userId, roles);
    expect(await second.take()).toEqual([]);
    expect(second.state.closed).toBe(code);
    await second.session.end();
    first.send({ type: "ping", id: "p", payload: null });
    expect(await first.take()).toHaveLength(1);
  });

  test("maps HubUnavailable to UNAVAILABLE, and HubUncertain and bugs to INTERNAL, and reports bugs", async () => {
    const { connect, hub, failures } = createServer();
    const ada = connect("ada", ["broadcaster"]);
    await ada.take();
    const errors = [new HubUnavailable("down"), new HubUncertain("lost"), new TypeError("bug")];
    for (const error of errors) {
      hub.failure = error;
      ada.send({ type: "broadcast", id: "b", payload: { content: "x" } });
      await settle();
    }
    expect((await ada.take()).map(({ payload, replyTo }) => [payload.code, payload.retryable, replyTo])).toEqual([
      ["UNAVAILABLE", true, "b"],
      ["INTERNAL", true, "b"],
      ["INTERNAL", true, "b"],
    ]);
    expect(failures).toEqual(errors.slice(2));
  });

  test("finishes the current message before it detaches from the hub", async () => {
    const { connect, hub } = createServer();
    const [ada, bob] = [connect("ada"), connect("bob")];
    for (const one of [ada, bob]) one.send({ type: "join_room", id: "j", payload: { room: "lobby" } });
    await settle();
    await bob.take();
    let release = () => {};
    hub.hold = new Promise((resolve) => {
      release = resolve;
    });
    ada.send({ type: "chat", id: "c", payload: { room: "lobby", content: "last words" } });
    ada.send({ type: "chat", id: "d", payload: { room: "lobby", content: "never read" } });
    const ended = ada.session.end();
    release();
    await ended;
    expect((await bob.take()).map(({ type, payload }) => payload.content ?? [type, payload.reason])).toEqual([
      "last words",
      ["user_left", "disconnect"],
    ]);
  });

  test("a close during a delivery is announced after it", async () => {
    const { connect } = createServer();
    const [ada, bob] = [connect("ada"), connect("bob")];
    for (const one of [ada, bob]) {
      one.send({ type: "join_room", id: "j", payload: { room: "lobby" } });
      await one.take();
    }
    ada.frames.push = () => {
      void ada.session.end();
      return 0;
    };
    bob.send({ type: "chat", id: "c", payload: { room: "lobby", content: "too much for ada" } });
    const seqs = (await bob.take()).flatMap(({ type, payload }) => (type === "ack" ? [] : [payload.seq]));
    expect(seqs).toEqual([3, 4]);
  });
});
