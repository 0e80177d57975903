// Hand-written histories of protocols of other shapes, good and bad.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadContract } from "../../spec/load-contract.ts";
import { createSchemaValidator } from "../schema/schema-validator.ts";
import { evaluate } from "./evaluate.ts";
import type { HistoryEvent } from "./history.ts";
import { createProtocol, type Protocol } from "./protocol.ts";

const id = "id: { type: [integer, string] }";
/** JSON-RPC with downloads that the server names; replies have no tag. */
const rpc = `
asyncapi: 3.0.0
info: { title: rpc, version: 1.0.0 }
x-state: { connection: {}, relations: { job: { columns: [connection, gid] } } }
x-errors:
  reply: { message: failure, code: /error/code }
  codes:
    - { code: -32700, when: not-json, name: PARSE }
    - { code: 1, name: BUSY }
    - { code: 2, name: NO_JOB }
channels:
  rpc:
    address: /
    messages:
      add: { $ref: "#/components/messages/add" }
      added: { $ref: "#/components/messages/added" }
      stop: { $ref: "#/components/messages/stop" }
      stopped: { $ref: "#/components/messages/stopped" }
      failure: { $ref: "#/components/messages/failure" }
    x-delivery: { streams: {} }
operations:
  add:
    action: receive
    channel: { $ref: "#/channels/rpc" }
    messages: [{ $ref: "#/channels/rpc/messages/add" }]
    reply: { channel: { $ref: "#/channels/rpc" }, messages: [{ $ref: "#/channels/rpc/messages/added" }, { $ref: "#/channels/rpc/messages/failure" }] }
    x-reply: when-correlated
    x-requires: [{ may: [BUSY] }]
    x-effects: [{ add: job, where: { gid: $reply#/result } }, { reply: added }]
  stop:
    action: receive
    channel: { $ref: "#/channels/rpc" }
    messages: [{ $ref: "#/channels/rpc/messages/stop" }]
    reply: { channel: { $ref: "#/channels/rpc" }, messages: [{ $ref: "#/channels/rpc/messages/stopped" }, { $ref: "#/channels/rpc/messages/failure" }] }
    x-requires: [{ relation: job, where: { gid: $message.payload#/gid }, else: 2 }]
    x-effects: [{ remove: job, where: { gid: $message.payload#/gid } }, { reply: stopped }]
components:
  messages:
    add: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [method], properties: { ${id}, method: { const: add } } } }
    stop: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [id, method, gid], properties: { ${id}, method: { const: stop }, gid: { type: string } } } }
    added: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [id, result], properties: { ${id}, result: { type: string } } } }
    stopped: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [id, result], properties: { ${id}, result: { type: boolean } } } }
    failure: { correlationId: { location: $message.payload#/id }, payload: { type: object, required: [error], properties: { id: { type: [integer, string, "null"] }, error: { type: object, required: [code], properties: { code: { type: integer } } } } } }
`;

