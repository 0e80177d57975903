// The Redis processes behind the hub and which of them holds a key: one process, or the masters of a Redis Cluster.
import { HubUnavailable } from "../hub.ts";
import type { Reply, ScriptName } from "./commands.ts";
import { Shard, type ShardEvents, type ShardSettings } from "./shard.ts";
import { type Master, readTopology, slotCount, slotOf } from "./topology.ts";

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
