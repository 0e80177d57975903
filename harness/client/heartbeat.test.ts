// Which message answers a heartbeat by message where the document names none.
import { expect, it } from "vitest";
import type { Channel, Contract, Operation } from "../../spec/contract.ts";
import { heartbeatAnswer } from "./heartbeat.ts";

const operation = (message: string, rest: Partial<Operation> = {}) =>
  ({
    ...{ id: message, channel: "c", action: "receive", messages: [message], reply: undefined, exercise: "full" },
    ...{ requires: [], effects: [], effectsKnown: true, ...rest },
  }) as unknown as Operation;
const channelWith = (heartbeat: object) =>
  ({ id: "c", heartbeat: { by: "server", frame: "hb", answeredBy: "any-frame", ...heartbeat } }) as unknown as Channel;
const contract = {
  operations: [operation("ask", { reply: ["answer"] }), operation("maybe", { effectsKnown: false }), operation("ack")],
} as unknown as Contract;

it("is the message that the document names", () => {
  expect(heartbeatAnswer(contract, channelWith({ answer: "ask" }))).toBe("ask");
});

it("is one without reply, effect and requirement where any frame answers", () => {
  expect(heartbeatAnswer(contract, channelWith({}))).toBe("ack");
});

it("is none where a pong is due, where the client beats, and where each message does something", () => {
  expect(heartbeatAnswer(contract, channelWith({ answeredBy: "pong" }))).toBeUndefined();
  expect(heartbeatAnswer(contract, channelWith({ by: "client" }))).toBeUndefined();
  expect(heartbeatAnswer({ ...contract, operations: contract.operations.slice(0, 2) }, channelWith({}))).toBeUndefined();
});
