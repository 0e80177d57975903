// This node among the others: its name, the beat that says that it lives, and whether all that it needs of Redis is well.
import { randomBytes } from "node:crypto";
import { HubUnavailable } from "../hub.ts";
import { run } from "./commands.ts";
import { createKeys, type Keys } from "./keys.ts";
import { Presence } from "./presence.ts";
import type { Client, Server } from "./server.ts";
import { type Concerns, Shards } from "./shards.ts";
import { Subscriptions } from "./subscriptions.ts";
import { parseRedisUrls } from "./url.ts";

export interface LinkOptions {
  readonly url: string;
  readonly prefix: string;
  readonly commandMs: number;
  readonly leaseMs: number;
  readonly beatMs: number;
  readonly logLength: number;
  readonly keepRoomMs: number;
  /** Commands pass again, or channels are heard again: read on what may have been missed. */
  restored(): void;
  /** What stood under these keys may be gone. The logs among them tell by themselves. */
  lost(concerns: Concerns): void;
  /** A beat has come through. */
  beaten(): void;
  /** Everything that this node told Redis is gone: others have buried it, or the data is lost. It has a new name now. */
  forgotten(): void;
  onStatus?: ((isAvailable: boolean, reason: string) => void) | undefined;
  onTrouble?: ((reason: string) => void) | undefined;
}

/** The same trouble is told once in this time. */
const troubleEveryMs = 10_000;

export class RedisLink {
  readonly keys: Keys;
  readonly commands: Shards;
  readonly subscriptions: Subscriptions;
  readonly #options: LinkOptions;
  readonly #presence: Presence;
  #node = createName();
  #isKnown = false;
  #leaseUntilMs = Number.NEGATIVE_INFINITY;
  #status = { isAvailable: false, reason: "not connected yet" };
  readonly #troubles = new Map<string, number>();
  #isClosed = false;
  readonly #beat: NodeJS.Timeout;
  #ops = 0;
  readonly #opPrefix = createName();

  /** @throws Error that names REDIS_URL, where the URL is none */
  constructor(options: LinkOptions) {
    this.#options = options;
    const { url, prefix, commandMs, leaseMs, beatMs, logLength, keepRoomMs } = options;
    const { urls, database } = parseRedisUrls(url);
    // Channels know no databases, so keys and channels of all but the first carry the number.
    this.keys = createKeys(database === 0 ? prefix : `${prefix}${database}:`);
    const { keys } = this;
    const now = (): number => performance.now();
    // An epoch is asked for with each call, so it must cost nothing.
    const createOp = (): string => this.createOp();
    const commands = new Shards({
      urls,
      formatKey: keys.format,
      commandMs,
      logLength,
      now,
      createEpoch: createOp,
      greet: (client, server) => this.#greet(client, server),
      subscribe: (client, concerns) => this.subscriptions.prepare(client, concerns),
      deaf: (concerns) => this.subscriptions.down(concerns),
      restored: () => options.restored(),
      forgot: (concerns) => options.lost(concerns),
      moved: (concerns) => void this.#moved(concerns),
      refused: (reason) => this.trouble(reason),
      changed: () => this.#updateStatus(),
    });
    this.commands = commands;
    this.subscriptions = new Subscriptions(
      (channel) => commands.of(channel)?.listener,
      () => commands.suspect(),
    );
    this.#presence = new Presence({ commands, keys, leaseMs, beatMs, keepRoomMs, createOp, now });
    this.#beat = setInterval(() => void this.beat(), beatMs);
  }

  /** Begins to connect, in the background. */
  open(): void {
    this.commands.open();
  }

  /** This life of the node, as the others know it. */
  get node(): string {
    return this.#node;
  }

