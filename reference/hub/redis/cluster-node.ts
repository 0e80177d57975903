// This node among the others: its name, its heartbeat, its lease, and whether everything that it needs of Redis works.
import { randomBytes } from "node:crypto";
import { HubUnavailable } from "../hub.ts";
import { runScript } from "./commands.ts";
import { createKeys, type Keys } from "./keys.ts";
import { Presence } from "./presence.ts";
import type { Client, ServerInfo } from "./server.ts";
import type { Shard } from "./shard.ts";
import { type IsAffected, Shards } from "./shards.ts";
import { Subscriptions } from "./subscriptions.ts";
import { parseRedisUrls } from "./url.ts";

export interface ClusterNodeOptions {
  readonly url: string;
  readonly prefix: string;
  readonly commandMs: number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly logLength: number;
  readonly keepRoomMs: number;
  /** Commands or subscriptions work again: read what may have been missed. */
  onRestored(): void;
  /** What was stored under these keys may be lost. Logs detect that themselves. */
  onDataLost(isAffected: IsAffected): void;
  onHeartbeatOk(): void;
  /** Other nodes have expired this one, or its data is lost. It has a new name now. */
  onNodeExpired(): void;
  onStatus?: ((isAvailable: boolean, reason: string) => void) | undefined;
  onWarning?: ((reason: string) => void) | undefined;
}

/** The same warning is repeated at most this often. */
const warningEveryMs = 10_000;
const maxWarnings = 100;

export class ClusterNode {
  readonly keys: Keys;
  readonly shards: Shards;
  readonly subscriptions: Subscriptions;
  readonly #options: ClusterNodeOptions;
  readonly #presence: Presence;
  #name = createName();
  #isRegistered = false;
  #leaseUntilMs = Number.NEGATIVE_INFINITY;
  #status = { isAvailable: false, reason: "not connected yet" };
  readonly #warnings = new Map<string, number>();
  #isClosed = false;
  readonly #timer: NodeJS.Timeout;

