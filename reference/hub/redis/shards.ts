// The Redis processes behind the hub and which of them holds a key: one process, or the masters of a Redis Cluster.
import { HubUnavailable } from "../hub.ts";
import type { Reply, ScriptName } from "./commands.ts";
import { createRedisClient, withinMs } from "./connection.ts";
import { explainRedisError, UnfitRedis } from "./server.ts";
import { Shard, type ShardEvents, type ShardSettings } from "./shard.ts";
import { hidePassword, urlOfNode } from "./url.ts";

/** Whether a key or a channel is affected. */
export type IsAffected = (key: string) => boolean;

const firstWaitMs = 25;
/** How often a Cluster with a problem is asked for its masters. */
const discoveryMs = 1_000;

export class Shards {
  readonly #urls: readonly string[];
  readonly #settings: ShardSettings;
  readonly #events: ShardEvents;
  readonly #onSlotsMoved: (isAffected: IsAffected) => void;
  readonly #known = new Map<string, Shard>();
  /** The only process, where there is no Cluster. */
  #single: Shard | undefined;
  /** Empty until a Cluster has answered. */
  #bySlot: readonly (Shard | undefined)[] = [];
  #discoveryProblem = "not connected yet";
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isDiscovering = false;
  #isClosed = false;

  /**
   * @param urls of the one Redis, or of some nodes of a Cluster
   * @param onSlotsMoved these keys are on another process now
   */
  constructor(
    urls: readonly string[],
    settings: ShardSettings,
    events: ShardEvents,
    onSlotsMoved: (isAffected: IsAffected) => void,
  ) {
    this.#urls = urls;
    this.#settings = settings;
    this.#onSlotsMoved = onSlotsMoved;
    this.#events = {
      ...events,
      onRejected: (reason) => {
        events.onRejected(reason);
        this.rediscover();
      },
      onStatusChange: () => {
        events.onStatusChange();
        this.#scheduleDiscovery();
      },
    };
  }

  open(): void {
    void this.#discover();
  }

  get all(): readonly Shard[] {
    return [...this.#known.values()];
  }

  get isCluster(): boolean {
    return this.#bySlot.length > 0;
  }

  /** The process that holds the key, once that is known. */
  of(key: string): Shard | undefined {
    return this.#single ?? (this.isCluster ? this.#bySlot[slotOf(key)] : undefined);
  }

  /** Why the key cannot be used; undefined where it can. */
  problemOf(key: string): string | undefined {
    const shard = this.of(key);
    return shard === undefined ? this.#unknownReason() : shard.problem;
  }

  #unknownReason(): string {
    return this.isCluster ? "no master of the Redis Cluster has its slot" : this.#discoveryProblem;
  }

  #require(key: string): Shard {
    const shard = this.of(key);
    if (shard === undefined) throw new HubUnavailable(this.#unknownReason());
    return shard;
  }

  /**
   * Runs a script on the process that holds its keys.
   * @param keys at least one
   * @throws HubUnavailable when it certainly had no effect, HubUncertain when that is unknown
   */
  async call(name: ScriptName, keys: readonly string[], args: readonly string[], logLength?: number): Promise<Reply> {
    return this.#require(keys[0]!).call(name, keys, args, logLength);
  }

  /**
   * Sends a plain, repeatable command whose second word is a key or a channel.
   * @throws HubUnavailable or HubUncertain
   */
  async send(args: readonly string[]): Promise<unknown> {
    return this.#require(args[1]!).send(args);
  }

  /** Reads the topology: once, or in a Cluster whenever a master has a problem. */
  async #discover(): Promise<void> {
    if (this.#isDiscovering || this.#isClosed) return;
    this.#isDiscovering = true;
    const healthy = this.all.filter(({ problem }) => problem === undefined).map(({ url }) => url);
    const candidates = [...new Set([...healthy, ...this.#urls, ...this.#known.keys()])];
    try {
      const masters = await readTopology(candidates, this.#urls.length, 2 * this.#settings.commandMs);
      if (this.#isClosed) return;
      this.#failures = 0;
      if (masters !== undefined) this.#useMasters(masters);
      else if (!this.isCluster) this.#useSingle(this.#urls[0]!);
    } catch (error) {
      this.#discoveryProblem = (error as Error).message;
      this.#events.onStatusChange();
    } finally {
      this.#isDiscovering = false;
      this.#scheduleDiscovery();
    }
  }

  /** @param isForced even where every connection works */
  #scheduleDiscovery(isForced = false): void {
    if (this.#isClosed || this.#single !== undefined || this.#isDiscovering || this.#timer !== undefined) return;
    if (this.isCluster && !isForced && this.all.every(({ problem }) => problem === undefined)) return;
    const backOffMs = this.isCluster ? discoveryMs : Math.min(discoveryMs, firstWaitMs * 2 ** this.#failures++);
    // Half of the wait is random, so that many nodes do not ask at once.
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#discover();
      },
      backOffMs / 2 + (Math.random() * backOffMs) / 2,
    );
  }

  /** Reads the topology again, because a key or a channel was not where it was expected. */
  rediscover(): void {
    this.#scheduleDiscovery(true);
  }

  #useSingle(url: string): void {
    this.#single = this.#create(url);
    this.#single.open();
  }

  #useMasters(masters: readonly Master[]): void {
    const before = this.#bySlot;
    const bySlot: (Shard | undefined)[] = Array(slotCount).fill(undefined);
    const fresh: Shard[] = [];
    for (const { url, ranges } of masters) {
      const known = this.#known.get(url);
      const shard = known ?? this.#create(url);
      if (known === undefined) fresh.push(shard);
      for (const [first, last] of ranges) bySlot.fill(shard, first, last + 1);
    }
    this.#bySlot = bySlot;
    const urls = new Set(masters.map(({ url }) => url));
    for (const [url, shard] of this.#known) {
      if (urls.has(url)) continue;
      this.#known.delete(url);
      shard.close();
    }
    for (const shard of fresh) shard.open();
    if (before.length > 0) this.#onSlotsMoved((key) => bySlot[slotOf(key)] !== before[slotOf(key)]);
    this.#events.onStatusChange();
  }

  #create(url: string): Shard {
    const shard = new Shard(url, this.#settings, this.#events);
    this.#known.set(url, shard);
    return shard;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const shard of this.all) shard.close();
  }
}

// --- slots and topology ---

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
