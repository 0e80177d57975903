// Several nodes of our own reference server behind one Redis of the run's own, each with a link to it that can be cut.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Front, startFront } from "./load-balancer.ts";
import { freePort, type OwnRedis, startRedis } from "./nodes-redis.ts";
import { type Embedded, type EmbeddedOptions, startEmbedded } from "./reference-process.ts";
import { type Link, openLink, type Slowness } from "./tcp-proxy.ts";

const plenty = "1000000";
/** Settings under which nothing but faults ends a connection, and nothing but Redis limits the rate. */
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
  readonly link: Link;
  /** Of its life at the moment. */
  readonly process: Embedded;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it has drained. */
  roll(): Promise<void>;
  /** On the port that it had. */
  restart(): Promise<void>;
}

export interface Cluster {
  readonly nodes: readonly Node[];
  readonly redis: OwnRedis;
  /** Where one was asked for, and nginx is there. */
  readonly front: Front | undefined;
  readonly secret: string;
  /** Safe to call twice. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  readonly count: number;
  /** Path of the WebSocket endpoint. */
  readonly path: string;
  /** Whether nginx shall stand in front of the nodes, as one more way to them. Default false. */
  readonly withFront?: boolean;
  /** Added to the environment of each node. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program of a node, and what it has in its environment beside that. Default: the reference server. */
  readonly program?: (index: number) => Pick<EmbeddedOptions, "main" | "env">;
  /** Between each node and Redis. Default: none. */
  readonly slowness?: Slowness;
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
  slowness,
  withFront = false,
}: ClusterOptions): Promise<Cluster> {
  const secret = randomBytes(32).toString("hex");
  const redis = await startRedis();
  const nodes: Node[] = [];
  let front: Front | undefined;
  // What a signal would leave behind is cleared by each part as the process exits.
  const signals = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal, at) => {
    const leave = () => process.exit(128 + [2, 15, 1][at]!);
    process.once(signal, leave);
    return () => process.off(signal, leave);
  });
  const cluster: Cluster = {
    nodes,
    redis,
    get front() {
      return front;
    },
    secret,
    async stop() {
      await front?.stop();
      await Promise.all(nodes.map((node) => node.process.stop()));
      await Promise.all(nodes.map(({ link }) => link.close()));
      await redis.stop();
      for (const off of signals) off();
    },
  };
  try {
    for (let index = 0; index < count; index++) {
      const own = program(index);
      nodes.push(await startNode(redis, { path, ...own, env: { ...env, ...own.env, JWT_SECRET: secret } }, slowness));
    }
    if (withFront) front = await startFront({ path, urls: nodes.map(({ url }) => url) });
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** A node listens before it has found its Redis. Where it does not find it, what asks it next will tell. */
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

async function startNode(redis: OwnRedis, options: EmbeddedOptions, slowness?: Slowness): Promise<Node> {
  const link = await openLink(redis.port, slowness);
  const env = { ...options.env, PORT: `${await freePort()}`, REDIS_URL: `redis://127.0.0.1:${link.port}` };
  const start = () => startEmbedded({ ...options, env });
  let server: Embedded;
  try {
    server = await start();
    await ready(server.url);
  } catch (error) {
    await link.close();
    throw error;
  }
  return {
    url: server.url,
    link,
    get process() {
      return server;
    },
    async kill() {
      process.kill(server.pid, "SIGKILL");
      await server.stop();
    },
    async roll() {
      process.kill(server.pid, "SIGTERM");
      // Hanging up on it as well would be a second request, at which it ends at once.
      const untilMs = performance.now() + drainMs;
      while (server.obituary() === undefined && performance.now() < untilMs) await sleep(20);
      await server.stop();
    },
    async restart() {
      server = await start();
      await ready(server.url);
    },
  };
}
