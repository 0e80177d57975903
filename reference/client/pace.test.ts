// The client keeps under the advertised rate limits: the server's own limiter never refuses it, however the network delays its requests.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Limiter } from "../limiter.ts";
import { connected } from "../testing/client-bench.ts";
import { createPace } from "./pace.ts";

const rate = (burst: number, perSecond: number) => ({ burst, perSecond });
const limitsWith = (publish: { burst: number; perSecond: number }, publishUser = publish) => ({
  ...{ messageBytes: 1, roomsPerConnection: 1, membersPerRoom: 1, connectionsPerUser: 1, malformedPerMinute: 1 },
  ...{ refusalsPerMinute: 1, queuedBytes: 1, tokenGraceMs: 1, control: rate(1, 1), ping: rate(1, 1), publish, publishUser },
});

test("100 requests pass the server's limiter at once and in the long run, with jitter of a quarter of an interval", () => {
  fc.assert(
    fc.property(
      fc.record({ burst: fc.integer({ min: 2, max: 50 }), perSecond: fc.double({ min: 0.1, max: 100, noNaN: true }) }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.25, noNaN: true })),
      (publish, jitter) => {
        const pace = createPace(() => 0.5);
        pace.connected(limitsWith(publish));
        const limiter = new Limiter(publish);
        let nowMs = 0;
        let arrivedMs = 0;
        for (let count = 0; count < 100; count++) {
          for (let waitMs = pace.take("chat", nowMs); waitMs > 0; waitMs = pace.take("chat", nowMs)) nowMs += waitMs;
          arrivedMs = Math.max(arrivedMs, nowMs + (Number(jitter.next().value) * 1_000) / publish.perSecond);
          expect(limiter.take(arrivedMs)).toBeUndefined();
        }
        // Not much slower than the limit allows.
        expect(nowMs).toBeLessThanOrEqual((1_000 / publish.perSecond) * (100 - publish.burst + 4) * 1.03);
      },
    ),
    { numRuns: 300, seed: 3 },
  );
});

test("a new connection has its own allowance back, but not that of the user", () => {
  const pace = createPace(() => 0.5);
  const limits = limitsWith(rate(10, 1), rate(12, 1));
  pace.connected(limits);
  for (let count = 0; count < 9; count++) expect(pace.take("chat", 0)).toBe(0);
  expect(pace.take("chat", 0)).toBeGreaterThan(0);
  pace.connected(limits);
  for (let count = 0; count < 2; count++) expect(pace.take("chat", 0)).toBe(0);
  expect(pace.take("chat", 0)).toBeGreaterThan(0);
});

describe("a refusal", () => {
  test("blocks the lane for the time that the server says, and no other lane", () => {
    const pace = createPace(() => 0.5);
    pace.connected(limitsWith(rate(10, 1)));
    pace.refused("chat", 0, 700);
    expect([pace.take("direct", 0), pace.take("chat", 709), pace.take("chat", 710), pace.take("ping", 0)]).toEqual([
      710, 1, 0, 0,
    ]);
  });

  test.each([0, undefined])("again and again with retryAfterMs %s, pauses grow to half a minute", (retryAfterMs) => {
    const pace = createPace(() => 0.99);
    pace.connected(limitsWith(rate(10, 1)));
    let nowMs = 0;
    const pauses: number[] = [];
    for (let count = 0; count < 10; count++) {
      pace.refused("chat", nowMs, retryAfterMs);
      const waitMs = pace.take("chat", nowMs);
      pauses.push(waitMs);
      nowMs += waitMs;
    }
    expect(pauses.at(-1)).toBeGreaterThan(29_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000);
  });

  test.each([1e15, Number.MAX_SAFE_INTEGER])("for %d ms is not believed", (retryAfterMs) => {
    const pace = createPace(() => 0.5);
    pace.connected(limitsWith(rate(10, 1)));
    pace.refused("chat", 0, retryAfterMs);
    expect(pace.take("chat", 0)).toBeLessThanOrEqual(300_000);
  });
});

test.each([1e-300, 5e-324])("an advertised rate of %d per second is not believed", (perSecond) => {
  const pace = createPace(() => 0.5);
  pace.connected(limitsWith(rate(1, perSecond)));
  expect(pace.take("chat", 0)).toBe(0);
  expect(pace.take("chat", 0)).toBeLessThanOrEqual(60_000);
});

test("100 chats at once are acknowledged in order, on one connection, no faster than advertised", async () => {
  const publish = rate(20, 10);
  const bench = await connected({ limits: { publish, publishUser: publish } });
  const sentAtMs: number[] = [];
  bench.client.on("frame", ({ direction, text }) => {
    if (direction === "out" && text.includes('"chat"')) sentAtMs.push(bench.time.nowMs());
  });
  const contents = Array.from({ length: 100 }, (_, count) => `chat ${count}`);
  const acknowledged: string[] = [];
  const chats = contents.map(async (content) => {
    await bench.client.chat("lobby", content);
    acknowledged.push(content);
  });
  await bench.time.advance(30_000);
  await Promise.all(chats);
  expect([acknowledged, bench.server.log("lobby"), bench.server.handshakes]).toEqual([contents, contents, 1]);
  const limiter = new Limiter(publish);
  expect(sentAtMs.map((ms) => limiter.take(ms))).toEqual(contents.map(() => undefined));
});

test("chats that the server refuses for now are repeated in their order, behind those that were under way", async () => {
  const bench = await connected();
  const contents = Array.from({ length: 30 }, (_, count) => `chat ${count}`);
  const chats = contents.map((content) => bench.client.chat("lobby", content));
  await bench.time.advance(10);
  for (let count = 0; count < 3; count++) bench.server.misbehave("refuse-for-now");
  const more = ["a", "b", "c", "d", "e"].map((content) => bench.client.chat("lobby", content));
  await bench.time.advance(60_000);
  await Promise.all([...chats, ...more]);
  expect(bench.server.log("lobby")).toEqual([...contents, "d", "e", "a", "b", "c"]);
  expect(bench.server.handshakes).toBe(1);
});
