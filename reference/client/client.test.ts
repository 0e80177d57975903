// The client against a server that misbehaves on schedule: every event once and in order, every chat published once, nothing after close().
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { closeCodes } from "../../generated/protocol.gen.ts";
import { type BenchOptions, connected, createBench } from "../testing/client-bench.ts";
import type { FakeServer } from "../testing/fake-server.ts";

describe("after each close code of the document", () => {
  test.each(Object.values(closeCodes))("$code: $reconnect", async (entry) => {
    const bench = await connected();
    bench.server.close(entry.code);
    await bench.time.advance(10);
    if (entry.reconnect === "stop") {
      await bench.time.advance(3_600_000);
      expect([bench.client.state, bench.stopped, bench.server.handshakes]).toEqual(["closed", [entry.code], 1]);
      return;
    }
    const least = "minDelayMs" in entry ? entry.minDelayMs : 0;
    if (least > 0) {
      await bench.time.advance(least - 100);
      expect(bench.server.handshakes).toBe(1);
    }
    await bench.time.advance(61_000);
    expect([bench.client.state, bench.stopped, bench.server.handshakes]).toEqual(["connected", [], 2]);
    expect(new Set(bench.server.tokens).size).toBe(entry.reconnect === "fresh-token" ? 2 : 1);
    bench.server.say("lobby", "still here");
    await bench.time.advance(100);
    expect(bench.seen).toEqual(["still here"]);
  });

  test("44xx that it does not know stops, other unknown codes do not", async () => {
    const stopping = await connected();
    stopping.server.close(4499);
    await stopping.time.advance(3_600_000);
    expect(stopping.client.state).toBe("closed");
    const going = await connected();
    going.server.close(4999);
    await going.time.advance(61_000);
    expect(going.client.state).toBe("connected");
  });
});

test("a fresh token that is refused as well ends it", async () => {
  const bench = await connected();
  bench.server.refuseWith(4401);
  bench.server.close(4401);
  await bench.time.advance(3_600_000);
  expect([bench.client.state, bench.stopped, bench.server.handshakes]).toEqual(["closed", [4401], 2]);
});

test("reconnects within the time that the shutdown said", async () => {
  const bench = await connected();
  bench.server.shutdown(3_000);
  await bench.time.advance(3_100);
  expect([bench.client.state, bench.server.handshakes]).toEqual(["connected", 2]);
});

test("back-off grows while nobody answers, and ends with success", async () => {
  const bench = await connected();
  bench.server.refuseWith(1006);
  bench.server.cut();
  await bench.time.advance(600_000);
  expect(bench.server.handshakes).toBeLessThan(80);
  expect(bench.server.handshakes).toBeGreaterThan(15);
  bench.server.refuseWith(undefined);
  await bench.time.advance(31_000);
  expect(bench.client.state).toBe("connected");
});

test("renews its token before it runs out, on the same connection", async () => {
  const bench = await connected({ tokenLifeMs: 60_000 });
  await bench.time.advance(600_000);
  expect([bench.client.state, bench.server.handshakes]).toEqual(["connected", 1]);
});

test("a server that falls silent is left, and found again", async () => {
  const bench = await connected();
  bench.server.misbehave("say-nothing");
  await bench.time.advance(29_000);
  expect(bench.server.handshakes).toBe(1);
  await bench.time.advance(20_000);
  expect([bench.client.state, bench.server.handshakes]).toEqual(["connected", 2]);
});

test.each<[string, BenchOptions]>([
  ["fire once a minute, as in a tab in the background", { timerTakes: (ms, nowMs) => 60_000 - ((nowMs + ms) % 60_000) + ms }],
  ["fire a little early", { timerTakes: (ms) => Math.max(0, ms - 0.7) }],
  ["fire just before the answer is read", { unreadMs: 9_998 }],
])("timers that %s end no connection that answers", async (_, options) => {
  const bench = createBench(options);
  let pings = 0;
  bench.client.on("frame", ({ direction, text }) => {
    if (direction === "out" && text.includes('"ping"')) pings++;
  });
  bench.client.connect();
  await bench.time.advance(600_000);
  expect([bench.client.state, bench.server.handshakes]).toEqual(["connected", 1]);
  expect(pings).toBeGreaterThan(4);
});

test("what was missed while away comes in order, before what is new", async () => {
  const bench = await connected();
  bench.server.say("lobby", "one");
  await bench.time.advance(10);
  bench.server.cut();
  bench.server.say("lobby", "two");
  bench.server.say("lobby", "three");
  await bench.time.advance(1_000);
  bench.server.say("lobby", "four");
  await bench.time.advance(100);
  expect([bench.seen, bench.gaps]).toEqual([["one", "two", "three", "four"], []]);
});

test("what cannot come any more is reported as a gap", async () => {
  const bench = await connected();
  bench.server.say("lobby", "one");
  await bench.time.advance(10);
  bench.server.cut();
  bench.server.loseState();
  await bench.time.advance(1_000);
  expect(bench.gaps).toEqual([{ room: "lobby", after: { epoch: "e1", seq: 2 }, upTo: { epoch: "e2", seq: 1 } }]);
});

