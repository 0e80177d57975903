// Hand-written histories of a protocol whose errors are close codes, good and bad.
import { describe, expect, it } from "vitest";
import { loadContract } from "../../spec/load-contract.ts";
import { evaluate } from "./evaluate.ts";
import type { HistoryEvent } from "./history.ts";
import { createProtocol } from "./protocol.ts";

const file = new URL("../../spec/examples/graphql-transport-ws/asyncapi.yaml", import.meta.url).pathname;
const { contract } = await loadContract({ file });
const protocol = createProtocol(contract!);

const init = { type: "connection_init" };
const subscribe = { type: "subscribe", id: "1", payload: { query: "{ a }" } };

/** One connection: `>` what it sends, `<` what it gets, a number: the close code that comes; 1 ms passes with each, or as many as are given. */
function check(...lines: readonly (readonly [">" | "<", unknown] | number | { readonly ms: number })[]) {
  let atMs = 0;
  const history: unknown[] = [{ kind: "open", connection: 1, node: "0", user: "u", subprotocol: "", atMs }];
  for (const line of lines) {
    atMs += 1;
    if (typeof line === "number") history.push({ kind: "close", connection: 1, code: line, reason: "", atMs });
    else if ("ms" in line) atMs += line.ms;
    else {
      const [way, frame] = line;
      history.push({ kind: way === ">" ? "send" : "receive", connection: 1, frame, json: true, bytes: 1, atMs });
    }
  }
  const { findings, decided } = evaluate(protocol, history as HistoryEvent[], {
    claimsOf: () => new Map(),
    credentials: new Map(),
  });
  return { found: findings.map(({ rule }) => rule), decided: [...decided.keys()] };
}
const ping = [
  [">", { type: "ping" }],
  ["<", { type: "pong" }],
] as const;
const ready = [
  [">", init],
  ["<", { type: "connection_ack" }],
] as const;

describe("errors that are close codes", () => {
  it("are checked where an operation lacks what it requires", () => {
    const { found, decided } = check([">", subscribe], 4401);
    expect(found).toEqual([]);
    expect(decided).toContain("requirement-is-enforced");
  });
  it("are missed where the connection lives on", () => {
    expect(check([">", subscribe], ...ping).found).toEqual(["requirement-is-enforced"]);
    expect(check(...ready, [">", init], ...ping).found).toContain("requirement-is-enforced");
    expect(check([">", { type: "nothing" }], ...ping).found).toEqual(["malformed-is-rejected"]);
  });
  it("are told from others", () => {
    expect(check([">", subscribe], 4429).found).toContain("requirement-is-enforced");
    expect(check([">", { type: "nothing" }], 4400).found).toEqual([]);
    expect(check([">", { type: "nothing" }], 4401).found).toContain("malformed-is-rejected");
    expect(check(...ready, [">", { type: "nothing" }], 4500).found).toContain("malformed-is-rejected");
  });
  it("are not blamed for what may come of an earlier message that is never answered", () => {
    expect(check(...ready, [">", subscribe], [">", { type: "nothing" }], 4500).found).toEqual(["no-unexpected-close"]);
  });
});

describe("a relation that the server may end", () => {
  it("is never certain: the same id may be used again, or be in the way", () => {
    const result = [["<", { type: "next", id: "1", payload: {} }]] as const;
    const twice = [...ready, [">", subscribe], ...result, ["<", { type: "complete", id: "1" }], [">", subscribe]] as const;
    expect(check(...twice, ...result, ...ping).found).toEqual([]);
    expect(check(...ready, [">", subscribe], [">", subscribe], 4409).found).toEqual([]);
  });
});

describe("a first message that does not come in time", () => {
  it("explains its close after that time, and not before", () => {
    expect(check(...ping, { ms: 3_000 }, 4408).found).toEqual([]);
    expect(check(...ping, 4408).found).toEqual(["no-unexpected-close"]);
    expect(check(...ready, { ms: 3_000 }, 4408).found).toEqual(["no-unexpected-close"]);
  });
});
