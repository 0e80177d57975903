import { get } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, TestClient, type TestServer, testToken } from "./testing/in-process-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.drain());

/** The status and headers of an upgrade that is refused in HTTP. */
function upgrade(url: string, headers: Record<string, string> = {}) {
  const wanted = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol": "rooms.v1",
  };
  return new Promise<{ status: number | undefined; headers: Record<string, unknown> }>((resolve, reject) => {
    const request = get(url, { headers: { ...wanted, ...headers }, agent: false });
    request.on("response", (response) => {
      response.resume();
      resolve({ status: response.statusCode, headers: response.headers });
    });
    request.on("upgrade", (_, socket) => {
      socket.destroy();
      resolve({ status: 101, headers: {} });
    });
    request.on("error", reject);
  });
}

describe("the handshake", () => {
  test("refuses over HTTP requests that are not WebSocket handshakes of this protocol", async () => {
    expect((await upgrade(`${server.http}/other`)).status).toBe(404);
    expect((await upgrade(`${server.http}/ws`, { Origin: "https://evil.example" })).status).toBe(403);
    expect((await upgrade(`${server.http}/ws`, { Origin: `http://localhost:${server.port}` })).status).toBe(101);
    expect(await upgrade(`${server.http}/ws`, { Upgrade: "h2c" })).toMatchObject({
      status: 426,
      headers: { upgrade: "websocket" },
    });
    const plain = await fetch(`${server.http}/ws`);
    expect([plain.status, plain.headers.get("upgrade")]).toEqual([426, "websocket"]);
  });

  test("accepts and closes with a code where a browser must see the reason", async () => {
    const good = await testToken("ada");
    const expired = await testToken("ada", { exp: 1 });
    const suspended = await testToken("ada", { roles: ["suspended"] });
    const cases = [
      [`${server.ws}?token=${good}`, undefined, 4406],
      [`${server.ws}?token=${good}`, "rooms.v2", 4406],
      [server.ws, "rooms.v1", 4401],
      [`${server.ws}?token=nonsense`, "rooms.v1", 4401],
      [`${server.ws}?token=${expired}`, "rooms.v1", 4401],
      [`${server.ws}?token=${suspended}`, "rooms.v1", 4403],
    ] as const;
    for (const [url, subprotocol, code] of cases) {
      const isOurs = subprotocol === "rooms.v1";
      // The client of ws breaks off by itself when none of its own list is chosen, so the other names go by the header.
      const headers = subprotocol === undefined || isOurs ? {} : { "Sec-WebSocket-Protocol": subprotocol };
      const client = new TestClient(url, isOurs ? [subprotocol] : [], { headers });
      expect((await client.closed).code).toBe(code);
      expect(client.frames).toEqual([]);
    }
  });

  test("takes the token from each carrier and echoes only rooms.v1", async () => {
    const token = await testToken("ada");
    const pair = `bearer.${Buffer.from(token).toString("base64url")}`;
    const clients = [
      new TestClient(server.ws, ["rooms.v1"], { headers: { Authorization: `Bearer ${token}` } }),
      new TestClient(server.ws, ["rooms.v1", pair]),
      new TestClient(`${server.ws}?token=${token}`),
    ];
    for (const client of clients) {
      expect(await client.next("connected")).toMatchObject({ payload: { userId: "ada" } });
      expect(client.socket.protocol).toBe("rooms.v1");
      expect(client.socket.extensions).toBe("");
      client.socket.close();
    }
  });

  test("the first carrier decides, even if a later one is valid", async () => {
    const client = new TestClient(`${server.ws}?token=${await testToken("ada")}`, ["rooms.v1"], {
      headers: { Authorization: "Bearer nonsense" },
    });
    expect((await client.closed).code).toBe(4401);
  });
});

describe("on the wire", () => {
  test("a message reaches every member, and pipelined requests are answered in order", async () => {
    const [ada, bob] = [await server.connect("ada"), await server.connect("bob")];
    for (const client of [ada, bob]) await client.request("join_room", { room: "lobby" });
    for (let count = 0; count < 20; count++)
      ada.send({ type: "chat", id: `c${count}`, payload: { room: "lobby", content: `${count}` } });
    const mine = await ada.fence();
    const acks = mine.filter(({ type }) => type === "ack").map(({ replyTo }) => replyTo);
    expect(acks).toEqual(Array.from({ length: 20 }, (_, index) => `c${index}`));
    const contents = (await bob.fence()).flatMap(({ type, payload }) => (type === "message" ? [payload.content] : []));
    expect(contents).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
    for (const client of [ada, bob]) client.socket.close();
  });

  test("an abnormal close is announced to the other members", async () => {
    const [ada, bob] = [await server.connect("ada"), await server.connect("bob")];
    for (const client of [ada, bob]) await client.request("join_room", { room: "hall" });
    bob.socket.terminate();
    expect(await ada.next("user_left")).toMatchObject({ payload: { userId: "bob", reason: "disconnect", memberCount: 1 } });
    ada.socket.close();
  });

  test("closes with the codes of RFC 6455", async () => {
    const binary = await server.connect("ada");
    binary.socket.send(Buffer.from("{}"));
    expect((await binary.closed).code).toBe(1003);
    const big = await server.connect("ada");
    big.send("x".repeat(65_537));
    expect((await big.closed).code).toBe(1009);
    const polite = await server.connect("ada");
    polite.socket.close(1000, "bye");
    expect((await polite.closed).code).toBe(1000);
  });

  test("a message of the maximum size is accepted", async () => {
    const ada = await server.connect("ada");
    const text = JSON.stringify({ type: "ping", id: "p", payload: "" });
    ada.send(text.replace('""', `"${"x".repeat(65_536 - text.length)}"`));
    expect((await ada.next("pong")).payload).toHaveLength(65_536 - text.length);
    ada.socket.close();
  });
});

