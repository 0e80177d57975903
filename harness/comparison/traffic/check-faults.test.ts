// Each planted fault in an honest history of rooms.v1 is found by the rule of the promise, and the honest history has no finding.
import { beforeAll, describe, expect, it } from "vitest";
import type { Channel, Contract } from "../../../spec/contract.ts";
import { endpointFor } from "../../../spec/endpoints.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { TrafficChecker } from "../../traffic/check.ts";
import type { TrafficEvent } from "../../traffic/traffic-event.ts";
import { playRooms } from "./rooms-history.ts";

// biome-ignore lint/suspicious/noExplicitAny: frames of rooms.v1, which the tests know
type Frame = any;
type Open = Extract<TrafficEvent, { kind: "open" }>;
type Message = Extract<TrafficEvent, { kind: "send" | "receive" }>;

let subject: { readonly contract: Contract; readonly channel: Channel };
const honest: TrafficEvent[] = [];
beforeAll(async () => {
  subject = endpointFor((await loadContract({ file: defaultSpecFile })).contract!, undefined)!;
  await playRooms({ messages: 600, members: 6, rooms: 2, seed: 1 }, (event) => honest.push(event));
}, 60_000);

function findingsOf(events: readonly TrafficEvent[]): string[] {
  const checker = new TrafficChecker(subject.contract, subject.channel);
  for (const event of events) checker.take(event);
  checker.end();
  return [...checker.report.findings.keys()];
}

const isMessage = (event: TrafficEvent): event is Message => event.kind === "send" || event.kind === "receive";
const typeOf = (event: TrafficEvent) => (isMessage(event) ? (event.frame as Frame).type : undefined);
/** The nth message of this type that one connection received. */
const nth = (type: string, n: number, connection = 1) =>
  honest.filter((event) => event.kind === "receive" && event.connection === connection && typeOf(event) === type)[n]!;
const without = (gone: TrafficEvent) => honest.filter((event) => event !== gone);
const edited = (fits: (event: TrafficEvent) => boolean, edit: (frame: Frame) => void) =>
  honest.map((event) => {
    if (!fits(event) || !isMessage(event)) return event;
    const frame = structuredClone(event.frame);
    edit(frame);
    return { ...event, frame };
  });
const put = (after: TrafficEvent, more: TrafficEvent) => honest.flatMap((event) => (event === after ? [event, more] : [event]));

/** One connection of rooms.v1 up to its first message, with times in ms. */
function connection(user: string, id: number, atMs: number, more: Partial<Open> = {}): TrafficEvent[] {
  const first = honest.find((event) => typeOf(event) === "connected") as Message;
  const frame: Frame = structuredClone(first.frame);
  Object.assign(frame.payload, { userId: user, clientId: `${user}-${id}` });
  const open = {
    kind: "open",
    connection: id,
    atMs,
    node: "n",
    subprotocol: "rooms.v1",
    user: "",
    control: true,
    ...more,
  } as const;
  return [open, { ...first, connection: id, atMs, frame }];
}
const note = (text: string, atMs: number): TrafficEvent => ({ kind: "note", connection: 1, atMs, text: `WebSocket ${text}` });
const said = (kind: "send" | "receive", atMs: number, frame: Frame): TrafficEvent => ({
  ...{ kind, connection: 1, atMs, frame, json: true, bytes: 50 },
});
const pong = (id: string) => ({ type: "pong", replyTo: id, payload: {}, timestamp: "2026-01-01T00:00:00.000Z" });
const close = (code: number, atMs: number): TrafficEvent => ({ kind: "close", connection: 1, atMs, code, reason: "" });

