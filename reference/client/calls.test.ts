// Calls with a signal, listeners that throw, and events by iteration.
import { describe, expect, test } from "vitest";
import { connected, createBench } from "../testing/client-bench.ts";

describe("a signal", () => {
  test("that is aborted already sends nothing", async () => {
    const bench = await connected();
    const reason = new Error("enough");
    await expect(bench.client.chat("lobby", "x", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(bench.client.join("other", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await bench.time.advance(100);
    expect([bench.server.log("lobby"), bench.client.rooms]).toEqual([[], ["lobby"]]);
  });

  test("takes a waiting chat out of the outbox", async () => {
    const bench = createBench();
    const abort = new AbortController();
    const chat = expect(bench.client.chat("lobby", "never", { signal: abort.signal })).rejects.toMatchObject({
      name: "AbortError",
    });
    abort.abort();
    await chat;
    bench.client.connect();
    void bench.client.join("lobby");
    await bench.time.advance(1_000);
    expect(bench.server.log("lobby")).toEqual([]);
  });

  test("leaves a room whose join was under way", async () => {
    const bench = await connected();
    const abort = new AbortController();
    const join = expect(bench.client.join("other", { signal: abort.signal })).rejects.toMatchObject({ name: "AbortError" });
    abort.abort();
    await join;
    await bench.time.advance(1_000);
    bench.server.say("other", "not for us");
    await bench.time.advance(100);
    expect([bench.client.rooms, bench.seen]).toEqual([["lobby"], []]);
  });

  test("is let go of when the call is done", async () => {
    const bench = await connected();
    const listening = new Set<unknown>();
    const { signal } = new AbortController();
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listening.add(args[1]);
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listening.delete(args[1]);
      removeEventListener.apply(signal, args);
    };
    const ping = bench.client.ping(1, { signal });
    expect(listening.size).toBe(1);
    await bench.time.advance(100);
    await ping;
    expect(listening.size).toBe(0);
  });
});

test("a request over the server's limit fails, and the connection stays", async () => {
  const bench = await connected({ limits: { messageBytes: 1_000 } });
  await expect(bench.client.chat("lobby", "é".repeat(600))).rejects.toMatchObject({ code: "MESSAGE_TOO_BIG" });
  await bench.time.advance(1_000);
  expect([bench.client.state, bench.server.handshakes]).toEqual(["connected", 1]);
});

test("a payload that is no JSON fails alone", async () => {
  const bench = await connected();
  const circular: unknown[] = [];
  circular.push(circular);
  await expect(bench.client.ping(circular)).rejects.toThrow(TypeError);
  const ping = bench.client.ping("fine");
  await bench.time.advance(100);
  await ping;
});

test("a listener that throws or rejects is reported, and stops nobody", async () => {
  const bench = createBench();
  const problems: unknown[] = [];
  bench.client.on("problem", ({ source, error }) => problems.push([source, error]));
  bench.client.on("problem", () => {
    throw new Error("this one too");
  });
  const [thrown, rejected] = [new Error("thrown"), new Error("rejected")];
  bench.client.on("joined", () => {
    throw thrown;
  });
  bench.client.on("joined", () => Promise.reject(rejected));
  bench.client.connect();
  void bench.client.join("lobby");
  await bench.time.advance(100);
  bench.server.say("lobby", "still here");
  await bench.time.advance(100);
  expect(problems).toEqual([
    ["listener", thrown],
    ["listener", rejected],
  ]);
  expect(bench.seen).toEqual(["still here"]);
});

test("a listener may chat from within a sent frame, and the frames keep the order of the calls", async () => {
  const bench = await connected();
  let once = true;
  bench.client.on("frame", ({ direction, text }) => {
    if (direction === "in" || !text.includes("first") || !once) return;
    once = false;
    void bench.client.chat("lobby", "third");
  });
  void bench.client.chat("lobby", "first");
  void bench.client.chat("lobby", "second");
  await bench.time.advance(100);
  // "third" is called while "first" is being sent, so before "second".
  expect(bench.server.log("lobby")).toEqual(["first", "third", "second"]);
});

describe("events()", () => {
  test("gives every value from the call on, and ends with close()", async () => {
    const bench = await connected();
    const events = bench.client.events("message");
    bench.server.say("lobby", "one");
    bench.server.say("lobby", "two");
    await bench.time.advance(10);
    bench.client.close();
    const types: string[] = [];
    for await (const { type } of events) types.push(type);
    expect(types).toEqual(["message", "message"]);
  });

  test("waits for a value, and ends with its signal's reason", async () => {
    const bench = await connected();
    const abort = new AbortController();
    const events = bench.client.events("message", { signal: abort.signal });
    const first = events.next();
    bench.server.say("lobby", "one");
    await bench.time.advance(10);
    expect(await first).toMatchObject({ done: false, value: { type: "message" } });
    const second = expect(events.next()).rejects.toThrow("enough");
    abort.abort(new Error("enough"));
    await second;
  });

  test("ends when more values wait than its limit", async () => {
    const bench = await connected();
    const events = bench.client.events("frame", { limit: 2 });
    bench.server.say("lobby", "one");
    bench.server.say("lobby", "two");
    bench.server.say("lobby", "three");
    await bench.time.advance(10);
    expect([(await events.next()).done, (await events.next()).done]).toEqual([false, false]);
    await expect(events.next()).rejects.toMatchObject({ code: "QUEUE_FULL" });
  });

  test.each(["before it started", "while it waits"])("return() %s lets go of the client", async (when) => {
    const bench = await connected();
    const events = bench.client.events("message");
    const next = when === "while it waits" ? events.next() : undefined;
    await events.return?.();
    expect(await next).toEqual(next && { done: true, value: undefined });
    bench.server.say("lobby", "unheard");
    await bench.time.advance(10);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});
