// nginx.conf as it stands, in the real nginx, in front of two real nodes on a real Redis.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import WebSocket from "ws";
import { until } from "../testing/test-node.ts";
import { freePort, TestRedis } from "../testing/test-redis.ts";
import { createToken } from "../tokens.ts";

const secret = "0123456789".repeat(4);
const serverFile = fileURLToPath(new URL("../../dist/reference/main.js", import.meta.url));
const conf = readFileSync(new URL("./nginx.conf", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "wsproof-nginx-"));

let redis: TestRedis;
const children: ChildProcess[] = [];
const clients: WebSocket[] = [];

beforeAll(async () => {
  redis = await TestRedis.start();
  // The certificate that the test's clients accept.
  const subject = [
    "-subj",
    "/CN=example.com",
    "-days",
    "2",
    "-nodes",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
  ];
  execFileSync("openssl", ["req", "-x509", ...subject, "-keyout", join(folder, "key"), "-out", join(folder, "cert")], {
    stdio: "ignore",
  });
});

afterAll(async () => {
  for (const client of clients) client.terminate();
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    }),
  );
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** @returns its port */
async function startNode(env: Record<string, string> = {}): Promise<number> {
  const settings = {
    PORT: "0",
    JWT_SECRET: secret,
    REDIS_URL: redis.url,
    LOG_LEVEL: "warn",
    DRAIN_MS: "0",
    TRUSTED_PROXY_HOPS: "1",
  };
  const child = spawn(process.execPath, [serverFile], {
    env: { ...process.env, ...settings, ...env },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  children.push(child);
  const [message] = (await once(child, "message")) as [{ listening: { port: number } }];
  const { port } = message.listening;
  await until("the node is ready", async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok);
  return port;
}

interface Nginx {
  readonly url: string;
  reload(): void;
  log(): string;
}

/** Starts nginx on the file with the marked lines changed, and further changes of a test. */
async function startNginx(nodes: readonly number[], change: (text: string) => string = (text) => text): Promise<Nginx> {
  const [plain, tls] = [await freePort(), await freePort()];
  const own = mkdtempSync(join(folder, "run-"));
  const replaced = change(conf)
    .replaceAll("127.0.0.1:8080", `127.0.0.1:${nodes[0]}`)
    .replaceAll("127.0.0.1:8081", `127.0.0.1:${nodes[1] ?? nodes[0]}`)
    .replace("listen 80;", `listen 127.0.0.1:${plain};`)
    .replace("listen 443 ssl;", `listen 127.0.0.1:${tls} ssl;`)
    .replace("/etc/ssl/certs/example.com.pem", join(folder, "cert"))
    .replace("/etc/ssl/private/example.com.key", join(folder, "key"))
    .replace("/run/nginx.pid", join(own, "pid"))
    .replaceAll("/var/log/nginx", own)
    .replace("worker_rlimit_nofile 65535;", "")
    .replace("worker_connections 32768;", "worker_connections 512;")
    .replace(
      "http {",
      `http {\n  client_body_temp_path ${own}/body;\n  proxy_temp_path ${own}/proxy;\n  fastcgi_temp_path ${own}/f;\n  uwsgi_temp_path ${own}/u;\n  scgi_temp_path ${own}/s;`,
    );
  const file = join(own, "nginx.conf");
  writeFileSync(file, replaced);
  const child = spawn("nginx", ["-p", own, "-e", "stderr", "-c", file, "-g", "daemon off;"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  children.push(child);
  await until("nginx listens", () =>
    fetch(`http://127.0.0.1:${plain}/`, { redirect: "manual" }).then(
      () => true,
      () => false,
    ),
  );
  return {
    url: `wss://127.0.0.1:${tls}`,
    reload: () => child.kill("SIGHUP"),
    log: () => readFileSync(join(own, "access.log"), "utf8"),
  };
}

interface Talker {
  readonly socket: WebSocket;
  readonly said: string[];
  pings: number;
  closed: number | undefined;
  say(content: string): void;
}

let names = 0;
async function connect(url: string, room: string): Promise<Talker> {
  const token = await createToken(secret, `user-${names++}`, [], 600);
  const socket = new WebSocket(`${url}/ws?token=${token}`, "rooms.v1", { rejectUnauthorized: false });
  clients.push(socket);
  const talker: Talker = {
    socket,
    said: [],
    pings: 0,
    closed: undefined,
    say: (content) => socket.send(JSON.stringify({ type: "chat", id: "c", payload: { room, content } })),
  };
  let isJoined = false;
  socket.on("message", (data) => {
    const { type, payload } = JSON.parse(String(data)) as { type: string; payload: { content: string } };
    if (type === "connected") socket.send(JSON.stringify({ type: "join_room", id: "j", payload: { room } }));
    if (type === "joined_room") isJoined = true;
    if (type === "message") talker.said.push(payload.content);
  });
  socket.on("ping", () => {
    talker.pings += 1;
  });
  socket.on("close", (code) => {
    talker.closed = code;
  });
  socket.on("error", () => {});
  await until("it has joined", () => isJoined || talker.closed !== undefined);
  expect(talker.closed).toBeUndefined();
  return talker;
}

it("nginx accepts the configuration without a warning", async () => {
  await startNginx([1, 2]);
});

it("balances connections over the nodes, also during a reload", async () => {
  const nodes = [await startNode(), await startNode()];
  const nginx = await startNginx(nodes);
  const talkers = [await connect(nginx.url, "lobby"), await connect(nginx.url, "lobby")];
  const [one, two] = talkers as [Talker, Talker];
  for (const node of nodes) {
    const metrics = await (await fetch(`http://127.0.0.1:${node}/metrics`)).text();
    expect(metrics).toContain("wsproof_connections 1\n");
  }
  const said: string[] = [];
  for (let count = 0; count < 12; count++) {
    if (count === 4) nginx.reload();
    said.push(`say ${count}`);
    (count % 2 === 0 ? one : two).say(`say ${count}`);
    await until("both have it", () => talkers.every((talker) => talker.said.length > count));
  }
  const three = await connect(nginx.url, "lobby");
  three.say("after the reload");
  said.push("after the reload");
  await until("all have it", () => talkers.every((talker) => talker.said.length === said.length));
  expect(one.said).toEqual(said);
  expect(two.said).toEqual(said);
  expect([one.closed, two.closed, three.closed]).toEqual([undefined, undefined, undefined]);
  expect(nginx.log()).not.toMatch(/token/i);
});

it("sends upgrades to another node while one drains", async () => {
  const drains = await freePort();
  let refused = 0;
  const draining = createServer().on("upgrade", (_, socket) => {
    refused += 1;
    socket.end("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  await once(draining.listen(drains, "127.0.0.1"), "listening");
  const nginx = await startNginx([drains, await startNode()]);
  for (let count = 0; count < 4; count++) await connect(nginx.url, "lobby");
  expect(refused).toBeGreaterThan(0);
  draining.close();
});

it("answers upgrades with 503 and Retry-After while no node takes them, and HTTP goes on", async () => {
  const nodes = [];
  for (let index = 0; index < 2; index++) {
    const node = createServer((_, response) => response.end("here"));
    node.on("upgrade", (_, socket) => {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    });
    const port = await freePort();
    await once(node.listen(port, "127.0.0.1"), "listening");
    nodes.push({ node, port });
  }
  const { url } = await startNginx(nodes.map(({ port }) => port));
  const answers = new Set<string>();
  for (let count = 0; count < 10; count++) {
    const { status, retryAfter } = await refusedUpgrade(url);
    answers.add(`${status} ${Number(retryAfter) > 0}`);
    expect(await statusOf(`${url.replace("wss:", "https:")}/rooms/lobby/messages`)).toBe(200);
    expect(await statusOf(`${url.replace("wss:", "https:")}/health/ready`)).toBe(200);
  }
  expect([...answers]).toEqual(["503 true"]);
  // A node that is gone is no 502 either.
  for (const { node } of nodes) node.close();
  expect(await refusedUpgrade(url)).toMatchObject({ status: 503, retryAfter: "2" });
});

function refusedUpgrade(url: string): Promise<{ status: number | undefined; retryAfter: string | undefined }> {
  const socket = new WebSocket(`${url}/ws`, "rooms.v1", { rejectUnauthorized: false });
  clients.push(socket);
  socket.on("error", () => {});
  return new Promise((resolve) => {
    socket.on("unexpected-response", (request, response) => {
      request.destroy();
      resolve({ status: response.statusCode, retryAfter: response.headers["retry-after"] });
    });
  });
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
}

it("keeps an idle connection open only through its pings", async () => {
  // A second instead of 75, below which the pings come, and above which they do not.
  const impatient = (text: string): string => text.replace("proxy_read_timeout 75s", "proxy_read_timeout 1s");
  const beating = await startNginx([await startNode({ HEARTBEAT_INTERVAL_MS: "300" })], impatient);
  const silent = await startNginx([await startNode({ HEARTBEAT_INTERVAL_MS: "60000" })], impatient);
  const [kept, cut] = [await connect(beating.url, "lobby"), await connect(silent.url, "attic")];
  await until("the silent one is cut", () => cut.closed !== undefined);
  expect(cut.closed).toBe(1006);
  await until("the other has been pinged for longer", () => kept.pings >= 10);
  expect(kept.closed).toBeUndefined();
});

it("rejects too many upgrades or connections of one address with 429", async () => {
  const statuses = async (url: string, count: number): Promise<number[]> => {
    const attempts = Array.from({ length: count }, async () => {
      const socket = new WebSocket(`${url}/ws?token=none`, "rooms.v1", { rejectUnauthorized: false });
      clients.push(socket);
      socket.on("error", () => {});
      return new Promise<number>((resolve) => {
        socket.on("open", () => resolve(101));
        socket.on("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
      });
    });
    return Promise.all(attempts);
  };
  const node = await startNode();
  const hasty = await statuses((await startNginx([node])).url, 90);
  expect(new Set(hasty)).toEqual(new Set([101, 429]));
  expect(hasty.filter((status) => status === 101).length).toBeGreaterThanOrEqual(51);
  const few = await startNginx([node], (text) => text.replace("connections_per_address 100", "connections_per_address 2"));
  for (let count = 0; count < 2; count++) await connect(few.url, "lobby");
  expect(await statuses(few.url, 1)).toEqual([429]);
  // nginx writes its log after the answer has gone out.
  await until("it is in the log", () => few.log().includes('"GET /ws HTTP/1.1" 429'));
});

it("appends the address that it observed to X-Forwarded-For", async () => {
  const port = await freePort();
  const echo = createServer((request, response) => response.end(JSON.stringify(request.headers))).listen(port, "127.0.0.1");
  await once(echo, "listening");
  const nginx = await startNginx([port]);
  const ask = (path: string): Promise<{ status: number | undefined; text: string }> =>
    new Promise((resolve, reject) => {
      const options = { rejectUnauthorized: false, headers: { "X-Forwarded-For": "10.9.8.7" }, agent: false } as const;
      get(`${nginx.url.replace("wss:", "https:")}${path}`, options, async (response) => {
        resolve({ status: response.statusCode, text: (await response.toArray()).join("") });
      }).on("error", reject);
    });
  const { text } = await ask("/rooms/lobby/messages?token=x");
  expect(JSON.parse(text)).toMatchObject({ "x-forwarded-for": "10.9.8.7, 127.0.0.1", "x-forwarded-proto": "https" });
  expect(JSON.parse(text)).not.toHaveProperty("upgrade");
  expect((await ask("/metrics")).status).toBe(404);
  echo.close();
  echo.closeAllConnections();
});
