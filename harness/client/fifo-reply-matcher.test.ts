import { describe, expect, it } from "vitest";
import { loadContract } from "../../spec/load-contract.ts";
import { createValidators } from "../../spec/schemas.ts";
import { Turns } from "./fifo-reply-matcher.ts";
import { createMessages } from "./messages.ts";
import type { Received } from "./peer.ts";

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
    const turns = new Turns(messages, validate);
    turns.sent(ping);
    turns.sent(ping);
    const second = turns.latest(ping)!;
    const [one, two] = [pong(), pong()];
    turns.came(one);
    turns.came(two);
    expect(second.number).toBe(2);
    expect(turns.isAt(one, second)).toBe(false);
    expect(turns.isAt(two, second)).toBe(true);
  });

  it("are not expected for a frame that breaks its schema", () => {
    const turns = new Turns(messages, validate);
    turns.sent({ type: "ping", payload: 5 });
    turns.sent(ping);
    expect(turns.latest(ping)!.number).toBe(1);
  });

  it("have no turn where an id tells the reply, or none is promised", () => {
    const turns = new Turns(messages, validate);
    expect(turns.latest({ type: "complete", id: "1" })).toBeUndefined();
    expect(turns.latest({ type: "pong" })).toBeUndefined();
  });
});
