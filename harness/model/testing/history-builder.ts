// Writes histories of rooms.v1 by hand, for the tests of the model.
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { evaluate } from "../evaluate.ts";
import type { EvaluationResult } from "../evaluation-result.ts";
import type { HistoryEvent } from "../history.ts";
import { createProtocol } from "../protocol.ts";
import type { Knowledge } from "../trace.ts";

const { contract } = await loadContract({ file: defaultSpecFile });
const protocol = createProtocol(contract!);

export const timestamp = "2026-01-31T09:30:00.000Z";
export const who = (c: number) => ({ clientId: `c${c}`, userId: `u${c}`, username: `U${c}` });

/** Writes a history line by line; 1 ms passes with every event. */
export class HistoryBuilder {
  readonly history: HistoryEvent[] = [];
  readonly roles = new Map<string, string[]>();
  #ms = 0;
  #id = 0;

  push(event: Record<string, unknown>) {
    this.#ms += 1;
    this.history.push({ atMs: this.#ms, ...event } as unknown as HistoryEvent);
    return this;
  }
  wait(ms: number) {
    this.#ms += ms;
    return this;
  }
  open(c: number, user = `u${c}`) {
    this.push({ kind: "open", connection: c, node: "n1", subprotocol: "rooms.v1", user });
    return this.get(c, "connected", { ...who(c), userId: user });
  }
  send(c: number, type: string, payload: unknown, id: string | undefined = `i${++this.#id}`): string {
    const frame = type === "typing" ? { type, payload } : { type, id, payload };
    this.push({ kind: "send", connection: c, frame, json: true, bytes: 1 });
    return id;
  }
  get(c: number, type: string, payload: unknown, replyTo?: string) {
    const frame = { type, payload, timestamp, ...(replyTo === undefined ? {} : { replyTo }) };
    return this.push({ kind: "receive", connection: c, frame, json: true, bytes: 1 });
  }
  refuse(c: number, code: string, replyTo?: string, retryable = false) {
    return this.get(c, "error", { code, message: "no", retryable }, replyTo);
  }
  fence(c: number) {
    const id = this.send(c, "ping", {});
    return this.get(c, "pong", {}, id);
  }
  join(c: number, room: string, seq: number, memberCount: number, others: number[] = [], epoch = "e") {
    const id = this.send(c, "join_room", { room });
    this.get(c, "joined_room", { room, epoch, seq, memberCount, members: [...others, c].map(who) }, id);
    for (const other of others) this.get(other, "user_joined", { room, epoch, seq, ...who(c), memberCount });
    return this;
  }
  chat(c: number, room: string, content: string, seq: number, receivers: number[], epoch = "e") {
    const id = this.send(c, "chat", { room, content });
    this.get(c, "ack", { room, epoch, seq }, id);
    for (const receiver of receivers) this.message(receiver, c, room, content, seq, epoch);
    return this;
  }
  message(receiver: number, from: number, room: string | null, content: string, seq: number, epoch = "e") {
    return this.get(receiver, "message", { room, epoch, seq, from: who(from), content });
  }
  left(receiver: number, c: number, room: string, seq: number, memberCount: number, reason = "leave") {
    return this.get(receiver, "user_left", { room, epoch: "e", seq, ...who(c), memberCount, reason });
  }
  hangUp(c: number, code = 1000) {
    this.push({ kind: "hang-up", connection: c, code });
    return this.push({ kind: "close", connection: c, code, reason: "" });
  }
  evaluate(): EvaluationResult {
    const claims = (user: string) =>
      new Map<string, unknown>([
        ["sub", user],
        ["roles", this.roles.get(user) ?? []],
      ]);
    const credentials: Knowledge["credentials"] = new Map([
      ["good-of-u1", { good: true, claims: claims("u1") }],
      ["good-of-u2", { good: true, claims: claims("u2") }],
      ["bad", { good: false, claims: claims("u1") }],
    ]);
    return evaluate(protocol, this.history, { claimsOf: claims, credentials });
  }
}

/** Connections 1, 2 and 3 are in room r; the next seq is 4. */
export function room(): HistoryBuilder {
  return new HistoryBuilder().open(1).open(2).open(3).join(1, "r", 1, 1).join(2, "r", 2, 2, [1]).join(3, "r", 3, 3, [1, 2]);
}

/** The deadline passes, and everyone shows to be alive. */
export function overdue(builder: HistoryBuilder, ...connections: number[]): HistoryBuilder {
  builder.wait(6_000);
  for (const connection of connections) builder.fence(connection);
  return builder;
}

export const rulesOf = ({ findings }: EvaluationResult) => [...new Set(findings.map(({ rule }) => rule))];