test("a request that may have taken effect fails as unknown, a chat is repeated", async () => {
  const bench = await connected();
  bench.server.misbehave("lose-reply");
  const said = bench.client.chat("lobby", "once");
  await bench.time.advance(50);
  bench.server.cut();
  await bench.time.advance(1_000);
  await expect(said).resolves.toMatchObject({ epoch: "e1" });
  expect([bench.server.log("lobby"), bench.seen]).toEqual([["once"], ["once"]]);

  bench.server.misbehave("lose-reply");
  const whispered = bench.client.direct("c9", "psst");
  const failed = expect(whispered).rejects.toMatchObject({ code: "UNKNOWN" });
  await bench.time.advance(50);
  bench.server.cut();
  await bench.time.advance(1_000);
  await failed;
});

test("the outbox is bounded", async () => {
  const bench = createBench({ outboxSize: 3 });
  bench.client.connect();
  const all = Promise.allSettled([1, 2, 3, 4].map((count) => bench.client.ping(count)));
  await bench.time.advance(100);
  expect((await all).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled", "rejected"]);
});

test("a room survives that the server cannot take us in again for now", async () => {
  const bench = await connected();
  for (let count = 0; count < 3; count++) bench.server.misbehave("refuse-unavailable");
  bench.server.cut();
  bench.server.say("lobby", "meanwhile");
  await bench.time.advance(60_000);
  expect([bench.client.rooms, bench.seen, bench.gaps]).toEqual([["lobby"], ["meanwhile"], []]);
});

test("a room that refuses us for good is told as lost", async () => {
  const bench = await connected();
  const lost: unknown[] = [];
  bench.client.on("lost", (value) => lost.push(value));
  bench.server.misbehave("refuse-room");
  bench.server.cut();
  await bench.time.advance(60_000);
  expect([lost, bench.client.rooms]).toEqual([[{ room: "lobby", code: "ROOM_FULL" }], []]);
});

test("a full outbox does not keep us out of our rooms", async () => {
  const bench = await connected({ outboxSize: 2 });
  bench.server.refuseWith(1006);
  bench.server.cut();
  await bench.time.advance(10);
  const chats = Promise.all(["one", "two"].map((content) => bench.client.chat("lobby", content)));
  bench.server.refuseWith(undefined);
  await bench.time.advance(60_000);
  await chats;
  expect(bench.seen).toEqual(["one", "two"]);
});

test("a direct message is not repeated when the server does not know whether it took effect", async () => {
  const bench = await connected();
  bench.server.misbehave("refuse-internal");
  const refused = expect(bench.client.direct("c9", "psst")).rejects.toMatchObject({ code: "INTERNAL" });
  await bench.time.advance(100);
  await refused;
});

test("after close() nothing comes back: no connection, no timer, no waiting request", async () => {
  const bench = await connected();
  bench.server.misbehave("lose-reply");
  const waiting = expect(bench.client.ping(1)).rejects.toMatchObject({ code: "CLOSED" });
  await bench.time.advance(10);
  bench.client.close();
  await waiting;
  await bench.time.advance(3_600_000);
  expect([bench.client.state, bench.server.handshakes, bench.time.pending()]).toEqual(["closed", 1, 0]);
});

type Step =
  | { readonly kind: "say" | "chat" | "cut" | "hush" }
  | { readonly kind: "close"; readonly code: number }
  | { readonly kind: "faultyReply"; readonly faultyReply: Parameters<FakeServer["misbehave"]>[0] }
  | { readonly kind: "wait"; readonly ms: number };

const survivable = Object.values(closeCodes).flatMap(({ code, reconnect }) =>
  reconnect === "stop" || reconnect === "rejoin" ? [] : [code],
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: "say" } as const) },
  { weight: 4, arbitrary: fc.constant({ kind: "chat" } as const) },
  { weight: 2, arbitrary: fc.constant({ kind: "cut" } as const) },
  { weight: 1, arbitrary: fc.constantFrom(...survivable).map((code) => ({ kind: "close", code }) as const) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom("lose-reply", "repeat-event", "skip-event", "refuse-for-now", "refuse-unavailable")
      .map((faultyReply) => ({ kind: "faultyReply", faultyReply }) as const),
  },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 5_000 }).map((ms) => ({ kind: "wait", ms }) as const) },
);

test("over any schedule of faults every event of the room arrives once and in order, and each chat is published once", async () => {
  let reconnects = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const bench = await connected();
      const chats: Promise<unknown>[] = [];
      let count = 0;
      for (const one of steps) {
        if (one.kind === "say") bench.server.say("lobby", `said ${++count}`);
        if (one.kind === "chat") chats.push(bench.client.chat("lobby", `chatted ${++count}`));
        if (one.kind === "cut") bench.server.cut();
        if (one.kind === "close") bench.server.close(one.code);
        if (one.kind === "faultyReply") bench.server.misbehave(one.faultyReply);
        if (one.kind === "wait") await bench.time.advance(one.ms);
      }
      // A lost reply is known as lost only when the connection ends; a hole only when the next event comes.
      await bench.time.advance(120_000);
      for (let round = 0; round < 4; round++) {
        bench.server.cut();
        await bench.time.advance(120_000);
        bench.server.say("lobby", `said ${++count}`);
        await bench.time.advance(5_000);
      }
      reconnects += bench.server.handshakes - 1;
      expect(bench.gaps).toEqual([]);
      expect(bench.seen).toEqual(bench.server.log("lobby"));
      expect((await Promise.allSettled(chats)).filter(({ status }) => status === "rejected")).toEqual([]);
      expect(bench.server.log("lobby")).toHaveLength(count);
      bench.client.close();
    }),
    { numRuns: 150, seed: 7 },
  );
  expect(reconnects).toBeGreaterThan(500);
});
