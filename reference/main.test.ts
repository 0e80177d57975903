// The process: settings, signals, what it prints. Runs dist/, as a user does.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { TestClient, testSecret, testToken } from "./testing/in-process-server.ts";
import { TestRedis } from "./testing/test-redis.ts";

const mainFile = fileURLToPath(new URL("../dist/reference/main.js", import.meta.url));
const running: ChildProcess[] = [];
afterEach(() => {
  for (const process of running.splice(0)) process.kill("SIGKILL");
});

function start(env: Record<string, string>, args: string[] = []) {
  const server = spawn(process.execPath, [mainFile, ...args], {
    env: { PATH: process.env.PATH, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  running.push(server);
  const output = { text: "" };
  for (const stream of [server.stdout!, server.stderr!]) stream.on("data", (data) => (output.text += data));
  const port = once(server, "message").then(([message]) => message.listening.port as number);
  port.catch(() => {});
  const exit = once(server, "close").then(([code]) => code as number | null);
  return { server, output, port, exit };
}

describe("the process", () => {
  test("drains at SIGTERM and exits 0", async () => {
    const { server, port, exit } = start({ JWT_SECRET: testSecret, DRAIN_MS: "0" });
    const client = new TestClient(`ws://127.0.0.1:${await port}/ws?token=${await testToken("ada")}`);
    await client.next("connected");
    server.kill("SIGTERM");
    await client.next("server_shutdown");
    expect((await client.closed).code).toBe(1012);
    expect(await exit).toBe(0);
  });

  test("a second signal exits 1 at once", async () => {
    const { server, output, port, exit } = start({ JWT_SECRET: testSecret, DRAIN_MS: "10000" });
    const clients = await Promise.all(
      ["ada", "bob"].map(async (name) => new TestClient(`ws://127.0.0.1:${await port}/ws?token=${await testToken(name)}`)),
    );
    for (const client of clients) await client.next("connected");
    server.kill("SIGINT");
    await clients[1]!.next("server_shutdown");
    server.kill("SIGTERM");
    expect(await exit).toBe(1);
    expect(output.text).not.toContain('"drained"');
  });

  test("is ready when it listens, where its Redis answers", async () => {
    const redis = await TestRedis.start();
    const { port } = start({ JWT_SECRET: testSecret, REDIS_URL: redis.url });
    expect((await fetch(`http://127.0.0.1:${await port}/health/ready`)).status).toBe(200);
    await redis.stop();
  });

  test("drains when its parent has ended", async () => {
    const { server, port } = start({ JWT_SECRET: testSecret });
    await port;
    // Not `close`, which Node never emits for a child that its parent has cut off.
    const exit = once(server, "exit");
    server.disconnect();
    expect(await exit).toEqual([0, null]);
  });

  test("does not start without a secret, and reports every mistake", async () => {
    const { output, exit } = start({ LOG_LEVEL: "loud" });
    expect(await exit).toBe(2);
    expect(output.text).toMatch(/JWT_SECRET: .*\nLOG_LEVEL: .*\n--help/);
    expect(output.text).not.toMatch(/^ +at /m);
  });

  test("names a port that is in use, and how to change it", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const { output, exit } = start({ JWT_SECRET: testSecret, PORT: `${port}` });
    expect(await exit).toBe(2);
    expect(output.text).toBe(
      `reference server: port ${port} of 127.0.0.1 is in use: set PORT to another one, or to 0 for any free one\n`,
    );
    other.close();
  });

  test("--dev prints a warning and a working token", async () => {
    const { output, port } = start({}, ["--dev"]);
    await port;
    expect(output.text).toContain("DEVELOPMENT MODE");
    const token = output.text.match(/^ey\S+$/m)![0];
    const client = new TestClient(`ws://127.0.0.1:${await port}/ws`, ["rooms.v1"], {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect((await client.next("connected")).payload.userId).toBe("dev");
    client.socket.close();
  });

  test("logs who connects, closes and publishes, but neither tokens nor content, at any level", async () => {
    const { server, output, port, exit } = start({ JWT_SECRET: testSecret, LOG_LEVEL: "trace", ACCESS_LOG: "on", DRAIN_MS: "0" });
    const token = await testToken("ada", { roles: ["publisher"] });
    const client = new TestClient(`ws://127.0.0.1:${await port}/ws?token=${token}`);
    await client.next("connected");
    await client.request("join_room", { room: "lobby" });
    await client.request("chat", { room: "lobby", content: "a-secret-thing" });
    await client.request("authenticate", { token });
    client.send('{"a-secret-thing":');
    const url = `http://127.0.0.1:${await port}/rooms/lobby/messages?token=${token}`;
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(url, { method: "POST", body: '{"content":"a-secret-thing"}', headers })).status).toBe(202);
    await fetch(url, { method: "POST", body: "a-secret-thing", headers });
    await new TestClient(`ws://127.0.0.1:${await port}/ws?token=bad.${token}`).closed;
    await client.fence();
    server.kill("SIGTERM");
    await exit;
    expect(output.text).toContain('"drained"');
    const lines = output.text.split("\n").filter((line) => line.includes('"access":true'));
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ event: "connected", userId: "ada", address: "127.0.0.1" }),
        expect.objectContaining({ event: "published", userId: "ada", address: "127.0.0.1", room: "lobby" }),
        expect.objectContaining({ event: "closed", address: "127.0.0.1", code: 4401 }),
        expect.objectContaining({ event: "closed", userId: "ada", address: "127.0.0.1", code: 1012 }),
      ]),
    );
    expect(output.text).not.toContain("a-secret-thing");
    expect(output.text).not.toContain(token.split(".")[2]);
    expect(output.text).not.toContain(testSecret);
  });
});