  /** @throws Error that names REDIS_URL, where the URL cannot be used */
  constructor(options: ClusterNodeOptions) {
    this.#options = options;
    const { url, prefix, commandMs, leaseMs, heartbeatMs, logLength, keepRoomMs } = options;
    const { urls, database } = parseRedisUrls(url);
    // Channels are shared by all databases, so keys and channels of every database but the first carry its number.
    this.keys = createKeys(database === 0 ? prefix : `${prefix}${database}:`);
    const on = (shard: Shard): IsAffected => {
      return (key) => this.shards.of(key) === shard;
    };
    const { format } = this.keys;
    this.shards = new Shards(
      urls,
      { commandMs, logLength },
      {
        formatKeyOn: (shard) => (on(shard)(format) ? format : undefined),
        register: (shard, client, server) => (on(shard)(format) ? this.#register(client, server) : readClock(client)),
        subscribe: (shard, client) => this.subscriptions.subscribeAll(client, on(shard)),
        onSubscriptionLost: (shard) => this.subscriptions.onLost(on(shard)),
        onRestored: () => options.onRestored(),
        onDataLost: (shard) => options.onDataLost(on(shard)),
        onRejected: (reason) => this.warn(reason),
        onStatusChange: () => this.#updateStatus(),
      },
      (isAffected) => void this.#onSlotsMoved(isAffected),
    );
    this.subscriptions = new Subscriptions(
      (channel) => this.shards.of(channel)?.subscriberClient,
      () => this.shards.rediscover(),
    );
    this.#presence = new Presence({ shards: this.shards, keys: this.keys, leaseMs, heartbeatMs, keepRoomMs });
    this.#timer = setInterval(() => void this.heartbeat(), heartbeatMs);
  }

  /** Connects in the background. */
  open(): void {
    this.shards.open();
  }

  /** The other nodes know this node by this name until they expire it. */
  get name(): string {
    return this.#name;
  }

  /** `reason` is "ok" while it is available. */
  get status(): { readonly isAvailable: boolean; readonly reason: string } {
    return this.#status;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Checks that no other node can expire this one before a command sent now has run. Without that, a new membership could vanish at once.
   * @throws HubUnavailable
   */
  checkLease(name: string): void {
    if (name === this.#name && performance.now() + this.#options.commandMs <= this.#leaseUntilMs) return;
    throw new HubUnavailable(this.#status.reason);
  }

  /** Reports what was ignored or rejected, at a limited rate. */
  warn(reason: string): void {
    const nowMs = performance.now();
    if (nowMs - (this.#warnings.get(reason) ?? Number.NEGATIVE_INFINITY) < warningEveryMs) return;
    if (this.#warnings.size >= maxWarnings) this.#warnings.clear();
    this.#warnings.set(reason, nowMs);
    this.#options.onWarning?.(reason);
  }

  /** Registers this node on a fresh connection. @returns Redis' clock, in ms */
  async #register(client: Client, server: ServerInfo): Promise<number> {
    const { live, dead } = this.keys;
    const noDeadline = `${Number.MAX_SAFE_INTEGER}`;
    const common = [noDeadline, server.runId, "0", "", "0"];
    const send = (isNew: boolean) => runScript(client, "heartbeat", ["2", live, dead, ...common, this.#name, isNew ? "1" : "0"]);
    const sentAtMs = performance.now();
    let reply = await send(!this.#isRegistered);
    if (reply[0] === "gone") {
      this.#startOver();
      reply = await send(true);
    }
    this.#isRegistered = true;
    this.#leaseUntilMs = sentAtMs + this.#options.leaseMs;
    this.#presence.onHeartbeat(this.#name, reply);
    return Number(reply[1]);
  }

  /** The new process may lack the latest writes. Only logs can detect that themselves. */
  async #onSlotsMoved(isAffected: IsAffected): Promise<void> {
    this.#options.onDataLost(isAffected);
    await this.subscriptions.onMoved(isAffected);
    this.#options.onRestored();
  }

  /** No connection can attach while one of these keys cannot be used. Other keys affect only their own room or user. */
  #vitalProblem(): string | undefined {
    const { live, broadcast, inbox } = this.keys;
    const vital = [live, broadcast.stream, inbox(this.#name).stream];
    return vital.map((key) => this.shards.problemOf(key)).find((problem) => problem !== undefined);
  }

  #updateStatus(): void {
    if (this.#isClosed) return;
    const { all } = this.shards;
    const problem = this.#vitalProblem() ?? all.find(({ isUntried }) => isUntried)?.problem;
    const problems = all.flatMap((shard) => shard.problem ?? []);
    const isAvailable = problem === undefined;
    const partial = `${problems.length} of ${all.length} masters cannot be used: ${problems[0]}`;
    const reason = problem ?? (problems.length === 0 ? "ok" : partial);
    if (reason === this.#status.reason) return;
    this.#status = { isAvailable, reason };
    this.#options.onStatus?.(isAvailable, reason);
  }

  /** Renews the lease. It is the health check too, because Redis rejects it whenever it would reject an append. */
  async heartbeat(): Promise<void> {
    const { live, dead } = this.keys;
    const home = this.shards.of(live);
    for (const shard of this.shards.all) {
      shard.pingSubscriber();
      if (shard !== home) void shard.checkHealth();
    }
    const sentAtMs = performance.now();
    try {
      const reply = await this.shards.call("heartbeat", [live, dead], [this.#name, "0"]);
      if (this.#isClosed) return;
      if (reply[0] === "gone") {
        home?.replace("Redis has forgotten this node");
        return this.#startOver();
      }
      this.#leaseUntilMs = sentAtMs + this.#options.leaseMs;
      home?.syncClock(Number(reply[1]));
      this.#presence.onHeartbeat(this.#name, reply);
      home?.setRejection(undefined);
      this.#options.onHeartbeatOk();
    } catch (error) {
      // A process that is away has already reported why.
      if (home?.isConnected) home.setRejection((error as Error).message);
    }
  }

  #startOver(): void {
    this.#name = createName();
    this.#isRegistered = false;
    this.#leaseUntilMs = Number.NEGATIVE_INFINITY;
    this.warn("Redis has forgotten this node: its connections are closed");
    this.#options.onNodeExpired();
  }

  /** Lets the other nodes remove what is left of this one now, not after its lease. */
  async resign(): Promise<void> {
    await this.shards.send(["SADD", this.keys.dead, this.#name]);
    await this.shards.send(["HDEL", this.keys.live, this.#name]);
  }

  /** Stops as a crash would, without telling Redis. */
  destroy(): void {
    clearInterval(this.#timer);
    this.#isClosed = true;
    this.#status = { isAvailable: false, reason: "closed" };
    this.shards.close();
  }
}

function createName(): string {
  return randomBytes(9).toString("base64url");
}

async function readClock(client: Client): Promise<number> {
  const [seconds, micros] = (await client.sendCommand<unknown>(["TIME"])) as [string, string];
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}
