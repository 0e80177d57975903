// The proxy in front of an echo server: whole, cut in both ways, and healed.
import { once } from "node:events";
import net from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

let echo: net.Server;
let proxy: TcpProxy;
const sockets: net.Socket[] = [];

beforeEach(async () => {
  echo = net.createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  proxy = await startTcpProxy((echo.address() as net.AddressInfo).port);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

function connect(): net.Socket {
  const socket = net.connect(proxy.port, "127.0.0.1");
  socket.on("error", () => undefined);
  sockets.push(socket);
  return socket;
}

/** Not `once`, which takes a reset for a failure. */
const closes = (socket: net.Socket) => new Promise((resolve) => socket.once("close", resolve));

async function echoed(socket: net.Socket, text: string): Promise<string> {
  const answer = once(socket, "data");
  socket.write(text);
  return String((await answer)[0]);
}

it("passes on what comes", async () => {
  expect(await echoed(connect(), "hello")).toBe("hello");
});

it("reset: ends what is open, refuses what is new, until it is healed", async () => {
  const socket = connect();
  await echoed(socket, "hello");
  const gone = closes(socket);
  proxy.cut("reset");
  await gone;
  await closes(connect());
  proxy.heal();
  expect(await echoed(connect(), "again")).toBe("again");
});

it("silence: holds what is open and what is new, and brings all of it late", async () => {
  const old = connect();
  await echoed(old, "hello");
  proxy.cut("silence");
  const young = connect();
  await once(young, "connect");
  let heard = "";
  for (const socket of [old, young]) socket.on("data", (bytes) => (heard += String(bytes)));
  old.write("a");
  young.write("b");
  // A third connection, past the proxy, comes and goes in the meantime.
  const direct = net.connect((echo.address() as net.AddressInfo).port, "127.0.0.1");
  sockets.push(direct);
  expect(await echoed(direct, "meanwhile")).toBe("meanwhile");
  expect(heard).toBe("");
  proxy.heal();
  await expect.poll(() => [...heard].toSorted()).toEqual(["a", "b"]);
});

it("ends the one side when the other ends", async () => {
  const socket = connect();
  await echoed(socket, "hello");
  const gone = closes(socket);
  sockets[1]!.destroy(); // the echo's own
  await gone;
});

it("slow: brings everything late and in order", async () => {
  const slow = await startTcpProxy((echo.address() as net.AddressInfo).port, { delayMs: 4, seed: 1 });
  try {
    const socket = net.connect(slow.port, "127.0.0.1");
    sockets.push(socket);
    let heard = "";
    socket.on("data", (bytes) => (heard += String(bytes)));
    const startMs = performance.now();
    const sent = Array.from({ length: 50 }, (_, at) => `${at},`);
    for (const text of sent) {
      socket.write(text);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => heard).toBe(sent.join(""));
    // Half of the delay at least, there and back; timers of Node may fire a millisecond early.
    expect(performance.now() - startMs).toBeGreaterThan(3);
  } finally {
    await slow.close();
  }
});
