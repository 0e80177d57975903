// Servers as strangers write them: who publishes to a topic need not follow it, all who are logged in hear the same, and errors that are closes.
import { expect, it } from "vitest";
import type { WebSocket } from "ws";
import { type Serve, verdicts } from "./verdicts.ts";

const request = (name: string, fields: string, example: string) => `
    ${name}:
      correlationId: { location: $message.payload#/1 }
      payload: { type: array, minItems: 3, maxItems: 3, items: [{ const: ${name} }, { type: string, minLength: 1, maxLength: 40 }, ${fields}] }
      examples: [{ payload: [${name}, a, ${example}] }]`;
const operation = (name: string, more: string) => `
  ${name}:
    action: receive
    channel: { $ref: "#/channels/c" }
    messages: [{ $ref: "#/channels/c/messages/${name}" }]
    reply: { channel: { $ref: "#/channels/c" }, messages: [{ $ref: "#/channels/c/messages/ok" }, { $ref: "#/channels/c/messages/no" }] }
    ${more}`;
const names = ["login", "follow", "publish", "wave", "ok", "no", "post", "waved"];
const topic = '"$message.payload#/2/topic"';
const withTopic = "{ type: object, required: [topic], properties: { topic: { type: string, minLength: 1, maxLength: 40 } } }";

/** Answers are `ok`, `no` or a close; posts reach those who follow their topic, waves all who are logged in. */
const document = `
asyncapi: 3.0.0
info: { title: topics, version: 1.0.0 }
x-state: { relations: { in: { columns: [connection] }, follows: { columns: [connection, topic] } } }
x-errors:
  reply: { message: no, code: /2 }
  codes:
    - { code: login, when: required, description: Not logged in. }
    - { code: again, when: required, description: Logged in already. }
    - { code: malformed, when: not-in-schema, close: 1003, description: No message. }
    - { code: not JSON, when: not-json, close: 1003, description: Not JSON. }
channels:
  c:
    address: /
    messages: { ${names.map((name) => `${name}: { $ref: "#/components/messages/${name}" }`).join(", ")} }
    x-delivery: { fence: publish, streams: { posts: { messages: [post, waved] } } }
    x-close-codes: [{ code: 1000, name: NORMAL, by: either, reconnect: stop }, { code: 1003, name: MALFORMED, reconnect: stop }]
operations:
${operation("login", "x-requires: [{ relation: in, present: false, else: again }]\n    x-effects: [{ add: in }, { reply: ok }]")}
${operation("follow", `x-requires: []\n    x-effects: [{ add: follows, where: { topic: ${topic} } }, { reply: ok }]`)}
${operation("publish", `x-requires: []\n    x-effects: [{ reply: ok }, { deliver: post, to: { relation: follows, where: { topic: ${topic} } }, with: { /1/topic: ${topic} } }]`)}
${operation("wave", 'x-requires: [{ relation: in, else: login }]\n    x-effects: [{ reply: ok }, { deliver: waved, to: { relation: in }, sender: excluded, with: { /1: "$message.payload#/2" } }]')}
  push: { action: send, channel: { $ref: "#/channels/c" }, messages: [{ $ref: "#/channels/c/messages/post" }, { $ref: "#/channels/c/messages/waved" }] }
components:
  messages:${request("login", "{ type: object }", "{}")}${request("follow", withTopic, "{ topic: cats }")}${request("publish", withTopic, "{ topic: cats }")}${request("wave", "{ type: string, maxLength: 40 }", "hello")}
    ok: { correlationId: { location: $message.payload#/1 }, payload: { type: array, minItems: 2, maxItems: 2, items: [{ const: ok }, { type: string }] } }
    no: { correlationId: { location: $message.payload#/1 }, payload: { type: array, minItems: 3, maxItems: 3, items: [{ const: no }, { type: string }, { type: string }] } }
    post: { payload: { type: array, minItems: 2, maxItems: 2, items: [{ const: post }, { type: object }] } }
    waved: { payload: { type: array, minItems: 2, maxItems: 2, items: [{ const: waved }, { type: string }] } }
`;

type Fault = "skips-author" | "leaks" | "waves-to-all" | "other-close";

function topics(fault?: Fault): Serve {
  const topicsOf = new Map<WebSocket, Set<string>>();
  const loggedIn = new Set<WebSocket>();
  const isName = (value: unknown) => typeof value === "string" && value !== "" && [...value].length <= 40;
  return (socket) => {
    const send = (to: WebSocket, message: unknown) => to.send(JSON.stringify(message));
    topicsOf.set(socket, new Set());
    socket.on("close", () => {
      topicsOf.delete(socket);
      loggedIn.delete(socket);
    });
    const refuse = () => socket.close(fault === "other-close" ? 1008 : 1003);
    socket.on("message", (data) => {
      let message: unknown;
      try {
        message = JSON.parse(String(data));
      } catch {
        return refuse();
      }
      if (!Array.isArray(message) || message.length !== 3 || !isName(message[1])) return refuse();
      const [what, id, argument] = message;
      const isTopic = isName(Object(argument).topic) && !Array.isArray(argument);
      const isWave = typeof argument === "string" && [...argument].length <= 40;
      const isLogin = typeof argument === "object" && argument !== null && !Array.isArray(argument);
      const fits: Record<string, boolean> = { login: isLogin, follow: isTopic, publish: isTopic, wave: isWave };
      if (typeof what !== "string" || fits[what] !== true) return refuse();
      if (what === "login" && loggedIn.has(socket)) return send(socket, ["no", id, "again"]);
      if (what === "wave" && !loggedIn.has(socket)) return send(socket, ["no", id, "login"]);
      if (what === "login") loggedIn.add(socket);
      if (what === "follow") topicsOf.get(socket)?.add(argument.topic);
      send(socket, ["ok", id]);
      for (const [other, followed] of topicsOf) {
        if (what === "publish" && (followed.has(argument.topic) || (fault === "leaks" && followed.size > 0)))
          if (fault !== "skips-author" || other !== socket) send(other, ["post", { topic: argument.topic }]);
        if (what === "wave" && other !== socket && (loggedIn.has(other) || fault === "waves-to-all"))
          send(other, ["waved", argument]);
      }
    });
  };
}

it("a publisher that does not follow, and a message to all who are logged in, raise no false alarm", async () => {
  const { failed, passed, interrupted } = await verdicts(document, topics(), ["examples", "invalid", "stateful"]);
  expect(failed).toEqual([]);
  expect(interrupted).toBeUndefined();
  const wanted = ["examples-delivery", "examples-delivery-sender", "invalid-error-once", "invalid-right-after-handshake"];
  expect(passed).toEqual(expect.arrayContaining([...wanted, "delivered-to-nobody-else", "unexpected-message"]));
}, 60_000);

it.each<[Fault, string]>([
  ["skips-author", "examples-delivery-sender"],
  ["leaks", "delivered-to-nobody-else"],
  ["waves-to-all", "examples-delivery-stranger"],
  ["other-close", "invalid-error-once"],
])(
  "%s is found by %s",
  async (fault, rule) => {
    const { failed } = await verdicts(document, topics(fault), ["examples", "invalid", "stateful"], [rule], 2_000);
    expect(failed).toEqual([expect.stringContaining(rule)]);
  },
  60_000,
);
