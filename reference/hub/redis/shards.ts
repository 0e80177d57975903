// The Redis processes behind the hub, and which of them a key lies on: one, or the masters of a Redis Cluster.
import { HubUnavailable } from "../hub.ts";
import { callOnce, type Reply } from "./commands.ts";
import type { ScriptName } from "./scripts.ts";
import type { Client, Server } from "./server.ts";
import { Shard, type ShardOptions } from "./shard.ts";
import { slotCount, slotOf } from "./slots.ts";
import { type Master, readTopology } from "./topology.ts";

/** Whether a key or a channel is concerned. */
export type Concerns = (key: string) => boolean;

export interface ShardsOptions extends Pick<ShardOptions, "commandMs" | "logLength" | "now" | "createEpoch" | "refused"> {
  /** Of the one Redis, or of some nodes of a Cluster. */
  readonly urls: readonly string[];
  /** The key under which the data says who made it. */
  readonly formatKey: string;
  /** Says on a fresh connection of the process that has `formatKey` that the node lives. @returns Redis' clock, in ms */
  greet(client: Client, server: Server): Promise<number>;
  subscribe(client: Client, concerns: Concerns): Promise<void>;
  deaf(concerns: Concerns): void;
  restored(): void;
  /** What stood under these keys may be lost. */
  forgot(concerns: Concerns): void;
  /** These lie on another process now. */
  moved(concerns: Concerns): void;
  changed(): void;
}

const firstWaitMs = 25;
/** So often the Cluster is asked for its masters, where something is wrong with one. */
const waitMs = 1_000;

export class Shards {
  readonly #options: ShardsOptions;
  readonly #known = new Map<string, Shard>();
  /** Where it is no Cluster. */
  #only: Shard | undefined;
  /** Empty until a Cluster has told. */
  #bySlot: readonly (Shard | undefined)[] = [];
  #ignorance = "not connected yet";
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #isClosed = false;
  readonly callOnce = callOnce;

  constructor(options: ShardsOptions) {
    this.#options = options;
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

  /** The process that has the key, where that is known. */
  of(key: string): Shard | undefined {
    return this.#only ?? (this.isCluster ? this.#bySlot[slotOf(key)] : undefined);
  }

  /** Why what lies under the key cannot be had; undefined where it can. */
  troubleOf(key: string): string | undefined {
    const shard = this.of(key);
    return shard === undefined ? this.#missing() : shard.trouble;
  }

  #missing(): string {
    return this.isCluster ? "no master of the Redis Cluster has its slot" : this.#ignorance;
  }

  #demand(key: string): Shard {
    const shard = this.of(key);
    if (shard === undefined) throw new HubUnavailable(this.#missing());
    return shard;
  }

  /**
   * Runs a script where its keys are.
   * @param keys at least one
   * @throws HubUnavailable when it certainly had no effect, HubUncertain when nobody can say
   */
  async call(name: ScriptName, keys: readonly string[], args: readonly string[], logLength?: number): Promise<Reply> {
    return this.#demand(keys[0]!).commands.call(name, keys, args, logLength);
  }

  /**
   * Sends a plain command, one that may be repeated without harm, whose second word is a key or a channel.
   * @throws HubUnavailable or HubUncertain
   */
  async send(args: readonly string[]): Promise<unknown> {
    return this.#demand(args[1]!).commands.send(args);
  }

  /** Finds out what is behind the URLs: once, or in a Cluster whenever something is wrong with a master. */
  async #discover(): Promise<void> {
    if (this.#isReading || this.#isClosed) return;
    this.#isReading = true;
    const { urls: seeds, commandMs } = this.#options;
    const well = this.all.filter(({ trouble }) => trouble === undefined).map(({ url }) => url);
    try {
      const masters = await readTopology([...new Set([...well, ...seeds, ...this.#known.keys()])], seeds.length, 2 * commandMs);
      if (this.#isClosed) return;
      this.#failures = 0;
      if (masters !== undefined) this.#useMasters(masters);
      else if (!this.isCluster) this.#useOne(seeds[0]!);
    } catch (error) {
      this.#ignorance = (error as Error).message;
      this.#options.changed();
    } finally {
      this.#isReading = false;
      this.#discoverLater();
    }
  }

  /** @param isSuspicious even where every connection is well */
  #discoverLater(isSuspicious = false): void {
    if (this.#isClosed || this.#only !== undefined || this.#isReading || this.#timer !== undefined) return;
    if (this.isCluster && !isSuspicious && this.all.every(({ trouble }) => trouble === undefined)) return;
    const backOffMs = this.isCluster ? waitMs : Math.min(waitMs, firstWaitMs * 2 ** this.#failures++);
    // Half of it at random, so that many nodes do not ask at once.
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#discover();
      },
      backOffMs / 2 + (Math.random() * backOffMs) / 2,
    );
  }

  /** Something is not where it was looked for. */
  suspect(): void {
    this.#discoverLater(true);
  }

  #useOne(url: string): void {
    this.#only = this.#create(url);
    this.#only.open();
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
    if (before.length > 0) this.#options.moved((key) => bySlot[slotOf(key)] !== before[slotOf(key)]);
    this.#options.changed();
  }

  #create(url: string): Shard {
    const { commandMs, logLength, now, createEpoch, refused, formatKey, greet, subscribe, deaf, restored, forgot, changed } =
      this.#options;
    const concerns: Concerns = (key) => this.of(key) === shard;
    const shard = new Shard({
      url,
      commandMs,
      logLength,
      now,
      createEpoch,
      restored,
      formatKey: () => (concerns(formatKey) ? formatKey : undefined),
      greet: (client, server) => (concerns(formatKey) ? greet(client, server) : readClock(client)),
      subscribe: (client) => subscribe(client, concerns),
      deaf: () => deaf(concerns),
      forgot: () => forgot(concerns),
      refused: (reason) => {
        refused(reason);
        this.suspect();
      },
      changed: () => {
        changed();
        this.#discoverLater();
      },
    });
    this.#known.set(url, shard);
    return shard;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const shard of this.all) shard.close();
  }
}

async function readClock(client: Client): Promise<number> {
  const [seconds, micros] = (await client.sendCommand<unknown>(["TIME"])) as [string, string];
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}
