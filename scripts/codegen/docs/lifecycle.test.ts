// The life of a connection, of our document and of one that was not made with our keys in mind; and what a browser hides of the handshake.
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Contract, Handshake } from "../../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { emitHtml } from "../html/emit-html.ts";
import { emitMarkdown } from "../markdown/emit-markdown.ts";
import { lifecycleOf } from "./lifecycle.ts";
import { browserWords } from "./wording.ts";

const graphqlFile = fileURLToPath(new URL("../../../spec/examples/graphql-transport-ws/asyncapi.yaml", import.meta.url));
const rooms = (await loadContract({ file: defaultSpecFile })).contract!;
const graphql = (await loadContract({ file: graphqlFile })).contract!;
const lifeOf = (contract: Contract) => lifecycleOf(contract, contract.channels[0]!)!;

test("of rooms.v1: let in with a credential, a member for a while, closed with a code that says what next", () => {
  const { closes, ...life } = lifeOf(rooms);
  expect(life).toEqual({
    httpRefusals: [403, 404, 426, 503],
    first: "connected",
    isAuthenticated: true,
    renewedBy: ["authenticate"],
    standings: [{ name: "member", depth: 0, begunBy: ["joinRoom"], endedBy: ["leaveRoom"], neededBy: ["chat", "typing"] }],
  });
  const channel = rooms.channels[0]!;
  expect(closes.flatMap(({ codes }) => codes.map(({ code }) => code)).sort()).toEqual(
    channel.closeCodes.map(({ code }) => code).sort(),
  );
  for (const { next, codes } of closes) {
    for (const { code } of codes) expect(channel.closeCodes.find((entry) => entry.code === code)!.reconnect).toBe(next);
  }
  const refusals = closes.flatMap(({ codes }) => codes.filter(({ isRefusal }) => isRefusal).map(({ code }) => code));
  expect(refusals.sort()).toEqual([4401, 4403, 4406, 4430]);
});

test("of graphql-transport-ws: what needs another comes after it", () => {
  const { standings, isAuthenticated, first } = lifeOf(graphql);
  expect([isAuthenticated, first]).toEqual([false, undefined]);
  expect(standings.map(({ name, depth }) => [name, depth])).toEqual([
    ["initialised", 0],
    ["subscribed", 1],
  ]);
  expect(standings[1]).toMatchObject({ begunBy: ["subscribe"], endedBy: ["completeByClient", "error", "completeByServer"] });
});

test("relations that need each other in a circle are told, each once", () => {
  const needing = (relation: string) => ({ kind: "relation", relation, present: true, where: new Map(), else: "NO" });
  const way = (id: string, adds: string, needs: string) => ({
    ...rooms.operations[0]!,
    id,
    requires: [needing(needs)],
    effects: [{ kind: "add", relation: adds, where: new Map() }],
  });
  const circle = {
    ...rooms,
    state: { ...rooms.state, relations: ["a", "b"].map((name) => ({ ...rooms.state.relations[0]!, name })) },
    operations: [way("toA", "a", "b"), way("toB", "b", "a")],
  } as unknown as Contract;
  expect(lifeOf(circle).standings.map(({ name }) => name)).toEqual(["a", "b"]);
});

test("a document that says nothing of it has no such part", () => {
  const bare = {
    ...rooms,
    state: { attributes: [], relations: [] },
    channels: rooms.channels.map((channel) => ({ ...channel, handshake: undefined, closeCodes: [] })),
  };
  expect(lifecycleOf(bare, bare.channels[0]!)).toBeUndefined();
  expect(emitHtml(bare)).not.toContain("Life of a connection");
});

test.each([
  ["rooms.v1", rooms],
  ["graphql-transport-ws", graphql],
])("the drawing for %s links every close code once, and every operation that it names", (_, contract) => {
  const page = emitHtml(contract);
  const svg = /<svg class="life-of"[\s\S]*?<\/svg>/.exec(page)![0];
  for (const { code } of contract.channels[0]!.closeCodes) expect(svg.split(`href="#close-${code}"`)).toHaveLength(2);
  const named = lifeOf(contract).standings.flatMap(({ begunBy, endedBy, neededBy }) => [...begunBy, ...endedBy, ...neededBy]);
  expect(named.length).toBeGreaterThan(2);
  for (const id of named) expect(svg).toContain(`href="#operation-${id}"`);
  for (const [, target] of svg.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(` id="${target}"`);
});

test("a browser that offers only a wrong subprotocol is told of 1006, in page and Markdown, where the document closes it by a code", () => {
  for (const text of [emitHtml(rooms), emitMarkdown(rooms), emitMarkdown(graphql)]) {
    expect(text).toContain("A browser that offers only wrong subprotocols sees 1006, not 4406");
  }
  const shake = rooms.channels[0]!.handshake!;
  const told = (refusals: Handshake["refusals"]) => browserWords({ ...shake, refusals }).join("\n");
  const [subprotocol] = shake.refusals.filter(({ when }) => when === "subprotocol-not-acceptable");
  expect(told([{ ...subprotocol!, outcome: { close: 4999 } }])).toContain("sees 1006, not 4999");
  expect(told([{ ...subprotocol!, outcome: { http: 400, headers: [] } }])).toBe(
    "A page in a browser cannot tell an HTTP 400 from anything else that fails: it shows as close 1006, without a status or a reason.",
  );
  expect(told([])).toBe("");
});
