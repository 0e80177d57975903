// A target that the run itself starts and stops: one reference server, or several nodes of it behind one Redis.

import { runWorkload } from "../cluster/workload.ts";
import { faultKinds, planFaults } from "../testbed/nemesis-plan.ts";
import { startReferenceProcess } from "../testbed/reference-process.ts";
import type { Target } from "./context.ts";

export interface OwnTarget {
  /** One per node; what is started again may have moved. */
  readonly urls: readonly string[];
  readonly secret: string;
  /** Of the first node. */
  readonly pid: number;
  readonly runCluster?: Target["runCluster"];
  readonly nodeNames?: readonly string[];
  /** Starts again what has ended by itself, and says how it ended; undefined where all runs. */
  revive(): Promise<string | undefined>;
  /** Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * @param path may still be under way: the server starts meanwhile
 * @throws TargetLost where it does not come up, and what `path` rejects with
 */
export async function startOwnServer(path: Promise<string>): Promise<OwnTarget> {
  let server = await startReferenceProcess({ path });
  const { secret } = server;
  return {
    get urls() {
      return [server.url];
    },
    secret,
    get pid() {
      return server.pid;
    },
    async revive() {
      const end = server.exitReason();
      if (end === undefined) return undefined;
      await server.stop();
      server = await startReferenceProcess({ path, env: { JWT_SECRET: secret } });
      return end;
    },
    stop: () => server.stop(),
  };
}

export interface OwnNodesOptions {
  readonly path: string;
  readonly nodes: number;
  /** Faults to plant while the phase cluster runs; undefined: none. */
  readonly faults: number | undefined;
  /** To be acknowledged meanwhile. */
  readonly messages: number;
  readonly seed: number;
  /** One line for each fault. */
  say(line: string): void;
}

/** Clients of a long run mostly stay; the faults see to the rest. */
const awayEvery = 200;
const longestRunMs = 3_600_000;

/**
 * @throws UsageError where there is no redis-server
 * @throws TargetLost where a node does not come up
 */
export async function startOwnNodes({ path, nodes: count, faults, messages, seed, say }: OwnNodesOptions): Promise<OwnTarget> {
  const isFaulted = faults !== undefined;
  // The Redis client is loaded only where it is used: it takes a tenth of a short run.
  const [{ startCluster, withoutLimits }, { runNemesis }] = await Promise.all([
    import("../testbed/nodes.ts"),
    import("../testbed/nemesis.ts"),
  ]);
  const cluster = await startCluster({ count, path, env: isFaulted ? withoutLimits : {}, withLoadBalancer: isFaulted });
  const { nodes, loadBalancer, secret } = cluster;
  if (isFaulted && loadBalancer === undefined)
    say("nginx is not on PATH: no client comes through it, and it is not reloaded (Debian: `apt-get install nginx`)");
  const kinds = faultKinds.filter((kind) => loadBalancer !== undefined || kind !== "load-balancer-reloaded");
  const plan = planFaults({ seed, count: faults ?? 0, nodes: count, kinds });
  const runCluster: Target["runCluster"] = (context, roles, progress) =>
    runWorkload(
      context,
      roles,
      {
        messages,
        awayEvery,
        keepsFrames: false,
        withinMs: longestRunMs,
        faults: (hooks) => runNemesis({ cluster, plan, messages, clock: context.clock, say }, hooks),
      },
      progress,
    );
  return {
    urls: [...nodes, ...(loadBalancer === undefined ? [] : [loadBalancer])].map(({ url }) => url),
    nodeNames: [...nodes.map((_, index) => `node ${index}`), ...(loadBalancer === undefined ? [] : ["nginx"])],
    secret,
    get pid() {
      return nodes[0]!.process.pid;
    },
    ...(isFaulted ? { runCluster } : {}),
    async revive() {
      const dead = nodes.filter((node) => node.process.exitReason() !== undefined);
      const ends = dead.map((node) => `${node.url}: ${node.process.exitReason()}`);
      for (const node of dead) {
        await node.process.stop();
        await node.restart();
      }
      return ends.length === 0 ? undefined : ends.join("\n");
    },
    stop: () => cluster.stop(),
  };
}