async function protocolOf(text: string): Promise<Protocol> {
  const folder = mkdtempSync(join(tmpdir(), "wsproof-shapes-"));
  try {
    const file = join(folder, "asyncapi.yaml");
    writeFileSync(file, text);
    const { contract, findings } = await loadContract({ file });
    if (contract === undefined) throw new Error(JSON.stringify(findings));
    return createProtocol(contract);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Line = readonly [">" | "<", unknown] | { readonly ms: number };

/** One connection: `>` what it sends, `<` what it receives; 1 ms passes with each. */
function rulesIn(protocol: Protocol, lines: readonly Line[], replyWithinMs?: number): string[] {
  const { definitions, messages } = protocol.contract;
  const validator = createSchemaValidator(definitions);
  let atMs = 0;
  const history: object[] = [{ kind: "open", connection: 1, node: "0", user: "u", subprotocol: "", atMs }];
  for (const line of lines) {
    atMs += "ms" in line ? line.ms : 1;
    if ("ms" in line) continue;
    const [way, frame] = line;
    history.push({ kind: way === ">" ? "send" : "receive", connection: 1, frame, json: true, bytes: 1, atMs });
  }
  const { findings } = evaluate(protocol, history as HistoryEvent[], {
    claimsOf: () => new Map(),
    credentials: new Map(),
    accepts: (name, frame) =>
      validator.errors(messages.find((message) => message.name === name)?.payload ?? true, frame).length === 0,
    ...(replyWithinMs === undefined ? {} : { replyWithinMs }),
  });
  return findings.map(({ rule }) => rule);
}

const protocol = await protocolOf(rpc);
const add = (id: unknown) => [">", { id, method: "add" }] as const;
const added = (id: unknown, gid: string) => ["<", { id, result: gid }] as const;
const stop = (id: unknown, gid: string) => [">", { id, method: "stop", gid }] as const;
const stopped = (id: unknown) => ["<", { id, result: true }] as const;
const failed = (id: unknown, code: number) => ["<", { id, error: { code } }] as const;

describe("replies without a tag", () => {
  it("are told by the request that they answer", () => {
    expect(rulesIn(protocol, [add(1), added(1, "a"), stop(2, "a"), stopped(2)])).toEqual([]);
  });
  it.each<[string, Line[], string[]]>([
    ["another operation's reply", [add(1), ["<", { id: 1, result: true }]], ["reply-matches-effect"]],
    ["a result and an error at once", [add(1), ["<", { id: 1, result: "a", error: { code: 1 } }]], ["reply-matches-effect"]],
    ["what is no message", [add(1), ["<", { id: 1, result: 7 }]], ["reply-matches-effect"]],
    ["the id as another type", [add(1), added("1", "a")], ["unexpected-message"]],
    ["two replies", [add(1), added(1, "a"), added(1, "a")], ["reply-exactly-one"]],
  ])("fail where they are %s", (_, lines, rules) => {
    expect(rulesIn(protocol, lines)).toEqual(rules);
  });
});

describe("refusals", () => {
  it("that the document allows by `may` are right, and so is a success", () => {
    expect(rulesIn(protocol, [add(1), failed(1, 1)])).toEqual([]);
    expect(rulesIn(protocol, [add(1), failed(1, 2)])).toEqual(["error-by-first-failed-requirement"]);
  });
  it("follow from values that the server made", () => {
    expect(rulesIn(protocol, [add(1), added(1, "a"), stop(2, "b"), failed(2, 2)])).toEqual([]);
    expect(rulesIn(protocol, [add(1), added(1, "a"), stop(2, "b"), stopped(2)])).toEqual(["requirement-is-enforced"]);
    expect(rulesIn(protocol, [add(1), added(1, "a"), stop(2, "a"), failed(2, 2)])).toEqual(["allowed-is-not-rejected"]);
  });
  it("compare codes by type and value", () => {
    const text: Line = ["<", { id: 2, error: { code: "2" } }];
    expect(rulesIn(protocol, [stop(2, "b"), text])).toEqual(["reply-matches-effect"]);
  });
});

describe("requests", () => {
  it("without an id get no reply where only correlated ones do", () => {
    expect(rulesIn(protocol, [[">", { method: "add" }], add(1), added(1, "a")], 100)).toEqual([]);
  });
  it("with one id at the same time are answered in order", () => {
    expect(rulesIn(protocol, [add(1), stop(1, "a"), added(1, "a"), failed(1, 2)])).not.toContain("reply-exactly-one");
  });
  it("that are never answered are found without a fence, once a later one is answered after the deadline", () => {
    expect(rulesIn(protocol, [add(1), add(2), added(2, "a")], 100)).toEqual([]);
    expect(rulesIn(protocol, [add(1), { ms: 200 }, add(2), added(2, "a")], 100)).toEqual(["reply-exactly-one"]);
  });
});

describe("errors", () => {
  it("with the id null answer no request", () => {
    expect(rulesIn(protocol, [add(1), ["<", { id: null, error: { code: 9 } }], added(1, "a")])).toEqual(["unexpected-message"]);
  });
});
