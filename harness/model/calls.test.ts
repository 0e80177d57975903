// Hand-written histories in which somebody publishes over HTTP to those who are connected, good and bad.
import { beforeAll, describe, expect, it } from "vitest";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { evaluate } from "./evaluate.ts";
import type { HistoryEvent } from "./history.ts";
import { createProtocol, type Protocol } from "./protocol.ts";

let protocol: Protocol;
beforeAll(async () => {
  const { contract } = await loadContract({ file: defaultSpecFile });
  if (contract === undefined) throw new Error("the document does not load");
  protocol = createProtocol(contract);
});

const timestamp = "2026-01-31T09:30:00.000Z";
const publisher = { clientId: null, userId: "u9", username: "U9" };

class HistoryBuilder {
  readonly history: HistoryEvent[] = [];
  #ms = 0;
  #calls = 100;

  push(event: object): this {
    this.history.push({ atMs: ++this.#ms, connection: 1, json: true, bytes: 1, ...event } as unknown as HistoryEvent);
    return this;
  }
  wait(ms: number): this {
    this.#ms += ms;
    return this;
  }
  get(type: string, payload: object, replyTo?: string): this {
    return this.push({ kind: "receive", frame: { type, payload, timestamp, ...(replyTo === undefined ? {} : { replyTo }) } });
  }
  send(type: string, id: string, payload: object): this {
    return this.push({ kind: "send", frame: { type, id, payload } });
  }
  /** Connection 1 is the only member of room r, at place 1. */
  begin(): this {
    const who = { clientId: "c1", userId: "u1", username: "U1" };
    return this.push({ kind: "open", node: "0", subprotocol: "rooms.v1", user: "u1" })
      .get("connected", who)
      .send("join_room", "j", { room: "r" })
      .get("joined_room", { room: "r", epoch: "e", seq: 1, memberCount: 1, members: [who] }, "j");
  }
  call(content: string, status: number, body: object, key?: string): this {
    const headers: Record<string, string> = key === undefined ? {} : { "Idempotency-Key": key };
    const http = { operation: "publish", headers, parameters: new Map([["room", "r"]]) };
    const connection = ++this.#calls;
    return this.push({ kind: "open", connection, node: "0", subprotocol: "", user: "u9", http })
      .push({ kind: "send", connection, frame: { content } })
      .push({ kind: "receive", connection, status, frame: body });
  }
  message(content: string, seq: number, from: object = publisher): this {
    return this.get("message", { room: "r", epoch: "e", seq, from, content });
  }
  fence(id: string): this {
    return this.send("ping", id, {}).get("pong", {}, id);
  }
  /** @param roles of the one who publishes */
  evaluate(roles: readonly string[] = ["publisher"]) {
    const claims = (user: string) =>
      new Map<string, unknown>([
        ["sub", user],
        ["username", user.toUpperCase()],
        ["roles", roles],
      ]);
    const { findings, open, coverage } = evaluate(protocol, this.history, { claimsOf: claims, credentials: new Map() });
    return { found: findings.map(({ rule }) => rule), open: open.map(({ rule }) => rule), coverage };
  }
}

const builder = () => new HistoryBuilder().begin();

describe("publishing over HTTP", () => {
  it("is owed to every member, once the answer has come", () => {
    const { found, open, coverage } = builder().call("x", 202, { epoch: "e", seq: 2 }).message("x", 2).evaluate();
    expect([found, open]).toEqual([[], []]);
    const effects = protocol.contract.operations.find(({ id }) => id === "publish")!.effects;
    for (const { pointer, kind } of effects) if (kind === "deliver" || kind === "reply") expect(coverage.get(pointer)).toBe(1);
  });

  it("may reach them before its answer, and is missed only after the deadline", () => {
    const late = builder().call("x", 202, { epoch: "e", seq: 2 });
    expect(late.evaluate().open).toEqual(["delivered-to-every-member"]);
    expect(late.wait(6_000).fence("p").evaluate().found).toEqual(["delivered-to-every-member"]);
  });

  it("names its sender and its place", () => {
    const wrong = builder()
      .call("x", 202, { epoch: "e", seq: 2 })
      .message("x", 2, { ...publisher, userId: "u8" });
    expect(wrong.evaluate().found).toContain("delivered-fields-match");
    const elsewhere = builder().call("x", 202, { epoch: "e", seq: 3 }).message("x", 2).call("y", 202, { epoch: "e", seq: 2 });
    expect(elsewhere.evaluate().found).toContain("order-real-time");
  });

  it("has no effect where it is refused, and is refused without the claim alone", () => {
    const refusal = { error: { code: "FORBIDDEN", message: "no", retryable: false } };
    expect(builder().call("x", 403, refusal).evaluate([]).found).toEqual([]);
    expect(builder().call("x", 403, refusal).message("x", 2).evaluate([]).found).toEqual(["rejected-has-no-effect"]);
    expect(builder().call("x", 403, refusal).evaluate().found).toEqual(["allowed-is-not-rejected"]);
    expect(builder().call("x", 202, { epoch: "e", seq: 2 }).evaluate([]).found).toContain("requirement-is-enforced");
  });

  it("happens once with one key, and the repetition has the same place", () => {
    const twice = () => builder().call("x", 202, { epoch: "e", seq: 2 }, "k").message("x", 2);
    expect(twice().call("x", 202, { epoch: "e", seq: 2 }, "k").evaluate().found).toEqual([]);
    expect(twice().call("x", 202, { epoch: "e", seq: 3 }, "k").message("x", 3).evaluate().found).toContain(
      "idempotency-key-honoured",
    );
    expect(twice().call("x", 202, { epoch: "e", seq: 3 }, "other").message("x", 3).evaluate().found).toEqual([]);
  });
});
