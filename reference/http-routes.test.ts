import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import isPublishRefused from "../generated/validators/publish_refused.gen.js";
import { startTestServer, type TestServer, testToken } from "./testing/in-process-server.ts";

let server: TestServer;
let token: string;
beforeAll(async () => {
  server = await startTestServer();
  token = await testToken("poster", { roles: ["publisher"] });
});
afterAll(() => server.drain());

function post(room: string, body: string, headers: Record<string, string> = {}, to = server) {
  const all = { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers };
  return fetch(`${to.http}/rooms/${room}/messages`, { method: "POST", body, headers: all });
}

async function refusal(response: Response) {
  const body = await response.json();
  if (!isPublishRefused(body)) throw new Error(`not a publish_refused: ${JSON.stringify(body)}`);
  return { status: response.status, ...body.error };
}

interface Refusal {
  readonly error: { readonly code: string };
}

describe("publishing over HTTP", () => {
  test("appends the message to the room's log, and its members receive it", async () => {
    const ada = await server.connect("ada");
    const { payload: joined } = await ada.request("join_room", { room: "news" });
    const response = await post("news", '{"content":"Deployed"}');
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ epoch: joined.epoch, seq: joined.seq + 1 });
    expect((await ada.next("message")).payload).toEqual({
      room: "news",
      epoch: joined.epoch,
      seq: joined.seq + 1,
      from: { clientId: null, userId: "poster", username: "poster" },
      content: "Deployed",
    });
    ada.socket.close();
  });

  test("with a repeated Idempotency-Key publishes once", async () => {
    const key = { "idempotency-key": "0123456789abcdef" };
    const first = await (await post("once", '{"content":"a"}', key)).json();
    expect(await (await post("once", '{"content":"a"}', key)).json()).toEqual(first);
  });

  test.each([
    ["no token", "news", '{"content":"x"}', { authorization: "" }, 401, "TOKEN_INVALID"],
    ["no JSON", "news", "{", {}, 400, "INVALID_JSON"],
    ["null", "news", "null", {}, 400, "INVALID_MESSAGE"],
    ["no content", "news", "{}", {}, 400, "INVALID_MESSAGE"],
    ["no body", "news", "", {}, 400, "INVALID_MESSAGE"],
    ["a room that is no name", "..%2Fnews", '{"content":"x"}', {}, 400, "INVALID_MESSAGE"],
    ["a path that cannot be decoded", "%ff", '{"content":"x"}', {}, 400, "INVALID_MESSAGE"],
    ["a key that is none", "news", '{"content":"x"}', { "idempotency-key": "short" }, 400, "INVALID_MESSAGE"],
    ["too large a body", "news", `{"content":"${"x".repeat(70_000)}"}`, {}, 413, "INVALID_MESSAGE"],
  ])("refuses %s", async (_, room, body, headers, status, code) => {
    expect(await refusal(await post(room, body, headers as Record<string, string>))).toMatchObject({ status, code });
  });

  test("rejects unauthorised requests before it reads the body", async () => {
    const plain = await testToken("ada");
    const suspended = await testToken("ada", { roles: ["publisher", "suspended"] });
    for (const other of [plain, suspended]) {
      expect(await refusal(await post("news", "{", { authorization: `Bearer ${other}` }))).toMatchObject({
        status: 403,
        code: "FORBIDDEN",
      });
    }
  });

  test("gives a pointer into the body", async () => {
    expect(await refusal(await post("news", '{"content":7}'))).toMatchObject({ pointer: "/content" });
  });

  test("rejects a body or a path that is not UTF-8", async () => {
    const headers = { Authorization: `Bearer ${await testToken("hal", { roles: ["publisher"] })}` };
    const body = Buffer.concat([Buffer.from('{"content":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    const inBody = await fetch(`${server.http}/rooms/lobby/messages`, { method: "POST", headers, body });
    expect([inBody.status, ((await inBody.json()) as Refusal).error.code]).toEqual([400, "INVALID_JSON"]);
    const inPath = await fetch(`${server.http}/rooms/%ff/messages`, { method: "POST", headers, body: '{"content":"x"}' });
    expect([inPath.status, ((await inPath.json()) as Refusal).error.code]).toEqual([400, "INVALID_MESSAGE"]);
  });

  test("is rate-limited per user, with the wait in ms and s", async () => {
    const slow = await startTestServer({ PUBLISH_USER_BURST: "1", PUBLISH_USER_PER_SECOND: "0.1" });
    expect((await post("news", '{"content":"x"}', {}, slow)).status).toBe(202);
    const response = await post("news", '{"content":"x"}', {}, slow);
    expect(response.headers.get("retry-after")).toBe("10");
    const { status, code, retryAfterMs } = await refusal(response);
    expect([status, code]).toEqual([429, "RATE_LIMITED"]);
    expect(retryAfterMs).toBeGreaterThan(0);
    await slow.drain();
  });

  test("accepts only POST", async () => {
    const response = await fetch(`${server.http}/rooms/news/messages`);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });
});

describe("the other routes", () => {
  test("report health and metrics", async () => {
    expect(await (await fetch(`${server.http}/health/live`)).json()).toEqual({ status: "live" });
    expect(await (await fetch(`${server.http}/health/ready`)).json()).toEqual({ status: "ready" });
    const metrics = await (await fetch(`${server.http}/metrics`)).text();
    expect(metrics).toMatch(/^wsproof_ready 1$/m);
    expect(metrics).toMatch(/^wsproof_connections \d+$/m);
  });

  test("metrics count errors and closes by code", async () => {
    const count = async (line: string) => {
      const text = await (await fetch(`${server.http}/metrics`)).text();
      const found = text.split("\n").find((one) => one.startsWith(`${line} `));
      return Number(found?.slice(line.length) ?? 0);
    };
    const lines = ['wsproof_errors_total{code="INVALID_JSON"}', 'wsproof_closes_total{code="4401"}'];
    const before = await Promise.all(lines.map(count));
    const mallory = await server.connect("mallory");
    mallory.send("{");
    await mallory.next("error");
    mallory.socket.close();
    const stranger = new WebSocket(`${server.http.replace("http", "ws")}/ws`, ["rooms.v1", "bearer.bm8"]);
    await once(stranger, "close");
    expect(await Promise.all(lines.map(count))).toEqual(before.map((number) => number + 1));
  });

  test("metrics can have a separate port", async () => {
    const own = await startTestServer({ METRICS_PORT: "0" });
    expect((await fetch(`${own.http}/metrics`)).status).toBe(404);
    await own.drain();
  });

  test("unknown routes are 404, without headers of the framework", async () => {
    const response = await fetch(`${server.http}/nothing/here`);
    expect(response.status).toBe(404);
    expect(response.headers.get("x-powered-by")).toBeNull();
    expect(await response.text()).not.toMatch(/node_modules|at .*\.js/);
  });
});
