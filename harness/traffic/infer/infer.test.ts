// Documents drafted from small made-up traffic: what is noticed, that the draft lints, and that check has no finding in the same traffic.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { endpointFor } from "../../../spec/endpoints.ts";
import { lint } from "../../../spec/lint/lint.ts";
import { loadContract } from "../../../spec/load-contract.ts";
import { TrafficChecker } from "../check.ts";
import { checkRules } from "../check-rules.ts";
import { readText } from "../har.ts";
import type { TrafficEvent } from "../traffic-event.ts";
import { emitDocument, roomCandidates } from "./emit-document.ts";
import { emitYaml } from "./emit-yaml.ts";
import { infer } from "./infer.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-infer-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Line = readonly ["send" | "receive", unknown] | readonly ["close", number, string?];

/** One connection after the other, 10 ms between two events. */
function traffic(talks: readonly (readonly Line[])[]): TrafficEvent[] {
  let atMs = 0;
  return talks.flatMap((lines, connection) => [
    { kind: "open", connection, atMs: ++atMs, node: "localhost", path: "/socket", subprotocol: "", user: "" } as const,
    ...lines.map((line): TrafficEvent => {
      atMs += 10;
      if (line[0] === "close") return { kind: "close", connection, atMs, code: line[1], reason: line[2] ?? "" };
      return { kind: line[0], connection, atMs, ...readText(typeof line[1] === "string" ? line[1] : JSON.stringify(line[1])) };
    }),
  ]);
}

async function drafted(events: readonly TrafficEvent[]) {
  const inferred = await infer(async function* () {
    yield* events;
  });
  const text = emitYaml(emitDocument(inferred, { title: "Draft" }), []);
  const file = path.join(folder, "asyncapi.yaml");
  writeFileSync(file, text);
  const { findings } = await lint({ file });
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  const { contract, channel } = endpointFor((await loadContract({ file })).contract!, undefined)!;
  const checker = new TrafficChecker(contract, channel);
  for (const event of events) checker.take(event);
  checker.end();
  const results = checker.report.results(contract, checkRules, "");
  const failed = results.flatMap(({ id, failures }) => failures.map(({ actual }) => `${id}: ${actual}`));
  return { inferred, text, document: parse(text), contract, failed };
}

const times = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index));

