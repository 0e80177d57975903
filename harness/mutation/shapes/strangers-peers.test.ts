// A server as strangers write it: ids by a counter, so that an example names another connection, a leave that nobody can do twice, one error code for all.
import { expect, it } from "vitest";
import type { WebSocket } from "ws";
import { type Serve, verdicts } from "./verdicts.ts";

const room = '"$message.payload#/room"';
const message = (name: string, fields: string) =>
  `\n    ${name}: { correlationId: { location: $message.payload#/t }, payload: { type: object, required: [type, t], properties: { type: { const: ${name} }, t: { type: integer, minimum: 1 }${fields} } } }`;
const asked = (name: string, field: string, example: string) =>
  `\n    ${name}: { correlationId: { location: $message.payload#/t }, payload: { type: object, required: [type, t, ${field}], properties: { type: { const: ${name} }, t: { type: integer, minimum: 1 }, ${field}: { type: string, minLength: 1, maxLength: 40 } } }, examples: [{ payload: { type: ${name}, t: 1, ${field}: ${example} } }] }`;
const operation = (name: string, reply: string, more: string) => `
  ${name}:
    action: receive
    channel: { $ref: "#/channels/c" }
    messages: [{ $ref: "#/channels/c/messages/${name}" }]
    reply: { channel: { $ref: "#/channels/c" }, messages: [{ $ref: "#/channels/c/messages/${reply}" }, { $ref: "#/channels/c/messages/error" }] }
    ${more}`;
const names = ["hello", "join", "leave", "call", "done", "called", "gone", "error"];

const document = `
asyncapi: 3.0.0
info: { title: peers, version: 1.0.0 }
x-state:
  connection: { id: { description: A counter., at: /id, unique: true } }
  relations: { peer: { columns: [connection, room] } }
x-errors:
  reply: { message: error, code: /code }
  codes:
    - { code: BAD, when: not-in-schema, description: No message. }
    - { code: BAD, name: BAD_TYPE, when: unknown-type, description: No such type. }
    - { code: BAD, name: BAD_JSON, when: not-json, description: No JSON. }
    - { code: ABSENT, when: required, description: Not in the room. }
    - { code: NOBODY, when: required, description: No such peer. }
channels:
  c:
    address: /
    messages: { ${names.map((name) => `${name}: { $ref: "#/components/messages/${name}" }`).join(", ")} }
    x-handshake: { first: hello }
    x-delivery: { fence: join, streams: {} }
operations:
${operation("join", "done", `x-requires: []\n    x-effects: [{ add: peer, where: { room: ${room} } }, { reply: done }]`)}
${operation("leave", "done", `x-requires: [{ relation: peer, where: { room: ${room} }, else: ABSENT }]\n    x-effects: [{ remove: peer, where: { room: ${room} } }, { reply: done }, { deliver: gone, to: { relation: peer, where: { room: ${room} } }, with: { /id: $sender.id } }]`)}
${operation("call", "done", 'x-requires: [{ connection: id, equals: "$message.payload#/to", else: NOBODY }]\n    x-effects: [{ reply: done }, { deliver: called, to: { connection: id, equals: "$message.payload#/to" }, with: { /id: $sender.id } }]')}
  push: { action: send, channel: { $ref: "#/channels/c" }, messages: [{ $ref: "#/channels/c/messages/hello" }, { $ref: "#/channels/c/messages/called" }, { $ref: "#/channels/c/messages/gone" }] }
components:
  messages:
    hello: { payload: { type: object, required: [type, id], properties: { type: { const: hello }, id: { type: string } } } }${asked("join", "room", "a")}${asked("leave", "room", "a")}${asked("call", "to", "p1")}${message("done", "")}
    error: { correlationId: { location: $message.payload#/t }, payload: { type: object, required: [type, code], properties: { type: { const: error }, t: { type: integer }, code: { type: string } } } }
    called: { payload: { type: object, required: [type, id], properties: { type: { const: called }, id: { type: string } } } }
    gone: { payload: { type: object, required: [type, id], properties: { type: { const: gone }, id: { type: string } } } }
`;

function peers(fault?: "calls-the-caller" | "silent-leave" | "two-mistakes"): Serve {
  const sockets = new Map<string, WebSocket>();
  const rooms = new Map<string, Set<string>>();
  let count = 0;
  return (socket) => {
    const id = `p${++count}`;
    sockets.set(id, socket);
    socket.on("close", () => {
      sockets.delete(id);
      for (const inside of rooms.values()) inside.delete(id);
    });
    const send = (to: string, answer: object) => sockets.get(to)?.send(JSON.stringify(answer));
    send(id, { type: "hello", id });
    socket.on("message", (data) => {
      let asked: Record<string, unknown> = {};
      try {
        asked = Object(JSON.parse(String(data)));
      } catch {}
      const { type, t } = asked;
      const isId = Number.isSafeInteger(t) && Number(t) >= 1;
      const refuse = (code: string) => send(id, { type: "error", code, ...(isId ? { t } : {}) });
      const name = asked[type === "call" ? "to" : "room"];
      const isName = typeof name === "string" && name !== "" && [...name].length <= 40;
      if (!isId || !isName || !["join", "leave", "call"].includes(String(type)) || typeof type !== "string")
        return refuse(fault === "two-mistakes" ? "ABSENT" : "BAD");
      const inside = rooms.get(name) ?? new Set();
      if (type === "join") rooms.set(name, inside.add(id));
      if (type === "leave" && !inside.has(id)) return refuse("ABSENT");
      if (type === "leave") inside.delete(id);
      if (type === "call" && !sockets.has(name)) return refuse("NOBODY");
      send(id, { type: "done", t });
      if (type === "call") send(fault === "calls-the-caller" ? id : name, { type: "called", id });
      if (type === "leave" && fault !== "silent-leave") for (const other of inside) send(other, { type: "gone", id });
    });
  };
}

const phases = ["examples", "invalid", "stateful"] as const;

it("raises no false alarm", async () => {
  const { failed, passed, interrupted } = await verdicts(document, peers(), phases);
  expect(failed).toEqual([]);
  expect(interrupted).toBeUndefined();
  expect(passed).toEqual(expect.arrayContaining(["malformed-is-rejected", "examples-delivery", "delivered-to-addressee"]));
}, 60_000);

it.each([
  ["calls-the-caller", "examples-delivery"],
  ["silent-leave", "examples-delivery"],
  ["two-mistakes", "malformed-is-rejected"],
] as const)(
  "%s is found by %s",
  async (fault, rule) => {
    const { failed } = await verdicts(document, peers(fault), phases, [rule], 1_500);
    expect(failed).toEqual([expect.stringContaining(rule)]);
  },
  60_000,
);
