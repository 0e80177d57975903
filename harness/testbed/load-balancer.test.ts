// nginx in front of nodes: upgrades pass, a reload ends what the old workers held, and nothing of it outlives us.
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import type net from "node:net";
import { createInterface } from "node:readline";
import { afterEach, expect, it } from "vitest";
import { type LoadBalancer, startLoadBalancer } from "./load-balancer.ts";

const path = "/socket";
let node: http.Server | undefined;
let loadBalancer: LoadBalancer | undefined;
const sockets: net.Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await loadBalancer?.stop();
  node?.close();
  [loadBalancer, node] = [undefined, undefined];
});

async function startNode(): Promise<string> {
  const server = http.createServer();
  node = server;
  server.on("upgrade", (_request, socket: net.Socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `ws://127.0.0.1:${(server.address() as net.AddressInfo).port}${path}`;
}

async function upgrade(url: string): Promise<net.Socket> {
  const request = http.get(url.replace(/^ws/, "http"), {
    headers: { Connection: "Upgrade", Upgrade: "websocket" },
    agent: false,
  });
  const [response, socket] = (await once(request, "upgrade")) as [http.IncomingMessage, net.Socket];
  expect(response.statusCode).toBe(101);
  socket.on("error", () => undefined);
  sockets.push(socket);
  return socket;
}

it("a reload ends what came before it, and lets pass what comes after", async () => {
  loadBalancer = await startLoadBalancer({ path, urls: [await startNode()] });
  for (let time = 0; time < 2; time++) {
    const before = await upgrade(loadBalancer!.url);
    const ended = once(before, "close");
    await loadBalancer!.reload();
    await ended;
  }
  const after = await upgrade(loadBalancer!.url);
  expect(after.destroyed).toBe(false);
});

it("SIGKILL of a harness that started it leaves no nginx behind", async () => {
  const built = new URL("../../dist/harness/testbed/load-balancer.js", import.meta.url);
  const program = `
    import { startLoadBalancer } from ${JSON.stringify(built)};
    const loadBalancer = await startLoadBalancer({ path: "/", urls: ["ws://127.0.0.1:1/"] });
    console.log(loadBalancer.url);
    setInterval(() => {}, 1_000);
  `;
  const harness = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [url] = (await once(createInterface(harness.stdout), "line")) as [string];
  const answers = () =>
    fetch(url.replace(/^ws/, "http")).then(
      () => true,
      () => false,
    );
  expect(await answers()).toBe(true);
  harness.kill("SIGKILL");
  await expect.poll(answers, { timeout: 20_000 }).toBe(false);
});
