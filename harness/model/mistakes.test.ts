// Ten mistakes that a checker of histories makes, each on a history that it would misjudge.
import { describe, expect, it } from "vitest";
import { HistoryBuilder, overdue, room, rulesOf, who } from "./testing/history-builder.ts";

describe("the ten mistakes", () => {
  it("1: knows that a member is a member, so that something can be missing", () => {
    const { open } = room().chat(1, "r", "x", 4, [1, 2]).evaluate();
    expect(open.map(({ rule, connection }) => [rule, connection])).toEqual([["delivered-to-every-member", 3]]);
  });

  it("2: ignores what a connection received after our own hang-up", () => {
    const builder = room();
    builder.push({ kind: "hang-up", connection: 3, code: 1000 }).message(3, 1, "r", "late", 9);
    expect(builder.evaluate().findings).toEqual([]);
  });

  it("3: takes no refused fence for a fence", () => {
    const builder = new HistoryBuilder().open(1);
    builder.send(1, "leave_room", { room: "x" });
    builder.refuse(1, "RATE_LIMITED", builder.send(1, "ping", {}), true);
    const result = builder.evaluate();
    expect(rulesOf(result)).not.toContain("reply-exactly-one");
    expect(result.open.map(({ rule }) => rule)).toContain("reply-exactly-one");
  });

  it("4: takes a later frame for proof only where the receiver was certainly there before both", () => {
    const builder = new HistoryBuilder().open(1).open(2).join(1, "r", 1, 1);
    const id = builder.send(2, "join_room", { room: "r" });
    builder
      .chat(1, "r", "x", 2, [1])
      .get(2, "joined_room", { room: "r", epoch: "e", seq: 3, memberCount: 2, members: [1, 2].map(who) }, id);
    builder.get(1, "user_joined", { room: "r", epoch: "e", seq: 3, ...who(2), memberCount: 2 }).chat(1, "r", "y", 4, [1, 2]);
    expect(builder.evaluate().findings).toEqual([]);
  });

  it("5: lets a reply answer only what was sent before it", () => {
    const builder = room().chat(1, "r", "x", 4, [1, 2, 3]);
    const id = builder.send(1, "leave_room", { room: "q" });
    builder.get(1, "left_room", { room: "q" }, id);
    builder
      .push({ kind: "send", connection: 1, frame: { type: "nonsense", id }, json: true, bytes: 1 })
      .refuse(1, "UNKNOWN_TYPE", id)
      .fence(1);
    expect(builder.evaluate().findings).toEqual([]);
  });

  it("6: leaves open what an early end could not prove", () => {
    const builder = room();
    builder.send(1, "chat", { room: "r", content: "x" });
    builder.get(2, "ack", { room: "r", epoch: "e", seq: 9 }, "never-sent");
    expect(rulesOf(builder.evaluate())).toEqual(["unexpected-message"]);
  });

  it("7: keeps the effects of one that hung up possible for those who come later", () => {
    const builder = room();
    builder.send(3, "chat", { room: "r", content: "last words" });
    builder.hangUp(3).open(4).join(4, "r", 4, 4, [1, 2]);
    for (const c of [1, 2, 4]) builder.message(c, 3, "r", "last words", 5).left(c, 3, "r", 6, 3, "disconnect");
    expect(builder.evaluate().findings).toEqual([]);
  });

  it("8: takes a fence as proof for its own connection alone", () => {
    const builder = room().chat(1, "r", "x", 4, [1, 2]);
    expect(overdue(builder, 1, 2).evaluate().findings).toEqual([]);
    expect(rulesOf(builder.fence(3).evaluate())).toEqual(["delivered-to-every-member"]);
  });
});