describe("check on rooms.v1", () => {
  it("has no finding in an honest history", () => {
    expect(findingsOf(honest)).toEqual([]);
  });

  const room = (event: TrafficEvent) => (event as Message & { frame: Frame }).frame.payload;
  it.each<[string, string, () => readonly TrafficEvent[]]>([
    ["drops a delivery", "position-contiguous", () => without(nth("message", 3))],
    ["delivers twice", "position-once", () => put(nth("message", 3), nth("message", 3))],
    [
      "delivers in another order",
      "order-total",
      () =>
        put(nth("message", 4), nth("message", 3)).filter(
          (event, index, all) => event !== nth("message", 3) || all.indexOf(event) !== index,
        ),
    ],
    [
      "tells observers different things",
      "position-consistent-between-observers",
      () =>
        edited(
          (event) => event === nth("message", 3, 3),
          (frame) => Object.assign(frame.payload, { content: "something else" }),
        ),
    ],
    [
      "counts wrongly",
      "count-exact-at-position",
      () =>
        edited(
          (event) => typeOf(event) === "user_joined" && room(event).seq === room(nth("user_joined", 1)).seq,
          (frame) => Object.assign(frame.payload, { memberCount: frame.payload.memberCount + 1 }),
        ),
    ],
    ["drops a reply", "reply-exactly-one", () => fenced(without(nth("ack", 2)))],
    [
      "sends a malformed message",
      "server-message-valid",
      () =>
        edited(
          (event) => event === nth("ack", 2),
          (frame) => delete frame.payload.seq,
        ),
    ],
    ["delivers one sender's direct messages in another order", "order-per-sender", () => direct(["b", "a"])],
    ["accepts more than the rate", "rate-limit-enforced", () => [...connection("a", 1, 0), ...chats(40, 0)]],
    ["does not close beyond the limit on errors", "limit-on-errors-closes", () => [...connection("a", 1, 0), ...malformed(12)]],
    ["closes with an undeclared code", "close-code-declared", () => [...connection("a", 1, 0), close(4999, 5)]],
    ["chooses a subprotocol of its own", "handshake-subprotocol-declared", () => connection("a", 1, 0, { subprotocol: "x" })],
    ["chooses what was not offered", "handshake-subprotocol-offered", () => connection("a", 1, 0, { offered: [] })],
    ["never pings", "heartbeat-interval", () => [...connection("a", 1, 0), ...ping("1", 100_000)]],
    [
      "keeps a silent client",
      "heartbeat-closes-the-silent",
      () => [...connection("a", 1, 0), note("ping by the server", 25_000), nextTo(60_000)],
    ],
    [
      "closes a client that answered",
      "heartbeat-closes-only-the-silent",
      () => [
        ...connection("a", 1, 0),
        note("ping by the server", 25_000),
        note("pong by the client", 25_010),
        close(4001, 35_000),
      ],
    ],
  ])("a server that %s fails %s", (_, rule, history) => {
    expect(findingsOf(history())).toContain(rule);
  });

  it.each<[string, string, () => readonly TrafficEvent[]]>([
    ["sends too fast", "client-rate", () => [...connection("a", 1, 0), ...chats(25, 0).filter(({ kind }) => kind === "send")]],
    ["sends a malformed message", "client-message-valid", () => [...connection("a", 1, 0), said("send", 1, { type: "chat" })]],
    [
      "sends too much",
      "client-message-bytes",
      () => [...connection("a", 1, 0), { ...(ping("1", 1)[0] as Message), bytes: 70_000 }],
    ],
    ["uses an id twice", "client-id-unique", () => [...connection("a", 1, 0), ping("1", 1)[0]!, ping("1", 2)[0]!]],
    [
      "closes with a code of the server",
      "client-close-code-declared",
      () => [...connection("a", 1, 0), { kind: "hang-up", connection: 1, atMs: 1, code: 4401 }],
    ],
    [
      "comes back at once after a stop",
      "client-reconnects-as-told",
      () => [...connection("a", 1, 0), close(4403, 10), ...connection("a", 2, 100)],
    ],
    [
      "answers no heartbeat",
      "client-answers-heartbeat",
      () => [...connection("a", 1, 0), note("ping by the server", 25_000), close(4001, 36_500)],
    ],
  ])("a client that %s fails %s", (_, rule, history) => {
    expect(findingsOf(history())).toContain(rule);
  });

  it("allows a close for silence, a burst within the limit, and a return after the delay", () => {
    const silent = [...connection("a", 1, 0), note("ping by the server", 25_000), close(4001, 35_000)];
    expect(findingsOf(silent).filter((rule) => !rule.startsWith("client-"))).toEqual([]);
    const limited = [...connection("a", 1, 0), ...chats(20, 0), close(4429, 1_000), ...connection("a", 2, 7_000)];
    expect(findingsOf(direct(["a", "b"]))).toEqual([]);
    // The history does not show that it joined the room.
    expect(findingsOf(limited)).toEqual(["requirement-is-enforced"]);
    // An error that must have an id answers what had none with one of its own.
    const text = { ...said("send", 1, "{"), json: false } as TrafficEvent;
    const error = { code: "INVALID_JSON", message: "No JSON.", retryable: false };
    const answer = said("receive", 2, { type: "error", replyTo: "none", timestamp: "2026-01-01T00:00:00.000Z", payload: error });
    expect(findingsOf([...connection("a", 1, 0), text, answer, ...ping("1", 3)])).toEqual(["client-message-valid"]);
    // Two devices of one user: nobody can tell which of them comes back.
    const devices = [...connection("a", 1, 0), ...connection("a", 2, 1), close(4403, 10), ...connection("a", 3, 100)];
    expect(findingsOf(devices)).toEqual([]);
  });
});

