// Requests over HTTP through the proxy: the body goes on, whatever is done to the answer.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createMessages } from "../../client/messages.ts";
import { faults } from "../../conformance/faults/fault.ts";
import type { Fault } from "../../conformance/faults/plan.ts";
import { loadOwnContract } from "../own-contract.ts";
import { type FaultProxy, startProxy } from "./proxy.ts";

const subject = await loadOwnContract();
const server = createServer((request, response) => {
  let text = "";
  request.on("data", (chunk) => {
    text += chunk;
  });
  request.on("end", () => {
    response.writeHead(202, { "X-Key": `${request.headers["x-key"]}` });
    response.write(text.slice(0, 5));
    response.end(text.slice(5));
  });
});
const proxies: FaultProxy[] = [];

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(async () => {
  for (const proxy of proxies) await proxy.close();
  server.close();
});

async function post(...planted: readonly Fault[]): Promise<{ status: number; key: string | null; length: number; text: string }> {
  const { port } = server.address() as AddressInfo;
  const transformations = planted.flatMap(({ how }) => (how.by === "proxy" ? how.transformations : []));
  const target = new URL(`ws://127.0.0.1:${port}/ws`);
  const messages = createMessages(subject.contract, subject.channel, () => []);
  const proxy = await startProxy({ ...subject, target, messages, transformations });
  proxies.push(proxy);
  const body = "a long body ".repeat(20_000);
  const answer = await fetch(proxy.url.replace("ws:", "http:"), { method: "POST", body, headers: { "X-Key": "one" } });
  const text = await answer.text();
  return { status: answer.status, key: answer.headers.get("x-key"), length: text.length, text: text.slice(0, 6) };
}

const honest = { status: 202, key: "one", length: 240_000, text: "a long" };

it("pass as they are", async () => {
  expect(await post()).toEqual(honest);
});

it("get another status, and go on whole", async () => {
  expect(await post(faults.changesStatus(202, 500))).toEqual({ ...honest, status: 500 });
  expect(await post(faults.changesStatus(404, 500))).toEqual(honest);
});

it("get another body of another length, where the status fits", async () => {
  expect(await post(faults.changesBody(202, "{}"))).toEqual({ ...honest, length: 2, text: "{}" });
  expect(await post(faults.changesBody(400, "{}"))).toEqual(honest);
});

it("lose a header, or have another one", async () => {
  expect(await post(faults.dropsRequestHeader("X-Key"))).toEqual({ ...honest, key: "undefined" });
  expect(await post(faults.setsRequestHeader("X-Key", "two"))).toEqual({ ...honest, key: "two" });
});
