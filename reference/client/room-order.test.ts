// What a member sees of a room: each event once and in order; what is missing is a gap.
import { describe, expect, test } from "vitest";
import { connected } from "../testing/client-bench.ts";
import { createRoomOrder } from "./room-order.ts";

const at = (seq: number, epoch = "e1") => ({ epoch, seq });

describe("a join", () => {
  test("for the first time has no gap", () => {
    expect(createRoomOrder().joined(at(7), undefined)).toBeUndefined();
  });

  test("that recovers is followed by the missed events, up to the own join", () => {
    const order = createRoomOrder();
    order.joined(at(3), undefined);
    expect(order.joined(at(6), true)).toBeUndefined();
    expect([order.event(at(4)), order.event(at(5)), order.event(at(7))]).toEqual(["deliver", "deliver", "deliver"]);
  });

  test("that does not recover is a gap", () => {
    const order = createRoomOrder();
    order.joined(at(3), undefined);
    expect(order.joined(at(9), false)).toEqual({ after: at(3), upTo: at(9) });
    expect(order.event(at(10))).toBe("deliver");
  });

  test("where nothing was missed is no gap, whatever the server says", () => {
    for (const seq of [3, 4]) {
      const order = createRoomOrder();
      order.joined(at(3), undefined);
      expect(order.joined(at(seq), false)).toBeUndefined();
    }
  });

  test.each([
    ["another epoch", at(1, "e2")],
    ["an earlier position of the same epoch", at(1)],
  ])("at %s is a gap: the server lost its log", (_, to) => {
    for (const recovered of [true, false, undefined]) {
      const order = createRoomOrder();
      order.joined(at(3), undefined);
      expect(order.joined(to, recovered)).toEqual({ after: at(3), upTo: to });
    }
  });

  test("after forget() is a gap", () => {
    const order = createRoomOrder();
    order.joined(at(3), undefined);
    order.forget();
    expect([order.position, order.joined(at(4), undefined)]).toEqual([undefined, { after: at(3), upTo: at(4) }]);
  });
});

describe("on one connection", () => {
  test("a skipped event is fetched over a new connection", async () => {
    const bench = await connected();
    bench.server.misbehave("skip-event");
    bench.server.say("lobby", "one");
    bench.server.say("lobby", "two");
    await bench.time.advance(2_000);
    expect([bench.seen, bench.gaps, bench.server.handshakes]).toEqual([["one", "two"], [], 2]);
  });

  test("a gap that a new connection does not fill is reported, and the client goes on", async () => {
    const bench = await connected();
    bench.server.say("lobby", "one");
    await bench.time.advance(10);
    for (let count = 0; count < 3; count++) {
      bench.server.misbehave("skip-event");
      bench.server.say("lobby", "lost");
      bench.server.forget("lobby", "lost");
      bench.server.say("lobby", "two");
      await bench.time.advance(60_000);
    }
    expect(bench.gaps).toHaveLength(3);
    bench.server.say("lobby", "still here");
    await bench.time.advance(100);
    expect(bench.seen.at(-1)).toBe("still here");
  });

  test("a reply of another kind, or of another room, is no reply", async () => {
    const bench = await connected();
    const invalid: string[] = [];
    bench.client.on("invalid", ({ reason }) => invalid.push(reason));
    bench.server.misbehave("reply-of-another-kind");
    const chat = bench.client.chat("lobby", "once");
    await bench.time.advance(60_000);
    expect(invalid).toEqual(["no reply to chat"]);
    await expect(chat).resolves.toMatchObject({ epoch: "e1" });
  });
});
