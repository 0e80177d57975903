import { describe, expect, it } from "vitest";
import { loadContract } from "../../spec/load-contract.ts";
import { createValidators } from "../../spec/schemas.ts";
import { FifoReplyMatcher } from "./fifo-reply-matcher.ts";
import { createMessages } from "./messages.ts";
import type { Received } from "./received.ts";

const file = new URL("../../spec/examples/graphql-transport-ws/asyncapi.yaml", import.meta.url).pathname;
const { contract } = await loadContract({ file });
const validators = createValidators(contract!);
const validate = (name: string, value: unknown) =>
  validators
    .of(name)(value)
    .map(() => "is wrong");
const messages = createMessages(contract!, contract!.channels[0]!, validate);
const ping = { type: "ping" };
const pong = (): Received => ({ name: "pong", value: { type: "pong" }, json: true, binary: false, text: "", wrong: [], atMs: 0 });

describe("replies without an id", () => {
  it("answer the requests in their order, so that the second request waits for the second reply", () => {
    const matcher = new FifoReplyMatcher(messages, validate);
    matcher.sent(ping);
    matcher.sent(ping);
    const second = matcher.latest(ping)!;
    const [one, two] = [pong(), pong()];
    matcher.came(one);
    matcher.came(two);
    expect(second.number).toBe(2);
    expect(matcher.isAt(one, second)).toBe(false);
    expect(matcher.isAt(two, second)).toBe(true);
  });

  it("are not expected for a frame that breaks its schema", () => {
    const matcher = new FifoReplyMatcher(messages, validate);
    matcher.sent({ type: "ping", payload: 5 });
    matcher.sent(ping);
    expect(matcher.latest(ping)!.number).toBe(1);
  });

  it("have no position where an id tells the reply, or none is promised", () => {
    const matcher = new FifoReplyMatcher(messages, validate);
    expect(matcher.latest({ type: "complete", id: "1" })).toBeUndefined();
    expect(matcher.latest({ type: "pong" })).toBeUndefined();
  });
});
