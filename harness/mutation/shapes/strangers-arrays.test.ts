// A server as strangers write it: all that it has to say within a tick goes out as one array.
import { expect, it } from "vitest";
import type { WebSocket } from "ws";
import { type Serve, verdicts } from "./verdicts.ts";

const names = ["ask", "answer", "price"];
const document = `
asyncapi: 3.0.0
info: { title: prices, version: 1.0.0 }
channels:
  c:
    address: /
    messages: { ${names.map((name) => `${name}: { $ref: "#/components/messages/${name}" }`).join(", ")} }
    x-batch: { by: server }
    x-delivery: { fence: ask, streams: {} }
operations:
  ask:
    action: receive
    channel: { $ref: "#/channels/c" }
    messages: [{ $ref: "#/channels/c/messages/ask" }]
    reply: { channel: { $ref: "#/channels/c" }, messages: [{ $ref: "#/channels/c/messages/answer" }] }
    x-requires: []
    x-effects: [{ reply: answer }]
  push: { action: send, channel: { $ref: "#/channels/c" }, messages: [{ $ref: "#/channels/c/messages/price" }] }
components:
  messages:
    ask: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [ev, id], properties: { ev: { const: ask }, id: { type: integer, minimum: 1 } } }, examples: [{ payload: { ev: ask, id: 1 } }] }
    answer: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [ev, id], properties: { ev: { const: answer }, id: { type: integer } } } }
    price: { payload: { type: object, required: [ev, price], properties: { ev: { const: price }, price: { type: string, pattern: "^[0-9]+[.][0-9]{2}$" } } } }
`;

function prices(fault?: "doubles" | "price-as-number"): Serve {
  return (socket: WebSocket) => {
    let due: object[] = [];
    const say = (message: object) => {
      if (due.length === 0) setImmediate(() => socket.send(JSON.stringify(due.splice(0))));
      due = [...due, message];
    };
    socket.on("message", (data) => {
      const { ev, id } = JSON.parse(String(data));
      if (ev !== "ask") return;
      say({ ev: "price", price: fault === "price-as-number" ? 1.5 : "1.50" });
      say({ ev: "answer", id });
      if (fault === "doubles") say({ ev: "answer", id });
    });
  };
}

const phases = ["handshake", "examples"] as const;

it("each item of its arrays is a message", async () => {
  const { failed, passed } = await verdicts(document, prices(), phases);
  expect(failed).toEqual([]);
  expect(passed).toEqual(expect.arrayContaining(["examples-success", "examples-reply-once", "server-message-valid"]));
}, 60_000);

it.each([
  ["doubles", "examples-reply-once"],
  ["price-as-number", "server-message-valid"],
] as const)(
  "%s is found by %s",
  async (fault, rule) => {
    const { failed } = await verdicts(document, prices(fault), phases, [rule]);
    expect(failed).toEqual([expect.stringContaining(rule)]);
  },
  60_000,
);