describe("infer", () => {
  it("finds types, ids, replies, errors, the first message, closes and rooms", async () => {
    const talk = (user: number): Line[] => [
      ["receive", { type: "welcome", you: `c${user}` }],
      ...times(6, (index): Line[] => {
        const id = `${user}-${index}`;
        const room = ["tea", "coffee", "water"][index % 3];
        return [
          ["send", { type: "join", id, room }],
          ["receive", { type: "joined", re: id, room, members: index }],
          ["send", { type: "say", id: `${id}s`, room, text: `Hello ${id}`, ...(index > 3 && { key: "k" }) }],
          ["receive", { type: "heard", room, from: "c9", text: "Hi", at: "2026-01-01T10:00:00Z" }],
          ["receive", index === 5 ? { type: "error", re: `${id}s`, code: "NOT_A_MEMBER" } : { type: "said", re: `${id}s`, room }],
        ];
      }).flat(),
      ["send", "{"],
      ["receive", { type: "error", code: "BAD_JSON" }],
      ["send", { type: "nonsense" }],
      ["receive", { type: "error", code: "UNKNOWN_TYPE" }],
      ["close", 4001, "too slow"],
    ];
    const { document, failed, inferred, contract } = await drafted(traffic(times(3, talk)));
    expect(failed.filter((line) => !line.startsWith("client-"))).toEqual([]);
    expect(contract.messages.map(({ name }) => name).sort()).toEqual([
      "error",
      "heard",
      "join",
      "joined",
      "said",
      "say",
      "welcome",
    ]);
    expect(contract.messages.every(({ tag, name }) => tag?.pointer === "/type" && tag.value === name)).toBe(true);
    expect(document.components.messages.say.payload.required).toEqual(["type", "id", "room", "text"]);
    expect(document.components.messages.say.correlationId).toEqual({ location: "$message.payload#/id" });
    expect(document.components.messages.joined.correlationId).toEqual({ location: "$message.payload#/re" });
    expect(document.operations.say.reply.messages.map(({ $ref }: { $ref: string }) => $ref.split("/").pop())).toEqual([
      "said",
      "error",
    ]);
    expect(document.operations.say["x-requires"]).toEqual([{ may: ["NOT_A_MEMBER"] }]);
    expect(document["x-errors"]).toEqual({
      reply: { message: "error", code: "/code" },
      codes: [{ code: "NOT_A_MEMBER" }, { code: "BAD_JSON", when: "not-json" }, { code: "UNKNOWN_TYPE", when: "unknown-type" }],
    });
    const channel = document.channels.socket;
    expect(channel).toMatchObject({ address: "/socket", "x-handshake": { first: "welcome" } });
    expect(channel["x-close-codes"]).toMatchObject([{ code: 4001, by: "server", when: 'Seen with the reason "too slow".' }]);
    expect(roomCandidates(inferred)).toEqual([expect.stringContaining("/room of join, say; comes again in heard (3 values)")]);
  });

  it("tells replies without a tag by their request, and a const by all messages", async () => {
    const call = (id: number, method: string, result: unknown): Line[] => [
      ["send", { jsonrpc: "2.0", id, method, params: [id] }],
      [
        "receive",
        result === undefined ? { jsonrpc: "2.0", id, error: { code: -32601, message: "No" } } : { jsonrpc: "2.0", id, result },
      ],
    ];
    const lines = times(30, (id) => [
      ...call(3 * id, "stat", { files: id, names: { [`f${id}1`]: id, [`g${id}2`]: 2 }, speed: id / 3 }),
      ...call(3 * id + 1, "add", `gid${id}`),
      ...call(3 * id + 2, id % 2 ? "stop" : "add", id % 2 ? undefined : `gid${id}`),
      ["receive", { jsonrpc: "2.0", method: "changed", params: [{ gid: `gid${id}` }] }] as const,
    ]).flat();
    const { document, failed, contract } = await drafted(traffic([lines]));
    expect(failed.filter((line) => !line.startsWith("client-"))).toEqual([]);
    const { messages } = document.components;
    expect(Object.keys(messages)).toEqual(["stat", "stat_reply", "add", "add_reply", "changed", "failure"]);
    expect(messages.stat.payload.properties.jsonrpc).toEqual({ const: "2.0" });
    expect(messages.stat_reply.payload.properties.result.properties).toEqual({
      files: { type: "integer" },
      names: { type: "object", additionalProperties: { type: "integer" } },
      speed: { type: "number" },
    });
    expect(contract.errors?.codes).toMatchObject([{ code: -32601 }]);
  });

  it("pairs requests and replies without an id by their order, and leaves several results of one request alone", async () => {
    const talk = (user: number): Line[] => [
      ["send", { type: "init" }],
      ["receive", { type: "ack" }],
      ...times(4, (index): Line[] => [
        ["send", { type: "subscribe", id: `${user}${index}`, query: "q" }],
        ["receive", { type: "next", id: `${user}${index}`, data: { n: index } }],
        ["send", { type: "ping" }],
        ["receive", { type: "next", id: `${user}${index}`, data: null }],
        ["receive", { type: "pong" }],
        ["receive", { type: "complete", id: `${user}${index}` }],
      ]).flat(),
    ];
    const { inferred, document, failed } = await drafted(traffic(times(3, talk)));
    expect(failed).toEqual([]);
    expect(inferred.pairs.map(({ request, replies, by }) => [request.name, replies.map(({ name }) => name), by])).toEqual([
      ["init", ["ack"], "order"],
      ["ping", ["pong"], "order"],
    ]);
    expect(document.components.messages.next.payload.properties.data.type).toEqual(["object", "null"]);
  });

  it("reads calls that are arrays, whose kind stands at a position", async () => {
    const lines = times(12, (index): Line[] => {
      const action = ["Boot", "Beat"][index % 2];
      return [
        ["send", [2, `m${index}`, action, action === "Boot" ? { vendor: "Acme" } : {}]],
        [
          "receive",
          index === 10 ? [4, `m${index}`, "Busy", "later", {}] : [3, `m${index}`, action === "Boot" ? { interval: 5 } : {}],
        ],
      ];
    }).flat();
    const { document, failed } = await drafted(traffic([lines]));
    expect(failed).toEqual([]);
    expect(document.components.messages.Boot.payload.items).toEqual([
      { const: 2 },
      { type: "string" },
      { const: "Boot" },
      { type: "object", required: ["vendor"], properties: { vendor: { type: "string" } } },
    ]);
    expect(document["x-errors"]).toMatchObject({ reply: { message: "failure", code: "/2" }, codes: [{ code: "Busy" }] });
  });

  it("notices a heartbeat by message, enums of the server, formats, and replaces secrets", async () => {
    const states = ["open", "sold", "withdrawn"];
    const lines = times(60, (index): Line[] => [
      ["receive", { event: "beat", n: index }],
      ["send", { event: "alive", token: `s3cret-${index}` }],
      ["receive", { event: "lot", state: states[index % 3], at: `2026-01-01T10:00:${String(index).padStart(2, "0")}Z` }],
    ]).flat();
    const slow = traffic([lines]).map((event) => ({ ...event, atMs: event.atMs * 40 }));
    const { document, failed, text } = await drafted(slow);
    expect(failed).toEqual([]);
    expect(document.channels.socket["x-heartbeat"]).toMatchObject({
      by: "server",
      frame: "beat",
      answer: "alive",
      intervalMs: 1200,
    });
    expect(document.components.messages.lot.payload.properties).toMatchObject({
      state: { enum: states },
      at: { format: "date-time" },
    });
    expect(text).toContain("enum: [open, sold, withdrawn] # 3 values in 60");
    expect(text).not.toContain("s3cret");
    expect(document.components.messages.alive.examples[0].payload.token).toBe("(secret)");
  });

  it("says that there is no message", async () => {
    await expect(drafted([])).rejects.toThrow(/the traffic has no message/);
  });
});
