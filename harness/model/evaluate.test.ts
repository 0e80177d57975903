// Hand-written histories of rooms.v1, good and bad: what evaluate finds in each, by rule.
import { describe, expect, it } from "vitest";
import { HistoryBuilder, overdue, room, rulesOf, who } from "./testing/history-builder.ts";

describe("an honest history", () => {
  it("has no finding, and leaves nothing open", () => {
    const builder = room().chat(1, "r", "hello", 4, [1, 2, 3]).fence(1);
    const id = builder.send(3, "leave_room", { room: "r" });
    builder.get(3, "left_room", { room: "r" }, id).left(1, 3, "r", 5, 2).left(2, 3, "r", 5, 2);
    builder.refuse(3, "NOT_IN_ROOM", builder.send(3, "chat", { room: "r", content: "late" }));
    builder.chat(2, "r", "bye", 6, [1, 2]).hangUp(2).left(1, 2, "r", 7, 1, "disconnect").fence(1).fence(3);
    const result = builder.evaluate();
    expect(result.findings).toEqual([]);
    expect(result.open).toEqual([]);
    expect(result.decided.get("delivered-to-every-member")).toBeGreaterThan(4);
  });

  it("that is empty proves nothing", () => {
    const result = new HistoryBuilder().evaluate();
    expect(result.findings).toEqual([]);
    expect(result.decided.size).toBe(0);
  });
});

describe("replies", () => {
  it.each<[string, (builder: HistoryBuilder) => unknown]>([
    [
      "reply-exactly-one",
      (s) => {
        s.send(1, "chat", { room: "r", content: "x" });
        s.fence(1);
      },
    ],
    [
      "reply-exactly-one",
      (s) => {
        const id = s.send(1, "leave_room", { room: "x" });
        s.get(1, "left_room", { room: "x" }, id).get(1, "left_room", { room: "x" }, id);
      },
    ],
    [
      "fence-in-order",
      (s) => {
        const id = s.send(1, "leave_room", { room: "x" });
        s.fence(1).get(1, "left_room", { room: "x" }, id);
      },
    ],
    [
      "reply-matches-effect",
      (s) => {
        const id = s.send(1, "leave_room", { room: "x" });
        s.get(1, "authenticated", { userId: "u1" }, id);
      },
    ],
    [
      "reply-fields-match",
      (s) => {
        const id = s.send(1, "leave_room", { room: "x" });
        s.get(1, "left_room", { room: "y" }, id);
      },
    ],
    [
      "requirement-is-enforced",
      (s) => {
        const id = s.send(1, "chat", { room: "x", content: "x" });
        s.get(1, "ack", { room: "x", epoch: "f", seq: 1 }, id);
      },
    ],
    [
      "requirement-is-enforced",
      (s) => {
        const id = s.send(1, "broadcast", { content: "x" });
        s.get(1, "ack", { room: null, epoch: "f", seq: 1 }, id);
      },
    ],
    ["allowed-is-not-rejected", (s) => s.refuse(1, "NOT_IN_ROOM", s.send(1, "chat", { room: "r", content: "x" }))],
    ["error-by-first-failed-requirement", (s) => s.refuse(1, "FORBIDDEN", s.send(1, "chat", { room: "x", content: "x" }))],
    [
      "error-by-first-failed-requirement",
      (s) => s.refuse(1, "TOKEN_INVALID", s.send(1, "authenticate", { token: "good-of-u2" })),
    ],
    ["error-retryable-as-declared", (s) => s.refuse(1, "NOT_IN_ROOM", s.send(1, "chat", { room: "x", content: "x" }), true)],
    ["no-internal-error", (s) => s.refuse(1, "INTERNAL", s.send(1, "chat", { room: "r", content: "x" }), true)],
    ["count-in-range", (s) => s.open(4).join(4, "q", 1, 3, [], "f")],
    [
      "reply-carries-position",
      (s) => {
        s.get(1, "ack", { room: "r" }, s.send(1, "chat", { room: "r", content: "x" }));
      },
    ],
    ["unexpected-message", (s) => s.get(1, "left_room", { room: "r" }, "never-sent")],
    ["no-unexpected-close", (s) => s.push({ kind: "close", connection: 1, code: 1006, reason: "" })],
  ])("breaks %s", (rule, tell) => {
    const builder = room();
    tell(builder);
    expect(rulesOf(builder.evaluate())).toContain(rule);
  });
});

