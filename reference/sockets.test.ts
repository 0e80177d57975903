// Every socket is owned: counted by state, bounded in all and per address, and destroyed in time, whatever its client does.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { forwardedAddress, maxBytesAfterEnd, networkOf, SocketRegistry } from "./sockets.ts";
import { startTestServer, TestClient, type TestServer, testSecret, testToken } from "./testing/in-process-server.ts";
import { until } from "./testing/test-node.ts";

let server: TestServer | undefined;
const clients: Socket[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const client of clients.splice(0)) client.destroy();
  await server?.drain();
  server = undefined;
});

/** A client that keeps its side open when the server ends. */
async function open(port: number, text = ""): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  clients.push(socket);
  await once(socket, "connect");
  if (text !== "") socket.write(text);
  return socket;
}

const upgrade = (target: string, headers = ""): string =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: rooms.v1\r\n${headers}\r\n`;

/** A frame of a client whose mask is 0. */
const masked = (opcode: number, payload = ""): Buffer =>
  Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0, ...Buffer.from(payload)]);

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${server!.http}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}
const sockets = (state: string): Promise<number> => metric(`wsproof_sockets{state="${state}"}`);

/** The server's end of each socket that enters the state. */
function serverSockets(state: string): { socket: Socket; bytesRead: number }[] {
  const entered: { socket: Socket; bytesRead: number }[] = [];
  const { setState } = SocketRegistry.prototype;
  vi.spyOn(SocketRegistry.prototype, "setState").mockImplementation(function (this: SocketRegistry, socket, to) {
    if (to === state) entered.push({ socket, bytesRead: socket.bytesRead });
    setState.call(this, socket, to);
  });
  return entered;
}

describe("a refused upgrade", () => {
  const ways: [string, (socket: Socket) => void][] = [
    ["neither reads nor closes", () => {}],
    ["closes its side", (socket) => socket.end()],
    ["closes its side behind another byte", (socket) => socket.end("x")],
    ["sends without end", (socket) => void socket.write(Buffer.alloc(4 * maxBytesAfterEnd))],
  ];
  test.each(ways)("is freed when its client %s", async (_, act) => {
    server = await startTestServer();
    const refused = serverSockets("refused");
    for (let count = 0; count < 20; count++) act(await open(server.port, upgrade("/nowhere")));
    await until("all were refused", () => refused.length === 20);
    await until("all are freed", () => refused.every(({ socket }) => socket.destroyed));
    expect(await sockets("refused")).toBe(0);
  });

  test.each([
    ["a bad key", upgrade("/ws").replace(/Key: .*\r/, "Key: x\r")],
    ["an unknown path over HTTP", "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["CONNECT", "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["no HTTP", "\x16\x03\x01\r\n\r\n"],
  ])("and so is %s", async (_, text) => {
    server = await startTestServer();
    for (let count = 0; count < 20; count++) (await open(server.port, text)).resume().end();
    await until("only the connection of this request is left", async () => (await sockets("http")) === 1);
  });
});

describe("after a close", () => {
  test.each([
    ["bad JSON", masked(1, "x"), 4400],
    ["pings", masked(9), 4429],
    ["pongs", masked(10), 4429],
    ["pings with content", masked(9, "12345678"), 4429],
    ["reserved opcodes", masked(11), 1002],
  ])("little of a flood of %s is read, and the socket is freed", async (_, frame, code) => {
    server = await startTestServer();
    const closing = serverSockets("closing");
    const socket = await open(server.port, upgrade(`/ws?token=${await testToken("mallory")}`));
    await once(socket, "data");
    let sent = 0;
    const flood = Buffer.concat(Array.from({ length: 5_000 }, () => frame));
    const drained = () =>
      new Promise<void>((next) => {
        const wake = () => {
          clearTimeout(timer);
          socket.off("drain", wake);
          next();
        };
        const timer = setTimeout(wake, 50);
        socket.on("drain", wake);
      });
    while (!socket.destroyed && closing[0]?.socket.destroyed !== true && sent < 200 * 2 ** 20) {
      sent += flood.length;
      if (socket.write(flood)) await new Promise(setImmediate);
      else await drained();
    }
    await until("the socket is freed", () => closing[0]?.socket.destroyed === true);
    // Beyond the bound: the chunk that crossed it, and what Node had taken from the kernel already.
    expect(closing[0]!.socket.bytesRead - closing[0]!.bytesRead).toBeLessThan(maxBytesAfterEnd + 3 * 65_536);
    expect(closing).toHaveLength(1);
    expect(await metric(`wsproof_closes_total{code="${code}"}`)).toBe(1);
  });

  test("the metrics count the server's own code, although the client never answers", async () => {
    server = await startTestServer({ QUEUED_BYTES: "100000" });
    const ada = await server.connect("ada");
    const deaf = await open(server.port, upgrade(`/ws?token=${await testToken("deaf")}`));
    await once(deaf, "data");
    deaf.write(masked(1, '{"type":"join_room","id":"1","payload":{"room":"lobby"}}'));
    await once(deaf, "data");
    deaf.pause();
    await ada.request("join_room", { room: "lobby" });
    const content = "x".repeat(1000);
    await until("it is closed", async () => {
      await Promise.all(Array.from({ length: 200 }, () => ada.request("chat", { room: "lobby", content })));
      return (await metric('wsproof_closes_total{code="4002"}')) === 1;
    });
  });

  test("a client that answers pings and sends few is left alone", async () => {
    server = await startTestServer({ HEARTBEAT_INTERVAL_MS: "20", HEARTBEAT_TIMEOUT_MS: "5000" });
    const ada = await server.connect("ada");
    let pings = 0;
    ada.socket.on("ping", () => (pings += 1));
    for (let count = 0; count < 90; count++) ada.socket.ping();
    await until("many heartbeats were answered", () => pings > 150);
    expect((await ada.request("ping", 1)).type).toBe("pong");
  });
});

describe("the bounds", () => {
  test("sockets count whatever they are: a full server says 1013, then drops, and is well again at once", async () => {
    server = await startTestServer({ MAX_CONNECTIONS: "20" });
    const idle: Socket[] = [];
    for (let count = 0; count < 20; count++) idle.push(await open(server.port));
    const url = `${server.ws}?token=${await testToken("ada")}`;
    const refused = new TestClient(url);
    expect(await refused.closed).toMatchObject({ code: 1013, reason: "this node is full" });
    for (let count = 0; count < 40; count++) idle.push(await open(server.port));
    await until("some are dropped", () => idle.some((socket) => socket.readableEnded || socket.resume().closed));
    for (const socket of idle) socket.destroy();
    await until("it takes connections again", async () => {
      const client = new TestClient(url);
      const accepted = await Promise.race([client.next("connected").catch(() => undefined), client.closed.then(() => undefined)]);
      client.socket.terminate();
      return accepted !== undefined;
    });
    expect(await metric("wsproof_sockets_shed_total")).toBeGreaterThan(0);
  });

  test("an address has its share, and behind a proxy each client", async () => {
    server = await startTestServer({ CONNECTIONS_PER_ADDRESS: "2", TRUSTED_PROXY_HOPS: "1" });
    const url = `${server.ws}?token=${await testToken("ada")}`;
    const from = (address: string) =>
      new TestClient(url, ["rooms.v1"], { headers: { "X-Forwarded-For": `9.9.9.9, ${address}` } });
    const first = [from("2001:db8::1"), from("2001:db8::2")];
    for (const client of first) await client.next("connected");
    expect(await from("2001:db8::3").closed).toMatchObject({ code: 1013, reason: "too many connections from this address" });
    await from("198.51.100.7").next("connected");
    first[0]!.socket.close();
    await first[0]!.closed;
    await until("its place is free", async () => {
      const client = from("2001:db8::4");
      return Promise.race([
        client.next("connected").then(
          () => true,
          () => false,
        ),
        client.closed.then(() => false),
      ]);
    });
  });

  test("at its descriptor limit the process drops new sockets, says so, and is well again", async () => {
    const main = fileURLToPath(new URL("../dist/reference/main.js", import.meta.url));
    const env = { PATH: process.env.PATH, PORT: "0", JWT_SECRET: testSecret };
    const stdio: ["ignore", "pipe", "pipe", "ipc"] = ["ignore", "pipe", "pipe", "ipc"];
    const child = spawn("bash", ["-c", `ulimit -n 200; exec "${process.execPath}" "${main}"`], { env, stdio });
    try {
      let log = "";
      child.stdout?.on("data", (data) => (log += data));
      const [{ listening }] = (await once(child, "message")) as [{ listening: { port: number } }];
      const all = await Promise.all(Array.from({ length: 300 }, () => open(listening.port)));
      await until("it says so", () => log.includes("dropping new sockets"));
      expect(log).toContain("the descriptor limit");
      for (const socket of all) socket.destroy();
      await until("it answers", async () =>
        fetch(`http://127.0.0.1:${listening.port}/health/live`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
      expect(child.exitCode).toBeNull();
    } finally {
      child.kill("SIGKILL");
    }
  });
});

test.each([
  ["203.0.113.9", "203.0.113.9"],
  ["::ffff:203.0.113.9", "203.0.113.9"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8::6", "2001:db8:0:0"],
  ["2001:0DB8:0001::", "2001:db8:1:0"],
  ["::1", "0:0:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
])("the network of %s is %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each([
  ["1.1.1.1", 0, undefined],
  [undefined, 1, undefined],
  ["1.1.1.1", 1, "1.1.1.1"],
  ["6.6.6.6, 1.1.1.1", 1, "1.1.1.1"],
  ["6.6.6.6, 1.1.1.1, 2.2.2.2", 2, "1.1.1.1"],
  ["1.1.1.1", 3, "1.1.1.1"],
])("behind %s with %i hops the client is %s", (header, hops, address) => {
  expect(forwardedAddress(header, hops)).toBe(address);
});