describe("with other settings", () => {
  let own: TestServer;
  afterEach(() => own.drain());

  test("closes with 4001 only when a ping is not answered", async () => {
    own = await startTestServer({ HEARTBEAT_INTERVAL_MS: "40", HEARTBEAT_TIMEOUT_MS: "500" });
    const alive = await own.connect("ada");
    const dead = new TestClient(`${own.ws}?token=${await testToken("bob")}`, ["rooms.v1"], { autoPong: false });
    expect((await dead.closed).code).toBe(4001);
    expect((await alive.request("ping", 1)).payload).toBe(1);
  });

  test("closes with 4410 after the grace period, unless a fresh token arrives", async () => {
    own = await startTestServer({ TOKEN_GRACE_MS: "500" });
    const exp = Math.floor(Date.now() / 1000) + 3;
    const [late, fresh] = [
      new TestClient(`${own.ws}?token=${await testToken("ada", { exp })}`),
      new TestClient(`${own.ws}?token=${await testToken("bob", { exp })}`),
    ];
    await fresh.next("connected");
    expect((await fresh.request("authenticate", { token: await testToken("bob") })).type).toBe("authenticated");
    expect((await late.closed).code).toBe(4410);
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000 + 500);
    expect((await fresh.request("ping", 1)).type).toBe("pong");
  });

  test("a fresh token that expires earlier also counts", async () => {
    own = await startTestServer({ TOKEN_GRACE_MS: "0" });
    const ada = await own.connect("ada");
    const token = await testToken("ada", { exp: Math.floor(Date.now() / 1000) + 2 });
    await ada.request("authenticate", { token });
    expect((await ada.closed).code).toBe(4410);
  });

  test("closes a client that does not read with 4002, and serves the others", async () => {
    own = await startTestServer({ QUEUED_BYTES: "100000" });
    const [ada, sleepy, bob] = [await own.connect("ada"), await own.connect("sleepy"), await own.connect("bob")];
    for (const client of [ada, sleepy, bob]) await client.request("join_room", { room: "lobby" });
    sleepy.socket.pause();
    const content = "x".repeat(1000);
    let hasLeft = false;
    void bob.next("user_left").then(() => {
      hasLeft = true;
    });
    let count = 0;
    // How much fits into the kernel's buffers is not known before.
    for (; !hasLeft && count < 100_000; count += 50) {
      await Promise.all(Array.from({ length: 50 }, () => ada.request("chat", { room: "lobby", content })));
    }
    sleepy.socket.resume();
    expect((await sleepy.closed).code).toBe(4002);
    const received = (await bob.fence()).filter(({ type }) => type === "message");
    expect(received).toHaveLength(count);
  });

  test("rejects connections beyond MAX_CONNECTIONS with 1013", async () => {
    own = await startTestServer({ MAX_CONNECTIONS: "1" });
    await own.connect("ada");
    const second = new TestClient(`${own.ws}?token=${await testToken("bob")}`);
    expect((await second.closed).code).toBe(1013);
  });

  test("drains: readiness, refusal, server_shutdown, 1012", async () => {
    own = await startTestServer({ DRAIN_MS: "2000", RECONNECT_WITHIN_MS: "3000" });
    const clients = [await own.connect("ada"), await own.connect("bob")];
    expect((await fetch(`${own.http}/health/ready`)).status).toBe(200);
    const ended = own.drain();
    expect((await fetch(`${own.http}/health/ready`)).status).toBe(503);
    expect(await upgrade(`${own.http}/ws`)).toMatchObject({ status: 503, headers: { "retry-after": "3" } });
    for (const client of clients) {
      expect(await client.next("server_shutdown")).toMatchObject({ payload: { reason: "restart", reconnectWithinMs: 3000 } });
      expect((await client.closed).code).toBe(1012);
    }
    await ended;
    await expect(fetch(`${own.http}/health/live`)).rejects.toThrow();
  });
});