describe("deliveries", () => {
  it.each<[string, (builder: HistoryBuilder) => unknown]>([
    ["delivered-to-every-member", (s) => overdue(s.chat(1, "r", "x", 4, [1, 2]), 3)],
    ["delivered-to-every-member", (s) => s.chat(1, "r", "x", 4, [1, 2]).chat(1, "r", "y", 5, [1, 2, 3])],
    ["delivered-to-nobody-else", (s) => s.open(4).chat(1, "r", "x", 4, [1, 2, 3, 4])],
    ["delivered-once", (s) => s.chat(1, "r", "x", 4, [1, 2, 3, 3])],
    [
      "delivered-fields-match",
      (s) => {
        s.chat(1, "r", "x", 4, [1, 2]).message(3, 1, "r", "altered", 4);
      },
    ],
    [
      "unexpected-message",
      (s) => {
        s.message(2, 1, "r", "x", 4).chat(1, "r", "x", 4, [1, 3]);
      },
    ],
    [
      "rejected-has-no-effect",
      (s) => {
        s.refuse(1, "NOT_IN_ROOM", s.send(1, "chat", { room: "x", content: "x" })).message(2, 1, "x", "x", 1);
      },
    ],
    ["unchanged-announces-nothing", (s) => s.join(3, "r", 3, 3, [1])],
    ["sender-is-excluded", (s) => s.open(4).join(4, "r", 4, 4, [1, 2, 3, 4])],
    [
      "no-delivery-after-removal",
      (s) => {
        s.get(3, "left_room", { room: "r" }, s.send(3, "leave_room", { room: "r" }))
          .left(1, 3, "r", 4, 2)
          .left(2, 3, "r", 4, 2)
          .chat(1, "r", "x", 5, [1, 2, 3]);
      },
    ],
    [
      "delivered-to-addressee",
      (s) => {
        s.get(1, "ack", {}, s.send(1, "direct", { to: "c2", content: "x" }));
        overdue(s, 2);
      },
    ],
    [
      "delivered-to-nobody-else",
      (s) => {
        s.get(1, "ack", {}, s.send(1, "direct", { to: "c2", content: "x" })).get(3, "direct_message", {
          from: who(1),
          content: "x",
        });
      },
    ],
    ["disconnect-effect-delivered", (s) => overdue(s.hangUp(3).left(1, 3, "r", 4, 2, "disconnect"), 2)],
    ["unexpected-message", (s) => s.message(2, 1, "r", "from nowhere", 4)],
    ["first-message-once", (s) => s.get(1, "connected", who(1))],
    [
      "count-in-range",
      (s) =>
        s
          .open(4)
          .join(4, "r", 4, 4)
          .get(1, "user_joined", { room: "r", epoch: "e", seq: 4, ...who(4), memberCount: 9 }),
    ],
  ])("breaks %s", (rule, tell) => {
    const builder = room();
    tell(builder);
    expect(rulesOf(builder.evaluate())).toContain(rule);
  });

  it("breaks broadcast-to-all where one connection gets nothing", () => {
    const builder = room();
    builder.roles.set("u1", ["broadcaster"]);
    builder.get(1, "ack", { room: null, epoch: "g", seq: 7 }, builder.send(1, "broadcast", { content: "x" }));
    builder.message(1, 1, null, "x", 7, "g").message(2, 1, null, "x", 7, "g");
    expect(rulesOf(overdue(builder, 3).evaluate())).toEqual(["broadcast-to-all"]);
  });

  it("leaves aside what somebody else sends to everyone", () => {
    expect(room().message(1, 99, null, "theirs", 7, "g").evaluate().findings).toEqual([]);
  });
});

