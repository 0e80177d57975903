// What a soak runs against: one reference server, or two behind a slow link to Redis; and a proxy with jitter in front, where asked.
import type { Channel, Contract } from "../../../spec/contract.ts";
import type { Messages } from "../../client/messages.ts";
import type { Target } from "../../conformance/context.ts";
import { startCluster } from "../../testbed/nodes.ts";
import { startReferenceProcess } from "../../testbed/reference-process.ts";
import { type FaultProxy, startProxy } from "../proxy/proxy.ts";

export interface SoakTargetOptions {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly seed: number;
  /** Between the harness and each node. */
  readonly jitterMs: number;
  readonly stallMs: number;
  /** Between each of two nodes and Redis; undefined: one node without Redis. */
  readonly redisDelayMs: number | undefined;
}

export interface SoakTarget {
  /** Without the proxy. */
  readonly target: Target;
  readonly secret: string;
  /** With it, where there is one. */
  proxied(messages: Messages): Promise<Target>;
  stop(): Promise<void>;
}

/** @throws UsageError where there is no redis-server */
export async function startSoakTarget(options: SoakTargetOptions): Promise<SoakTarget> {
  const { contract, channel, seed, jitterMs, stallMs, redisDelayMs } = options;
  const { urls, secret, pid, stop } = await startNodes(channel.address, seed, redisDelayMs);
  const target: Target = { urls, origin: undefined, pid, embedded: true, askToStop: undefined };
  const proxies: FaultProxy[] = [];
  return {
    target,
    secret,
    async proxied(messages) {
      if (jitterMs + stallMs === 0) return target;
      const delays = { seed, jitterMs, stallMs, stallEvery: stallMs > 0 ? 200 : 0 };
      for (const url of urls) proxies.push(await startProxy({ target: new URL(url), contract, channel, messages, delays }));
      return { ...target, urls: proxies.map(({ url }) => url) };
    },
    async stop() {
      for (const proxy of proxies) await proxy.close();
      await stop();
    },
  };
}

async function startNodes(path: string, seed: number, redisDelayMs: number | undefined) {
  if (redisDelayMs === undefined) {
    const server = await startReferenceProcess({ path });
    return { urls: [server.url], secret: server.secret, pid: server.pid, stop: () => server.stop() };
  }
  const cluster = await startCluster({ count: 2, path, latency: { delayMs: redisDelayMs, seed } });
  const { nodes, secret } = cluster;
  return { urls: nodes.map(({ url }) => url), secret, pid: nodes[0]!.process.pid, stop: () => cluster.stop() };
}
