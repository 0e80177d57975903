// The client among hostile servers, sockets, listeners and token functions: no error escapes, nothing is hammered, everything ends with close().
import fc from "fast-check";
import { expect, test } from "vitest";
import { createTime } from "../testing/fake-server.ts";
import { createClient, RequestFailed } from "./client.ts";
import type { SocketEvents } from "./socket.ts";

const timestamp = "2026-01-31T00:00:00.000Z";
const rate = { burst: 20, perSecond: 1 };
const counts = { messageBytes: 65_536, roomsPerConnection: 50, membersPerRoom: 10, connectionsPerUser: 20 };
const more = { malformedPerMinute: 10, refusalsPerMinute: 30, queuedBytes: 1_048_576, tokenGraceMs: 25_000 };
const at = { room: "a", epoch: "e", seq: 5 };
const user = { clientId: "c1", userId: "u", username: "u" };
const error = { code: "RATE_LIMITED", message: "x", retryable: true, retryAfterMs: 0 };
/** One valid message of each type. */
const samples: readonly { readonly type: string; readonly [member: string]: unknown }[] = [
  {
    type: "connected",
    payload: {
      ...user,
      expiresAt: "2026-01-31T01:00:00.000Z",
      protocol: "rooms.v1",
      heartbeat: { intervalMs: 30_000, timeoutMs: 10_000 },
      limits: { ...counts, ...more, publish: rate, publishUser: rate, control: rate, ping: rate },
    },
  },
  { type: "authenticated", replyTo: "r1", payload: { userId: "u", username: "u", expiresAt: timestamp } },
  { type: "joined_room", replyTo: "r1", payload: { ...at, memberCount: 1, members: [user], recovered: true } },
  { type: "left_room", replyTo: "r1", payload: { room: "a" } },
  { type: "ack", replyTo: "r1", payload: at },
  { type: "pong", replyTo: "r1", payload: null },
  { type: "message", payload: { ...at, from: user, content: "x" } },
  { type: "direct_message", payload: { from: user, content: "x" } },
  { type: "user_joined", payload: { ...at, ...user, memberCount: 1 } },
  { type: "user_left", payload: { ...at, ...user, memberCount: 0, reason: "leave" } },
  { type: "user_typing", payload: { room: "a", ...user, active: true } },
  { type: "server_shutdown", payload: { reason: "x", reconnectWithinMs: 0 } },
  { type: "error", replyTo: "r1", payload: error },
  { type: "error", payload: { ...error, code: "INTERNAL" } },
];

const hostileValue = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(null, 0, -1, 1, 1e308, Number.MAX_SAFE_INTEGER, "", "__proto__", "constructor", "a", "e", [], {}),
  fc.constantFrom("1969-12-31T23:59:59.999Z", "2026-01-31T00:00:00.001Z", "9999-12-31T23:59:59.999Z", "2016-12-31T23:59:60.000Z"),
);
const id = fc.oneof(
  fc.integer({ min: 1, max: 12 }).map((count) => `r${count}`),
  fc.constantFrom("h1", "none"),
);

/** A valid message with the reply's id or some members changed; `path` picks the member. */
const message = fc
  .tuple(
    fc.constantFrom(...samples),
    id,
    fc.integer({ min: 0, max: 9 }),
    fc.array(fc.tuple(fc.nat(), hostileValue), { maxLength: 2 }),
  )
  .map(([sample, replyTo, seq, changes]) => {
    const copy = structuredClone({ ...sample, timestamp, ...("replyTo" in sample ? { replyTo } : {}) }) as Record<
      string,
      unknown
    >;
    const payload = copy.payload as Record<string, unknown> | null;
    if (payload !== null && "seq" in payload) payload.seq = seq;
    for (const [path, to] of changes) {
      const target = path % 2 === 0 || payload === null ? copy : payload;
      const names = Object.keys(target);
      target[names[path % names.length] ?? "extra"] = to;
    }
    return JSON.stringify(copy);
  });
const frame: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: message },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: hostileValue.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>("[".repeat(50_000), new Uint8Array(3), undefined, 7, '{"type":') },
);

type Step =
  | { readonly kind: "frame"; readonly frame: unknown }
  | { readonly kind: "close"; readonly code: number }
  | {
      readonly kind: "opened" | "failed" | "join" | "leave" | "chat" | "direct" | "typing" | "abort" | "retry" | "hang" | "throw";
    }
  | { readonly kind: "wait"; readonly ms: number };
