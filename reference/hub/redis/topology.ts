// The masters of a Redis Cluster and the slots that they have, asked of whichever of its nodes answers.
import { createRedisClient, withinMs } from "./connection.ts";
import { explainRedisError, UnfitRedis } from "./server.ts";
import { hidePassword, urlOfNode } from "./url.ts";

export interface Master {
  readonly url: string;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/**
 * Asks one node after the other, on a connection that ends with the answer.
 * @param seeds how many of the URLs were given by the user
 * @param connectMs how long each may take, in ms
 * @returns undefined where it is no Cluster
 * @throws Error whose message says why none of them gave an answer
 */
export async function readTopology(
  urls: readonly string[],
  seeds: number,
  connectMs: number,
): Promise<readonly Master[] | undefined> {
  let reason = "";
  for (const url of urls) {
    try {
      const masters = await withinMs(connectMs, ask(url, connectMs));
      if (masters === undefined && seeds > 1) {
        throw new UnfitRedis(`${hidePassword(url)} is no node of a Redis Cluster: give one URL, or nodes of one Cluster`);
      }
      return masters;
    } catch (error) {
      reason = explainRedisError(error, url);
    }
  }
  throw new Error(reason);
}

async function ask(url: string, connectMs: number): Promise<readonly Master[] | undefined> {
  const client = createRedisClient(url, connectMs);
  client.on("error", () => {});
  try {
    await client.connect();
    const info = String(await client.sendCommand<unknown>(["INFO", "server"]));
    // Valkey has another name for it.
    if (!/^(redis|server)_mode:cluster\r?$/m.test(info)) return undefined;
    const masters = mastersOf(await client.sendCommand<unknown>(["CLUSTER", "SLOTS"]), url);
    if (masters.length === 0) throw new UnfitRedis(`no master of the Redis Cluster at ${hidePassword(url)} has slots yet`);
    // Cut off from the others it may tell what was true before.
    const state = String(await client.sendCommand<unknown>(["CLUSTER", "INFO"]));
    if (!/^cluster_state:ok\r?$/m.test(state)) throw new Error("CLUSTERDOWN");
    return masters;
  } finally {
    client.destroy();
  }
}

type SlotsReply = readonly (readonly [first: number, last: number, master: readonly [host: string | null, port: number]])[];

/** CLUSTER SLOTS is older than CLUSTER SHARDS, and all that speak the protocol of a Cluster know it. @param url of the node that was asked */
export function mastersOf(reply: unknown, url: string): Master[] {
  const masters = new Map<string, (readonly [number, number])[]>();
  for (const [first, last, [host, port]] of reply as SlotsReply) {
    // Unknown to the node itself: then it is where it was asked.
    const isHere = host === null || host === "" || host === "?";
    const master = urlOfNode(url, isHere ? new URL(url).hostname.replace(/^\[|\]$/g, "") : host, port);
    masters.set(master, [...(masters.get(master) ?? []), [Number(first), Number(last)]]);
  }
  return [...masters].map(([master, ranges]) => ({ url: master, ranges }));
}
