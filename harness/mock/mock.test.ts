// The mock keeps every document that it serves: verify passes against it, for our own document, the examples, and random contracts.
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import WebSocket from "ws";
import { loadContract } from "../../spec/load-contract.ts";
import { verify } from "../index.ts";
import { type Mock, type MockOptions, startMock } from "./start-mock.ts";

const examples = fileURLToPath(new URL("../../spec/examples", import.meta.url));
const secret = "a-secret-of-more-than-32-bytes-for-tests";
let mock: Mock | undefined;

afterEach(async () => {
  await mock?.stop();
  mock = undefined;
});

async function serve(spec: string | undefined, options: Partial<MockOptions> = {}): Promise<Mock> {
  const file = spec ?? fileURLToPath(new URL("../../spec/asyncapi.yaml", import.meta.url));
  const { contract } = await loadContract({ file });
  mock = await startMock({
    ...{ contract: contract!, port: 0, host: "127.0.0.1", seed: 1, latencyMs: 0, faults: [] },
    ...{ auth: {}, origins: [], set: {}, maxConnections: 1_000, ...options },
  });
  return mock;
}

const failuresOf = (rules: Awaited<ReturnType<typeof verify>>["rules"]) =>
  rules
    .filter(({ verdict }) => verdict === "fail" || verdict === "inconclusive")
    .map(({ id, failures, reason }) => `${id}: expected ${failures[0]?.expected}, got ${failures[0]?.actual ?? reason}`);

it.each(readdirSync(examples))("keeps the document of spec/examples/%s", async (name) => {
  const spec = path.join(examples, name, "asyncapi.yaml");
  const { urls } = await serve(spec);
  const url = urls[0]!.replace(/\{[^{}]*\}/, "CP-1");
  const { rules, exitCode } = await verify({
    ...{ url, spec, runs: 4, seed: 1, phases: ["handshake", "examples", "stateful"] },
  });
  expect(failuresOf(rules)).toEqual([]);
  expect(exitCode).toBe(0);
});

it("keeps the document of rooms.v1, with tokens and over HTTP", async () => {
  const { urls } = await serve(undefined, { auth: { secret }, set: { tokenGraceMs: "500" } });
  const { rules, exitCode } = await verify({
    ...{ url: urls[0]!, auth: { secret }, runs: 4, seed: 1, phases: ["examples", "stateful"] },
  });
  expect(failuresOf(rules)).toEqual([]);
  expect(exitCode).toBe(0);
});

it("fails a mock with a fault by the rule of the promise", async () => {
  const spec = path.join(examples, "chat/asyncapi.yaml");
  const { urls } = await serve(spec, { faults: ["removes-field/heard/from"] });
  const { rules, exitCode } = await verify({ url: urls[0]!, spec, seed: 1, only: ["server-message-valid", "examples-deliver"] });
  expect(exitCode).toBe(1);
  expect(failuresOf(rules).join("\n")).toContain("heard");
});

it("says goodbye as the document does", async () => {
  const { urls, stop } = await serve(undefined);
  const socket = new WebSocket(urls[0]!, ["rooms.v1", `bearer.${Buffer.from("ada").toString("base64url")}`]);
  const texts: string[] = [];
  socket.on("message", (data) => texts.push(String(data)));
  await new Promise((resolve) => socket.once("message", resolve));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await stop();
  expect(await closed).toBe(1012);
  expect(texts.map((text) => JSON.parse(text).type)).toEqual(["connected", "server_shutdown"]);
});

it("names what it cannot do", async () => {
  await expect(serve(undefined, { faults: ["drops-message/nothing"] })).rejects.toThrow(/sends no message nothing; it sends/);
  await expect(serve(undefined, { faults: ["eats/ack"] })).rejects.toThrow(/no fault is called eats/);
  await expect(serve(undefined, { set: { "heartbeat.color": "1" } })).rejects.toThrow(/advertises no such number; it has/);
});
