// haproxy.cfg and Caddyfile as they stand, in the real programs, in front of two real nodes.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ServerProcess, startServerProcess, tokenOf } from "../testing/hostile/server-process.ts";
import { TestClient } from "../testing/in-process-server.ts";
import { until } from "../testing/test-node.ts";
import { freePort, TestRedis } from "../testing/test-redis.ts";

interface Proxy {
  readonly port: number;
  reload(): Promise<void>;
  readonly child: ChildProcess;
}

const folder = mkdtempSync(join(tmpdir(), "wsproof-proxies-"));
let redis: TestRedis;
let nodes: ServerProcess[] = [];
beforeAll(async () => {
  redis = await TestRedis.start();
  const env = { REDIS_URL: redis.url, TRUSTED_PROXY_HOPS: "1", HEARTBEAT_INTERVAL_MS: "500", HEARTBEAT_TIMEOUT_MS: "10000" };
  nodes = await Promise.all([1, 2].map(() => startServerProcess(env)));
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop("SIGKILL")));
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The file that comes with the server, with the marked lines changed. */
function configure(name: string, port: number): string {
  const file = join(folder, name);
  const text = readFileSync(new URL(`./${name}`, import.meta.url), "utf8")
    .replace("127.0.0.1:8000", `127.0.0.1:${port}`)
    .replace("127.0.0.1:8080", `127.0.0.1:${nodes[0]!.port}`)
    .replace("127.0.0.1:8081", `127.0.0.1:${nodes[1]!.port}`);
  // The test's descriptor limit may be lower.
  writeFileSync(file, text.replace("maxconn 65536", "maxconn 512"));
  return file;
}

const starters: Readonly<Record<string, () => Promise<Proxy>>> = {
  async haproxy() {
    const port = await freePort();
    const child = spawn("haproxy", ["-W", "-f", configure("haproxy.cfg", port)], { stdio: "ignore" });
    return { port, child, reload: async () => void child.kill("SIGUSR2") };
  },
  async caddy() {
    const [port, admin] = [await freePort(), await freePort()];
    const file = configure("Caddyfile", port);
    writeFileSync(file, readFileSync(file, "utf8").replace("127.0.0.1:2019", `127.0.0.1:${admin}`));
    const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    const config = ["--config", file, "--adapter", "caddyfile"];
    const child = spawn("caddy", ["run", ...config], { env, stdio: "ignore" });
    const reload = async () => {
      spawnSync("caddy", ["reload", "--force", "--address", `127.0.0.1:${admin}`, ...config], { env, stdio: "ignore" });
    };
    return { port, child, reload };
  },
};

describe.each(Object.keys(starters))("%s", (name) => {
  let proxy: Proxy;
  const connect = async (user: string) => {
    const client = new TestClient(`ws://127.0.0.1:${proxy.port}/ws?token=${await tokenOf(user)}`);
    await client.next("connected");
    return client;
  };
  beforeAll(async () => {
    proxy = await starters[name]!();
    await until("it answers", async () =>
      fetch(`http://127.0.0.1:${proxy.port}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  });
  afterAll(() => {
    proxy.child.kill("SIGKILL");
  });

  it("passes WebSockets to both nodes, and keeps idle ones by the heartbeat", async () => {
    const clients = await Promise.all(["a", "b", "c", "d"].map((user) => connect(`${name}-${user}`)));
    const pings = clients.map((client) => once(client.socket, "ping"));
    for (const client of clients) await client.request("join_room", { room: name });
    await clients[0]!.request("chat", { room: name, content: "through it" });
    for (const client of clients) expect((await client.next("message")).payload.content).toBe("through it");
    expect(Math.min(...(await Promise.all(nodes.map((node) => node.metric("wsproof_connections")))))).toBeGreaterThan(0);
    await Promise.all(pings);
    for (const client of clients) client.socket.close();
  });

  it("reloads: new connections are served, and haproxy keeps the old ones", async () => {
    const before = await connect(`${name}-before`);
    await proxy.reload();
    await until("it serves", async () => (await connect(`${name}-after`).catch(() => undefined)) !== undefined);
    // The old process of haproxy goes on with its connections; caddy before 2.7 ends them.
    if (name === "haproxy") expect((await before.request("ping", 1)).type).toBe("pong");
    before.socket.terminate();
  });
});

it.each(Object.keys(starters))("%s answers 503 with Retry-After when no node is left", async (name) => {
  const proxy = await starters[name]!();
  await Promise.all(nodes.map((node) => node.stop("SIGTERM")));
  try {
    await until("the client is told when to come back", async () => {
      const client = new TestClient(`ws://127.0.0.1:${proxy.port}/ws?token=x`);
      const refused = new Promise<[number | undefined, string | undefined]>((resolve) => {
        client.socket.on("unexpected-response", (_, { statusCode, headers }) => resolve([statusCode, headers["retry-after"]]));
        client.socket.on("error", () => resolve([undefined, undefined]));
      });
      const [status, retryAfter] = await refused;
      client.socket.terminate();
      return status === 503 && Number(retryAfter) > 0;
    });
  } finally {
    proxy.child.kill("SIGKILL");
  }
});
