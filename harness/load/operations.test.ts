import { beforeAll, expect, it } from "vitest";
import type { Contract } from "../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { echoOperation, freeText, receivable, repeatable, weighted } from "./operations.ts";

let contract: Contract;
let channel: string;

beforeAll(async () => {
  contract = (await loadContract({ file: defaultSpecFile })).contract!;
  channel = contract.channels.find(({ kind }) => kind !== "http")!.id;
});

const ids = (operations: Iterable<{ id: string }>) => [...operations].map(({ id }) => id);
const without = (...gone: readonly string[]): Contract => ({
  ...contract,
  operations: contract.operations.filter(({ id }) => !gone.includes(id)),
});

it("only what the client sends on the channel can be put under load", () => {
  expect(ids(receivable(contract, channel))).toEqual([
    ...["authenticate", "joinRoom", "leaveRoom", "chat", "direct", "broadcast", "typing", "ping"],
  ]);
});

it("echo times the fence, else an answered one that wants and changes nothing, else the first answered", () => {
  expect(echoOperation(contract, channel, "ping").id).toBe("ping");
  expect(echoOperation(contract, channel, undefined).id).toBe("ping");
  expect(echoOperation(contract, channel, "typing").id).toBe("ping");
  expect(echoOperation(without("ping"), channel, undefined).id).toBe("joinRoom");
  const mute = { ...contract, operations: contract.operations.map((one) => ({ ...one, reply: [] })) };
  expect(() => echoOperation(mute, channel, undefined)).toThrow("the document has none");
});

it("what takes its own ground away is not repeated", () => {
  expect(ids(repeatable(receivable(contract, channel)))).toEqual(["joinRoom", "chat", "direct", "typing", "ping"]);
});

it("weights are asked for by operation or message, and all that can be repeated weigh 1 else", () => {
  const all = receivable(contract, channel);
  expect([...weighted(all, {})].map(([{ id }, weight]) => [id, weight])).toEqual([
    ...[
      ["joinRoom", 1],
      ["chat", 1],
      ["direct", 1],
      ["typing", 1],
      ["ping", 1],
    ],
  ]);
  expect([...weighted(all, { chat: 5, join_room: 0.5 })].map(([{ id }, weight]) => [id, weight])).toEqual([
    ["chat", 5],
    ["joinRoom", 0.5],
  ]);
  expect(() => weighted(all, { shout: 2 })).toThrow("--weight shout=2: no such operation; there are authenticate,");
});

it("the payload goes where free text is: not into tags, ids, constants, names or keys", () => {
  const message = (name: string) => contract.messages.find((one) => one.name === name)!;
  const of = (name: string) => freeText(message(name), contract.definitions);
  expect(["chat", "direct", "broadcast", "typing", "join_room"].map(of)).toEqual([
    ...["/payload/content", "/payload/content", "/payload/content", undefined, undefined],
  ]);
  expect(freeText(message("chat"), contract.definitions, (pointer) => pointer.endsWith("/content"))).toBeUndefined();
  const payload = { type: "object", properties: { "a/b~c": { type: "object", properties: { text: { type: "string" } } } } };
  const [example] = message("chat").examples;
  const deep = { ...message("chat"), payload, examples: [{ ...example!, payload: { "a/b~c": { text: "" } } }] };
  expect(freeText(deep, contract.definitions)).toBe("/a~1b~0c/text");
  expect(freeText({ ...deep, examples: [] }, contract.definitions)).toBeUndefined();
});