describe("positions", () => {
  it.each<[string, (builder: HistoryBuilder) => unknown]>([
    ["position-contiguous", (s) => s.chat(1, "r", "x", 4, [1, 2, 3]).chat(1, "r", "y", 6, [1, 2, 3])],
    ["position-once", (s) => s.chat(1, "r", "x", 4, [1]).chat(1, "r", "y", 4, [1])],
    [
      "order-total",
      (s) => {
        s.chat(1, "r", "x", 4, [1, 2]).chat(2, "r", "y", 5, [1, 2, 3]).message(3, 1, "r", "x", 4);
      },
    ],
    [
      "order-sender",
      (s) => {
        s.chat(1, "r", "x", 5, []).chat(1, "r", "y", 4, []);
      },
    ],
    [
      "order-real-time",
      (s) => {
        s.chat(1, "r", "x", 5, []).chat(2, "r", "y", 4, []);
      },
    ],
    [
      "position-consistent-between-observers",
      (s) => {
        s.send(1, "chat", { room: "r", content: "x" });
        s.send(2, "chat", { room: "r", content: "y" });
        s.message(1, 1, "r", "x", 4).message(2, 2, "r", "y", 4);
      },
    ],
    [
      "reply-position-is-event",
      (s) => {
        s.chat(1, "r", "x", 5, []).message(1, 1, "r", "x", 4).chat(2, "r", "y", 6, []).message(1, 2, "r", "y", 5);
      },
    ],
    ["count-exact-at-position", (s) => s.open(4).open(5).join(4, "r", 4, 4, [1, 2, 3]).join(5, "r", 5, 4, [1, 2, 3, 4])],
    [
      "reply-before-events",
      (s) => {
        s.open(4);
        s.send(1, "chat", { room: "r", content: "x" });
        const id = s.send(4, "join_room", { room: "r" });
        s.message(4, 1, "r", "x", 5).get(
          4,
          "joined_room",
          { room: "r", epoch: "e", seq: 4, memberCount: 4, members: [1, 2, 3, 4].map(who) },
          id,
        );
      },
    ],
    [
      "idempotency-key-honoured",
      (s) => {
        for (const seq of [4, 5])
          s.get(1, "ack", { room: "r", epoch: "e", seq }, s.send(1, "chat", { room: "r", content: "x", key: "k".repeat(16) }));
      },
    ],
    [
      "idempotency-key-honoured",
      (s) => {
        const payload = { room: "r", content: "x", key: "k".repeat(16) };
        const ask = () => s.get(1, "ack", { room: "r", epoch: "e", seq: 4 }, s.send(1, "chat", payload));
        ask().message(2, 1, "r", "x", 4);
        ask().message(2, 1, "r", "x", 4);
      },
    ],
    ["replay-flag-truthful", (s) => rejoin(s, { epoch: "other", seq: 1 }, true)],
    ["replay-flag-truthful", (s) => rejoin(s, { epoch: "e", seq: 3 }, undefined)],
    ["replay-complete", (s) => overdue(rejoin(s.chat(1, "r", "x", 4, [1, 2, 3]), { epoch: "e", seq: 3 }, true, 5), 4)],
    [
      "replay-complete",
      (s) =>
        rejoin(s.chat(1, "r", "x", 4, [1, 2, 3]).chat(1, "r", "y", 5, [1, 2, 3]), { epoch: "e", seq: 3 }, true, 6).message(
          4,
          1,
          "r",
          "y",
          5,
        ),
    ],
  ])("breaks %s", (rule, tell) => {
    const builder = room();
    tell(builder);
    expect(rulesOf(builder.evaluate())).toContain(rule);
  });

  it("breaks order-sender without positions", () => {
    const builder = room();
    const direct = (content: string) => builder.get(1, "ack", {}, builder.send(1, "direct", { to: "c2", content }));
    direct("x");
    direct("y");
    for (const content of ["y", "x"]) builder.get(2, "direct_message", { from: who(1), content });
    expect(rulesOf(builder.evaluate())).toEqual(["order-sender"]);
  });

  it("accepts a replay, and what it brings again", () => {
    const builder = rejoin(room().chat(1, "r", "x", 4, [1, 2, 3]), { epoch: "e", seq: 3 }, true, 5).message(4, 1, "r", "x", 4);
    for (const c of [1, 2, 3]) builder.get(c, "user_joined", { room: "r", epoch: "e", seq: 5, ...who(4), memberCount: 4 });
    expect(builder.chat(2, "r", "y", 6, [1, 2, 3, 4]).evaluate().findings).toEqual([]);
  });

  it("accepts a replay without a second leave of one's own that nobody was there to see", () => {
    const builder = new HistoryBuilder().open(1).open(2).join(1, "r", 1, 1).join(2, "r", 2, 2, [1]);
    const leave = (c: number) => builder.get(c, "left_room", { room: "r" }, builder.send(c, "leave_room", { room: "r" }));
    leave(2).left(1, 2, "r", 3, 1).join(2, "r", 4, 2, [1]);
    leave(1).left(2, 1, "r", 5, 1);
    leave(2); // at 6
    builder.open(3).join(3, "r", 7, 1);
    const id = builder.send(2, "join_room", { room: "r", since: { epoch: "e", seq: 5 } });
    builder.get(
      2,
      "joined_room",
      { room: "r", epoch: "e", seq: 8, memberCount: 2, members: [3, 2].map(who), recovered: true },
      id,
    );
    builder.get(2, "user_joined", { room: "r", epoch: "e", seq: 7, ...who(3), memberCount: 1 });
    builder.get(3, "user_joined", { room: "r", epoch: "e", seq: 8, ...who(2), memberCount: 2 });
    expect(builder.evaluate().findings).toEqual([]);
  });
});

/** Connection 4 joins room r from a position. */
function rejoin(builder: HistoryBuilder, since: unknown, recovered: boolean | undefined, seq = 4): HistoryBuilder {
  builder.open(4);
  const id = builder.send(4, "join_room", { room: "r", since });
  return builder.get(
    4,
    "joined_room",
    {
      room: "r",
      epoch: "e",
      seq,
      memberCount: 4,
      members: [1, 2, 3, 4].map(who),
      ...(recovered === undefined ? {} : { recovered }),
    },
    id,
  );
}
