// Servers as strangers write them: a login by message, ids that increase, plain texts, heartbeats that the document does not tell.
import { expect, it } from "vitest";
import type { WebSocket } from "ws";
import { type Serve, verdicts } from "./verdicts.ts";

const login = (isComplete: boolean) => `
asyncapi: 3.0.0
info: { title: home, version: 1.0.0 }
${
  isComplete
    ? `
x-state: { relations: { authed: { description: Logged in., columns: [connection] } } }
x-errors:
  reply: [{ message: failure, code: /error }, { message: denied, code: /type }]
  codes:
    - { code: denied, when: required, close: 1008, description: Not logged in. }
    - { code: invalid, when: not-in-schema, description: No message. }
    - { code: unknown, when: unknown-type, description: No such type. }
    - { code: reuse, when: required, description: Ids increase. }`
    : ""
}
channels:
  home:
    address: /
    messages: { hello: { $ref: "#/components/messages/hello" }, login: { $ref: "#/components/messages/login" }, welcome: { $ref: "#/components/messages/welcome" }, denied: { $ref: "#/components/messages/denied" }, ask: { $ref: "#/components/messages/ask" }, answer: { $ref: "#/components/messages/answer" }, failure: { $ref: "#/components/messages/failure" } }
${isComplete ? "    x-handshake: { first: hello }\n    x-delivery: { fence: ask, streams: {} }\n    x-close-codes: [{ code: 1008, name: DENIED, reconnect: stop }]" : ""}
operations:
  login:
    action: receive
    channel: { $ref: "#/channels/home" }
    messages: [{ $ref: "#/channels/home/messages/login" }]
    reply: { channel: { $ref: "#/channels/home" }, messages: [{ $ref: "#/channels/home/messages/welcome" }, { $ref: "#/channels/home/messages/denied" }, { $ref: "#/channels/home/messages/failure" }] }
${isComplete ? "    x-exercise: examples\n    x-requires: [{ relation: authed, present: false, else: invalid }]\n    x-effects: [{ add: authed }, { reply: welcome }]" : ""}
  ask:
    action: receive
    channel: { $ref: "#/channels/home" }
    messages: [{ $ref: "#/channels/home/messages/ask" }]
    reply: { channel: { $ref: "#/channels/home" }, messages: [{ $ref: "#/channels/home/messages/answer" }, { $ref: "#/channels/home/messages/failure" }] }
${isComplete ? "    x-requires: [{ relation: authed, else: denied }, { may: [reuse] }]\n    x-effects: [{ reply: answer }]" : ""}
  push: { action: send, channel: { $ref: "#/channels/home" }, messages: [{ $ref: "#/channels/home/messages/hello" }, { $ref: "#/channels/home/messages/denied" }, { $ref: "#/channels/home/messages/failure" }] }
components:
  schemas: { id: { type: integer, minimum: 1 } }
  messages:
    hello: { payload: { type: object, required: [type], properties: { type: { const: hello } } } }
    login: { payload: { type: object, required: [type, token], properties: { type: { const: login }, token: { type: string } } }, examples: [{ payload: { type: login, token: good } }] }
    welcome: { payload: { type: object, required: [type], properties: { type: { const: welcome } } } }
    denied: { payload: { type: object, required: [type], properties: { type: { const: denied } } } }
    ask: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [type, id], properties: { type: { const: ask }, id: { $ref: "#/components/schemas/id" } } }, examples: [{ payload: { type: ask, id: 1 } }] }
    answer: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [type, id], properties: { type: { const: answer }, id: { $ref: "#/components/schemas/id" } } } }
    failure: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [type, id, error], properties: { type: { const: failure }, id: { type: integer, minimum: 0 }, error: { enum: [invalid, unknown, reuse] } } } }
`;

/** Nothing but the login is served before it; then ids must increase, and an error without a usable id has 0. */
const home =
  (fault?: "accepts-anybody" | "ignores-unknown" | "loses-welcome"): Serve =>
  (socket) => {
    let isIn = fault === "accepts-anybody";
    let last = 0;
    const send = (message: object) => socket.send(JSON.stringify(message));
    send({ type: "hello" });
    socket.on("message", (data) => {
      let message: unknown;
      try {
        message = JSON.parse(String(data));
      } catch {
        return socket.close(1008);
      }
      const { type, id, token } = Object(message);
      if (!isIn) {
        isIn = type === "login" && token === "good";
        if (isIn && fault === "loses-welcome") return;
        send({ type: isIn ? "welcome" : "denied" });
        return isIn ? undefined : socket.close(1008);
      }
      if (!Number.isSafeInteger(id) || id < 1 || typeof type !== "string")
        return send({ type: "failure", id: 0, error: "invalid" });
      if (id <= last) return send({ type: "failure", id, error: "reuse" });
      last = id;
      if (type !== "ask" && fault === "ignores-unknown") return;
      send(type === "ask" ? { type: "answer", id } : { type: "failure", id, error: "unknown" });
    });
  };