/** With a fence before the first connection closes. */
const fenced = (events: readonly TrafficEvent[]) =>
  events.flatMap((event) => (event.kind === "hang-up" && event.connection === 1 ? [...ping("x", event.atMs), event] : [event]));
const nextTo = (atMs: number) =>
  said("receive", atMs, {
    type: "user_typing",
    payload: { room: "r", clientId: "c", userId: "u", username: "u", active: true },
    timestamp: "2026-01-01T00:00:00.000Z",
  });
/** A fence and its reply. */
const ping = (id: string, atMs: number): TrafficEvent[] => [
  said("send", atMs, { type: "ping", id, payload: {} }),
  said("receive", atMs + 1, pong(id)),
];
/** Two direct messages of one connection to another, and what that one receives. */
function direct(received: readonly string[]): TrafficEvent[] {
  const sent = ["a", "b"].flatMap((content, at) => [
    said("send", 10 + at, { type: "direct", id: content, payload: { to: "b-2", content } }),
  ]);
  const first = honest.find((event) => typeOf(event) === "connected") as Message;
  const { username } = (first.frame as Frame).payload;
  const from = { clientId: "a-1", userId: "a", username };
  const arrived = received.map((content, at) => ({
    ...said("receive", 20 + at, { type: "direct_message", payload: { from, content }, timestamp: "2026-01-01T00:00:00.000Z" }),
    connection: 2,
  }));
  const acks = ["a", "b"].map((id) =>
    said("receive", 30, { type: "ack", replyTo: id, payload: {}, timestamp: "2026-01-01T00:00:00.000Z" }),
  );
  return [...connection("a", 1, 0), ...connection("b", 2, 1), ...sent, ...arrived, ...acks];
}
const chats = (count: number, atMs: number): TrafficEvent[] =>
  Array.from({ length: count }, (_, index) => index).flatMap((index) => [
    said("send", atMs + 2, { type: "chat", id: `c${index}`, payload: { room: "r", content: "Hello" } }),
    said("receive", atMs + 3, {
      ...{ type: "ack", replyTo: `c${index}`, timestamp: "2026-01-01T00:00:00.000Z" },
      payload: { room: "r", epoch: "e", seq: index + 1 },
    }),
  ]);
const malformed = (count: number): TrafficEvent[] =>
  Array.from({ length: count }, (_, index) => index).flatMap((index) => [
    said("send", index + 1, { type: "chat", id: `m${index}` }),
    said("receive", index + 1, {
      ...{ type: "error", replyTo: `m${index}`, timestamp: "2026-01-01T00:00:00.000Z" },
      payload: { code: "INVALID_MESSAGE", message: "No payload.", retryable: false, pointer: "" },
    }),
  ]);
