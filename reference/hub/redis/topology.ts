// The masters of a Redis Cluster, and the slots that keys and channels lie in.
import { createRedisClient, withinMs } from "./connection.ts";
import { explainRedisError, UnfitRedis } from "./server.ts";
import { hidePassword, urlOfNode } from "./url.ts";

export const slotCount = 16_384;

/** CRC16 (XMODEM) of the hash tag, or of the whole key without one: Redis Cluster specification, "Key distribution model". */
export function slotOf(key: string): number {
  const open = key.indexOf("{");
  const close = key.indexOf("}", open + 1);
  const hashed = open !== -1 && close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return (crc & 0xffff) % slotCount;
}

export interface Master {
  readonly url: string;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/**
 * Asks one node after the other, each on a connection that ends with the answer.
 * @param seedCount how many of the URLs the user gave
 * @param connectMs how long each may take, in ms
 * @returns undefined where the Redis is no Cluster
 * @throws Error whose message says why none of them answered
 */
export async function readTopology(
  urls: readonly string[],
  seedCount: number,
  connectMs: number,
): Promise<readonly Master[] | undefined> {
  let reason = "";
  for (const url of urls) {
    try {
      const masters = await withinMs(connectMs, askMasters(url, connectMs));
      if (masters === undefined && seedCount > 1) {
        throw new UnfitRedis(`${hidePassword(url)} is no node of a Redis Cluster: give one URL, or nodes of one Cluster`);
      }
      return masters;
    } catch (error) {
      reason = explainRedisError(error, url);
    }
  }
  throw new Error(reason);
}

async function askMasters(url: string, connectMs: number): Promise<readonly Master[] | undefined> {
  const client = createRedisClient(url, connectMs);
  client.on("error", () => {});
  try {
    await client.connect();
    const info = String(await client.sendCommand<unknown>(["INFO", "server"]));
    // Redis and Valkey name this field differently.
    if (!/^(redis|server)_mode:cluster\r?$/m.test(info)) return undefined;
    const masters = mastersOf(await client.sendCommand<unknown>(["CLUSTER", "SLOTS"]), url);
    if (masters.length === 0) throw new UnfitRedis(`no master of the Redis Cluster at ${hidePassword(url)} has slots yet`);
    // A node that is cut off from the others may report an outdated topology.
    const state = String(await client.sendCommand<unknown>(["CLUSTER", "INFO"]));
    if (!/^cluster_state:ok\r?$/m.test(state)) throw new Error("CLUSTERDOWN");
    return masters;
  } finally {
    client.destroy();
  }
}

type SlotsReply = readonly (readonly [first: number, last: number, master: readonly [host: string | null, port: number]])[];

/** Reads CLUSTER SLOTS, which is older and more widely supported than CLUSTER SHARDS. @param url of the node that was asked */
export function mastersOf(reply: unknown, url: string): Master[] {
  const masters = new Map<string, (readonly [number, number])[]>();
  for (const [first, last, [host, port]] of reply as SlotsReply) {
    // A node that does not know its own address has the one that was asked.
    const isUnknown = host === null || host === "" || host === "?";
    const master = urlOfNode(url, isUnknown ? new URL(url).hostname.replace(/^\[|\]$/g, "") : host, port);
    masters.set(master, [...(masters.get(master) ?? []), [Number(first), Number(last)]]);
  }
  return [...masters].map(([master, ranges]) => ({ url: master, ranges }));
}
