// Several nodes of the reference server behind one Redis, each with a TCP proxy in between that can be cut.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { type LoadBalancer, startLoadBalancer } from "./load-balancer.ts";
import { type OwnRedis, startRedis } from "./nodes-redis.ts";
import { type ReferenceProcess, type ReferenceProcessOptions, startReferenceProcess } from "./reference-process.ts";
import { type Latency, startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const plenty = "1000000";
/** With these settings only faults end a connection, and only Redis limits the rate. */
export const withoutLimits: Readonly<Record<string, string>> = {
  HEARTBEAT_INTERVAL_MS: "10000",
  HEARTBEAT_TIMEOUT_MS: "10000",
  MEMBERS_PER_ROOM: "1000",
  CONNECTIONS_PER_USER: "1000",
  QUEUED_BYTES: "16777216",
  QUEUED_BYTES_SUSTAINED: "16777216",
  EVENTS_PER_ROOM: "10000",
  PUBLISH_BURST: plenty,
  PUBLISH_PER_SECOND: plenty,
  PUBLISH_USER_BURST: plenty,
  PUBLISH_USER_PER_SECOND: plenty,
  CONTROL_BURST: plenty,
  CONTROL_PER_SECOND: plenty,
};

/** Longer than a node takes to drain. */
const drainMs = 20_000;
const readyMs = 10_000;

export interface Node {
  readonly url: string;
  readonly proxy: TcpProxy;
  /** The running process; another one after a restart. */
  readonly process: ReferenceProcess;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when the process has drained and ended. */
  drain(): Promise<void>;
  /** On the same port. */
  restart(): Promise<void>;
}

export interface Cluster {
  readonly nodes: readonly Node[];
  readonly redis: OwnRedis;
  /** Undefined unless asked for and nginx is installed. */
  readonly loadBalancer: LoadBalancer | undefined;
  readonly secret: string;
  /** Safe to call twice. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  readonly count: number;
  /** Path of the WebSocket endpoint. */
  readonly path: string;
  /** Whether to start nginx in front of the nodes, as one more URL. Default false. */
  readonly withLoadBalancer?: boolean;
  /** Added to the environment of each node. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program of a node and additions to its environment. Default: the reference server. */
  readonly program?: (index: number) => Pick<ReferenceProcessOptions, "main" | "env">;
  /** Between each node and Redis. Default: none. */
  readonly latency?: Latency;
}

/**
 * @throws UsageError where there is no redis-server
 * @throws TargetLost where a node does not come up
 */
export async function startCluster({
  count,
  path,
  env = {},
  program = () => ({}),
  latency,
  withLoadBalancer = false,
}: ClusterOptions): Promise<Cluster> {
  const secret = randomBytes(32).toString("hex");
  const redis = await startRedis();
  const nodes: Node[] = [];
  let loadBalancer: LoadBalancer | undefined;
  // Each part cleans up when the process exits, so a signal must end the process by `exit`.
  const signals = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal, at) => {
    const leave = () => process.exit(128 + [2, 15, 1][at]!);
    process.once(signal, leave);
    return () => process.off(signal, leave);
  });
  const cluster: Cluster = {
    nodes,
    redis,
    get loadBalancer() {
      return loadBalancer;
    },
    secret,
    async stop() {
      await loadBalancer?.stop();
      await Promise.all(nodes.map((node) => node.process.stop()));
      await Promise.all(nodes.map(({ proxy }) => proxy.close()));
      await redis.stop();
      for (const off of signals) off();
    },
  };
  try {
    for (let index = 0; index < count; index++) {
      const own = program(index);
      nodes.push(await startNode(redis, { path, ...own, env: { ...env, ...own.env, JWT_SECRET: secret } }, latency));
    }
    if (withLoadBalancer) loadBalancer = await startLoadBalancer({ path, urls: nodes.map(({ url }) => url) });
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** A node listens before it is connected to Redis. Waits for readiness; gives up in silence after the deadline. */
async function ready(url: string): Promise<void> {
  const health = new URL("/health/ready", url.replace(/^ws/, "http"));
  const untilMs = performance.now() + readyMs;
  while (performance.now() < untilMs) {
    const answer = await fetch(health).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
    await sleep(20);
  }
}

async function startNode(redis: OwnRedis, options: ReferenceProcessOptions, latency?: Latency): Promise<Node> {
  const proxy = await startTcpProxy(redis.port, latency);
  const env = { ...options.env, PORT: `${await freePort()}`, REDIS_URL: `redis://127.0.0.1:${proxy.port}` };
  const start = () => startReferenceProcess({ ...options, env });
  let server: ReferenceProcess;
  try {
    server = await start();
    await ready(server.url);
  } catch (error) {
    await proxy.close();
    throw error;
  }
  return {
    url: server.url,
    proxy,
    get process() {
      return server;
    },
    async kill() {
      process.kill(server.pid, "SIGKILL");
      await server.stop();
    },
    async drain() {
      process.kill(server.pid, "SIGTERM");
      // A second request to stop would end it at once.
      const untilMs = performance.now() + drainMs;
      while (server.exitReason() === undefined && performance.now() < untilMs) await sleep(20);
      await server.stop();
    },
    async restart() {
      server = await start();
      await ready(server.url);
    },
  };
}