it("a login by message, ids that increase, and errors in several messages", async () => {
  const { failed, passed, interrupted } = await verdicts(login(true), home(), ["handshake", "examples", "invalid", "stateful"]);
  expect(failed).toEqual([]);
  expect(interrupted).toBeUndefined();
  expect(passed).toEqual(expect.arrayContaining(["examples-requirement-rejected", "invalid-unknown-type", "reply-exactly-one"]));
}, 60_000);

it("a login that is not enforced, and unknown types that get no error, are found", async () => {
  const only = ["examples-requirement-rejected", "invalid-unknown-type"];
  const enforced = await verdicts(login(true), home("accepts-anybody"), ["examples"], only);
  expect(enforced.failed).toEqual([expect.stringContaining("examples-requirement-rejected")]);
  const ignored = await verdicts(login(true), home("ignores-unknown"), ["invalid"], only);
  expect(ignored.failed).toEqual([expect.stringContaining("invalid-unknown-type")]);
}, 60_000);

it("a login whose reply is lost is the first failure, not the end of the run", async () => {
  const only = ["examples-success", "handshake-first-message"];
  const { failed, passed } = await verdicts(login(true), home("loses-welcome"), ["handshake", "examples"], only, 1_000);
  expect(failed).toEqual([expect.stringContaining("examples-success: silence")]);
  expect(passed).toEqual(["handshake-first-message"]);
}, 60_000);

it("a document of messages alone: a close that refuses an operation is left open, and no success", async () => {
  const { failed, passed } = await verdicts(login(false), home(), ["examples", "boundaries"]);
  expect(failed).toEqual([]);
  expect(passed).not.toContain("examples-reply-id");
}, 60_000);

const beaten = (heartbeat: string, type = "application/json") => `
asyncapi: 3.0.0
info: { title: beaten, version: 1.0.0 }
channels:
  c:
    address: /
    messages: { ping: { $ref: "#/components/messages/ping" }, pong: { $ref: "#/components/messages/pong" } }
    ${heartbeat}
    x-close-codes: [{ code: 4000, name: SILENT, reconnect: at-once }]
operations:
  pong: { action: receive, channel: { $ref: "#/channels/c" }, messages: [{ $ref: "#/channels/c/messages/pong" }], x-requires: [], x-effects: [] }
  push: { action: send, channel: { $ref: "#/channels/c" }, messages: [{ $ref: "#/channels/c/messages/ping" }] }
components:
  messages:
    ping: { contentType: ${type}, payload: { const: "2" } }
    pong: { contentType: ${type}, payload: { const: "3" }, examples: [{ payload: "3" }] }
`;

/** Sends `2` and ends a connection that does not answer with `3` in time. */
const engine: Serve = (socket) => {
  let heardAtMs = Date.now();
  const timer = setInterval(() => {
    if (Date.now() - heardAtMs > 1_500) socket.terminate();
    else socket.send("2");
  }, 200);
  socket.on("close", () => clearInterval(timer));
  socket.on("message", (data) => {
    if (String(data) === "3") heardAtMs = Date.now();
  });
};

it("plain texts that look like JSON are a heartbeat, though its message is called ping", async () => {
  const heartbeat = "x-heartbeat: { frame: ping, answer: pong, by: server, intervalMs: 200, timeoutMs: 1500 }";
  const only = ["limits-heartbeat-message-sent", "limits-heartbeat-message-kept", "server-message-valid"];
  const { failed, passed } = await verdicts(beaten(heartbeat, "text/plain"), engine, ["examples", "limits"], only);
  expect(failed).toEqual([]);
  expect(passed).toEqual(expect.arrayContaining(["limits-heartbeat-message-sent", "limits-heartbeat-message-kept"]));
}, 60_000);

it("a server that ends idle connections, of which the document says nothing, blames no rule", async () => {
  const { failed, interrupted } = await verdicts(
    beaten("", "text/plain"),
    engine,
    ["invalid", "frames"],
    [...["invalid-unspecified-handled", "frames-close-code-1000", "frames-ping-empty", "survives-half-close"]],
  );
  expect(failed).toEqual([]);
  expect(interrupted).toBeUndefined();
}, 60_000);

it("a server that declares WebSocket pings and sends none is found", async () => {
  const heartbeat = "x-heartbeat: { by: server, frame: ping, intervalMs: 200, timeoutMs: 300 }";
  const serve =
    (sends: boolean): Serve =>
    (socket) => {
      const timer = setInterval(() => sends && socket.ping(), 100);
      socket.on("close", () => clearInterval(timer));
    };
  const only = ["limits-heartbeat-answered-kept"];
  expect((await verdicts(beaten(heartbeat), serve(true), ["limits"], only)).passed).toEqual(only);
  const { failed } = await verdicts(beaten(heartbeat), serve(false), ["limits"], only);
  expect(failed).toEqual(["limits-heartbeat-answered-kept: none"]);
}, 60_000);