const simple = ["opened", "failed", "join", "leave", "chat", "direct", "typing", "abort", "retry", "hang", "throw"] as const;
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: frame.map((one) => ({ kind: "frame", frame: one }) as const) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(1000, 1006, 1012, 4001, 4003, 4401, 4410, 4429, 4999, Number.NaN)
      .map((code) => ({ kind: "close", code }) as const),
  },
  { weight: 6, arbitrary: fc.constantFrom(...simple).map((kind) => ({ kind }) as const) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 60_000 }).map((ms) => ({ kind: "wait", ms }) as const) },
);

test("over any schedule no error escapes, nothing is hammered, and close() ends everything", async () => {
  const reached = { connected: 0, invalid: 0, problems: 0, gaps: 0, stopped: 0, settled: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, greets) => {
      const time = createTime();
      let events: SocketEvents | undefined;
      let attempts = 0;
      let sent = 0;
      let isHung = false;
      let throws = false;
      const maybeThrow = () => {
        if (throws) throw new Error("hostile");
      };
      const client = createClient({
        url: "ws://hostile/ws",
        token: () => {
          maybeThrow();
          return isHung ? new Promise(() => undefined) : "token";
        },
        openSocket(_url, _protocols, given) {
          attempts++;
          maybeThrow();
          events = given;
          if (greets) {
            time.setTimer(1, () => given.opened());
            time.setTimer(2, () => given.message(JSON.stringify({ ...samples[0], timestamp })));
          }
          return {
            send(text: string) {
              sent++;
              maybeThrow();
              const request = JSON.parse(text);
              if (!greets || request.type !== "join_room") return;
              const payload = {
                ...at,
                seq: 10 * attempts,
                memberCount: 1,
                members: [user],
                ...(request.payload.since ? { recovered: false } : {}),
              };
              time.setTimer(1, () =>
                given.message(JSON.stringify({ type: "joined_room", timestamp, replyTo: request.id, payload })),
              );
            },
            close: maybeThrow,
            get readyState() {
              return isHung ? 2 : 1;
            },
          };
        },
        dependencies: time,
      });
      client.on("state", (state) => {
        if (state === "connected") reached.connected++;
        maybeThrow();
      });
      client.on("message", async () => maybeThrow());
      client.on("frame", maybeThrow);
      client.on("joined", () => void client.chat("a", "from a listener").catch(() => undefined));
      client.on("invalid", () => void reached.invalid++);
      client.on("gap", () => void reached.gaps++);
      client.on("stopped", () => void reached.stopped++);
      client.on("problem", () => {
        reached.problems++;
        maybeThrow();
      });
      const iterated = (async () => {
        for await (const _ of client.events("message")) maybeThrow();
      })().catch((reason) => expect(["hostile", "1000 events wait to be read."]).toContain(reason.message));
      const calls: Promise<unknown>[] = [iterated];
      const abort = new AbortController();
      const call = { signal: abort.signal };
      client.connect();
      if (greets) calls.push(client.join("a"));
      for (const one of steps) {
        if (one.kind === "frame") events?.message(one.frame);
        if (one.kind === "close") events?.closed(one.code);
        if (one.kind === "opened") events?.opened();
        if (one.kind === "failed") events?.failed();
        if (one.kind === "join") calls.push(client.join("a", call));
        if (one.kind === "leave") calls.push(client.leave("a"));
        if (one.kind === "chat") calls.push(client.chat("a", "x"));
        if (one.kind === "direct") calls.push(client.direct("c1", "x", call));
        if (one.kind === "typing") client.typing("a", true);
        if (one.kind === "abort") abort.abort();
        if (one.kind === "retry") client.retryNow();
        if (one.kind === "hang") isHung = !isHung;
        if (one.kind === "throw") throws = !throws;
        await time.advance(one.kind === "wait" ? one.ms : 0);
      }
      // At most two attempts a second; frames are what was asked for, with their repetitions, and a heartbeat a second.
      const seconds = time.nowMs() / 1_000;
      expect(attempts).toBeLessThanOrEqual(2 * seconds + 2);
      expect(sent).toBeLessThanOrEqual(2 * seconds + 10 * steps.length + 20);
      client.close();
      await time.advance(0);
      const outcomes = await Promise.allSettled(calls);
      reached.settled += outcomes.length;
      for (const outcome of outcomes) {
        if (outcome.status === "rejected")
          expect(outcome.reason === abort.signal.reason || outcome.reason instanceof RequestFailed).toBe(true);
      }
      expect(client.state).toBe("closed");
      await time.advance(3_600_000);
      expect([client.state, client.identity]).toEqual(["closed", undefined]);
      const before = attempts;
      await time.advance(3_600_000);
      expect(attempts).toBe(before);
    }),
    { numRuns: 1_500, seed: 13 },
  );
  // The schedules reached what they are for.
  expect(Math.min(...Object.values(reached)), JSON.stringify(reached)).toBeGreaterThan(50);
});