  /** `reason` is "ok" where it is available. */
  get status(): { readonly isAvailable: boolean; readonly reason: string } {
    return this.#status;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A name for one operation, by which it is known again when it is repeated. */
  createOp(): string {
    return `${this.#opPrefix}.${(this.#ops++).toString(36)}`;
  }

  /**
   * A new presence is only promised by a node that the others surely take for alive until the command has run.
   * @throws HubUnavailable
   */
  checkLease(node: string): void {
    if (node === this.#node && performance.now() + this.#options.commandMs <= this.#leaseUntilMs) return;
    throw new HubUnavailable(this.#status.reason);
  }

  /** Tells of what was ignored or refused, not too often. */
  trouble(reason: string): void {
    const now = performance.now();
    if (now - (this.#troubles.get(reason) ?? Number.NEGATIVE_INFINITY) < troubleEveryMs) return;
    if (this.#troubles.size >= 100) this.#troubles.clear();
    this.#troubles.set(reason, now);
    this.#options.onTrouble?.(reason);
  }

  /** Says on a fresh connection that this node lives. */
  async #greet(client: Client, server: Server): Promise<number> {
    const { live, dead } = this.keys;
    const noDeadline = `${Number.MAX_SAFE_INTEGER}`;
    const beat = (isNew: boolean) =>
      run(client, "beat", ["2", live, dead, noDeadline, server.runId, "0", "", "0", this.#node, isNew ? "1" : "0"]);
    const sentAt = performance.now();
    let reply = await beat(!this.#isKnown);
    if (reply[0] === "gone") {
      this.#beginAnew();
      reply = await beat(true);
    }
    this.#isKnown = true;
    this.#leaseUntilMs = sentAt + this.#options.leaseMs;
    this.#presence.heard(this.#node, reply);
    return Number(reply[1]);
  }

  /** What lies elsewhere now may lack the end of what was said: only the logs can tell by themselves. */
  async #moved(concerns: Concerns): Promise<void> {
    this.#options.lost(concerns);
    await this.subscriptions.moved(concerns);
    this.#options.restored();
  }

  /** Nobody can come to this node while one of these is away. Of the rest, what lies on a process that is away is refused. */
  #vitalTrouble(): string | undefined {
    const { live, broadcast, inbox } = this.keys;
    const vital = [live, broadcast.stream, inbox(this.#node).stream];
    return vital.map((key) => this.commands.troubleOf(key)).find((trouble) => trouble !== undefined);
  }

  #updateStatus(): void {
    if (this.#isClosed) return;
    const { all } = this.commands;
    const trouble = this.#vitalTrouble() ?? all.find(({ isUntried }) => isUntried)?.trouble;
    const away = all.flatMap((shard) => shard.trouble ?? []);
    const isAvailable = trouble === undefined;
    const reason = trouble ?? (away.length === 0 ? "ok" : `${away.length} of ${all.length} masters cannot be used: ${away[0]}`);
    if (reason === this.#status.reason) return;
    this.#status = { isAvailable, reason };
    this.#options.onStatus?.(isAvailable, reason);
  }

  /** The beat is the health check too: it is refused where an append would be. */
  async beat(): Promise<void> {
    const { live, dead } = this.keys;
    const home = this.commands.of(live);
    for (const shard of this.commands.all) {
      shard.pingListening();
      if (shard !== home) void shard.tick();
    }
    const sentAt = performance.now();
    try {
      const reply = await this.commands.call("beat", [live, dead], [this.#node, "0"]);
      if (this.#isClosed) return;
      if (reply[0] === "gone") {
        home?.replace("Redis has forgotten this node");
        return this.#beginAnew();
      }
      this.#leaseUntilMs = sentAt + this.#options.leaseMs;
      home?.commands.tune(Number(reply[1]));
      this.#presence.heard(this.#node, reply);
      home?.refuse(undefined);
      this.#options.beaten();
    } catch (error) {
      // One that is away has said why.
      if (home?.commands.server !== undefined) home.refuse((error as Error).message);
    }
  }

  #beginAnew(): void {
    this.#node = createName();
    this.#isKnown = false;
    this.#leaseUntilMs = Number.NEGATIVE_INFINITY;
    this.trouble("Redis has forgotten this node: its connections are closed");
    this.#options.forgotten();
  }

  /** Lets the others sweep at once, instead of after the lease, what is left here. */
  async resign(): Promise<void> {
    await this.commands.send(["SADD", this.keys.dead, this.#node]);
    await this.commands.send(["HDEL", this.keys.live, this.#node]);
  }

  /** Ends as a crash would: without a word to Redis. */
  abandon(): void {
    clearInterval(this.#beat);
    this.#isClosed = true;
    this.#status = { isAvailable: false, reason: "closed" };
    this.commands.close();
  }
}

function createName(): string {
  return randomBytes(9).toString("base64url");
}