it("WebSocket pings of the client keep a connection, and silence ends it", async () => {
  const heartbeat = "x-heartbeat: { by: client, frame: ping, intervalMs: 400, timeoutMs: 1000, close: 4000 }";
  const serve =
    (fault?: "keeps" | "deaf"): Serve =>
    (socket) => {
      const close = () => socket.close(4000);
      let timer = setTimeout(close, 1_400);
      if (fault === "keeps") clearTimeout(timer);
      socket.on("close", () => clearTimeout(timer));
      socket.on("ping", () => {
        if (fault !== undefined) return;
        clearTimeout(timer);
        timer = setTimeout(close, 1_400);
      });
    };
  const only = ["limits-heartbeat-message-kept", "limits-heartbeat-message-missing-closed"];
  const of = (fault?: "keeps" | "deaf") => verdicts(beaten(heartbeat), serve(fault), ["limits"], only);
  expect((await of()).passed).toEqual(only);
  expect((await of("keeps")).failed).toEqual([expect.stringContaining("limits-heartbeat-message-missing-closed")]);
  expect((await of("deaf")).failed).toEqual([expect.stringContaining("limits-heartbeat-message-kept")]);
}, 60_000);

/** One question and its answer, of which it says nothing more. */
const terse = (ask: string, channel = "") => `
asyncapi: 3.0.0
info: { title: terse, version: 1.0.0 }
x-errors: { codes: [{ code: BAD, when: not-in-schema, close: 4400, description: No message. }] }
channels:
  c:
    address: /
    messages: { ask: { $ref: "#/components/messages/ask" }, answer: { $ref: "#/components/messages/answer" }, note: { $ref: "#/components/messages/note" } }
    ${channel}
operations:
  ask: { action: receive, channel: { $ref: "#/channels/c" }, messages: [{ $ref: "#/channels/c/messages/ask" }], reply: { channel: { $ref: "#/channels/c" }, messages: [{ $ref: "#/channels/c/messages/answer" }] }${ask} }
  push: { action: send, channel: { $ref: "#/channels/c" }, messages: [{ $ref: "#/channels/c/messages/note" }] }
components:
  messages:
    ask: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [type, id], properties: { type: { const: ask }, id: { type: string, maxLength: 40 } } }, examples: [{ payload: { type: ask, id: a } }] }
    answer: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [type, id], properties: { type: { const: answer }, id: { type: string } } } }
    note: { contentType: text/plain, payload: { type: string } }
`;

const answers = (act: (socket: WebSocket, id: unknown) => void): Serve => {
  return (socket) => {
    socket.on("message", (data) => {
      try {
        act(socket, JSON.parse(String(data)).id);
      } catch {
        socket.close(4400);
      }
    });
  };
};

it("a close that the document keeps for malformed frames never excuses a good one", async () => {
  const of = (code: number) =>
    verdicts(
      terse(""),
      answers((socket) => socket.close(code)),
      ["examples"],
      ["examples-success"],
    );
  expect((await of(4400)).failed).toEqual([expect.stringContaining("examples-success")]);
  expect(await of(4401)).toMatchObject({ failed: [], passed: [] });
}, 60_000);

it("an object of an unknown type is no plain text, though the schema allows any", async () => {
  const serve = answers((socket, id) => {
    socket.send('{"type":"anwser"}');
    socket.send(JSON.stringify({ type: "answer", id }));
  });
  const { failed } = await verdicts(terse(""), serve, ["handshake", "examples"], ["examples-success", "server-message-valid"]);
  expect(failed).toEqual([expect.stringContaining("server-message-valid")]);
}, 60_000);

it("a server that one client makes deaf for all has not survived, though it answers pings", async () => {
  let isDeaf = false;
  const serve: Serve = (socket) =>
    socket.on("message", (data) => {
      if (String(data) === "{") isDeaf = true;
      const { id } = isDeaf ? { id: undefined } : JSON.parse(String(data).startsWith('{"type":"ask"') ? String(data) : "{}");
      if (id !== undefined) socket.send(JSON.stringify({ type: "answer", id }));
    });
  const document = terse(", x-requires: [], x-effects: [{ reply: answer }]", "x-delivery: { fence: ask, streams: {} }");
  const { failed } = await verdicts(document, serve, ["frames"], ["survives-malformed-text"], 1_000);
  expect(failed).toEqual([expect.stringContaining("survives-malformed-text")]);
}, 60_000);

it("a server that ends connections which take part in the declared heartbeat is not excused by its habit", async () => {
  const serve: Serve = (socket) => {
    const timer = setTimeout(() => socket.terminate(), 900);
    socket.on("close", () => clearTimeout(timer));
  };
  const heartbeat = "x-heartbeat: { frame: ping, answer: pong, by: server, intervalMs: 200, timeoutMs: 1500 }";
  const only = ["invalid-unspecified-handled", "frames-close-code-1000", "survives-half-close"];
  const { failed, interrupted } = await verdicts(beaten(heartbeat, "text/plain"), serve, ["invalid", "frames"], only);
  expect(failed.length > 0 || interrupted !== undefined).toBe(true);
}, 60_000);
