// This node's tie to Redis: a connection for commands, one for listening, the beat that says that the node lives, and whether all of it is well.
import { randomBytes } from "node:crypto";
import { HubUnavailable } from "../hub.ts";
import { Commands, run } from "./commands.ts";
import { RedisConnection } from "./connection.ts";
import { createKeys, type Keys } from "./keys.ts";
import { Presence } from "./presence.ts";
import { scripts } from "./scripts.ts";
import { type Client, explainRedisError, inspectServer, parseRedisUrl } from "./server.ts";
import { Subscriptions } from "./subscriptions.ts";

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
  readonly commands: Commands;
  readonly subscriptions = new Subscriptions();
  readonly #options: LinkOptions;
  readonly #connection: RedisConnection;
  readonly #listening: RedisConnection;
  readonly #presence: Presence;
  #node = createName();
  #isKnown = false;
  #leaseUntilMs = Number.NEGATIVE_INFINITY;
  #isListening = false;
  #refusal: string | undefined;
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
    // Channels know no databases, so keys and channels of all but the first carry the number.
    const database = parseRedisUrl(url);
    this.keys = createKeys(database === 0 ? prefix : `${prefix}${database}:`);
    const connectMs = 2 * commandMs;
    this.#connection = new RedisConnection({
      url,
      connectMs,
      prepare: (client) => this.#prepare(client),
      up: () => this.#up(),
      down: (error) => this.#down(error),
    });
    this.#listening = new RedisConnection({
      url,
      connectMs,
      prepare: (client) => this.subscriptions.prepare(client),
      up: () => this.#heard(),
      down: (error) => this.#deaf(error),
    });
    const now = (): number => performance.now();
    this.commands = new Commands({
      connection: this.#connection,
      url,
      commandMs,
      logLength,
      now,
      // Asked for with each call, so it must cost nothing.
      createEpoch: () => this.createOp(),
      refused: (reason) => this.trouble(reason),
    });
    const { commands, keys } = this;
    this.#presence = new Presence({ commands, keys, leaseMs, beatMs, keepRoomMs, createOp: () => this.createOp(), now });
    this.#beat = setInterval(() => void this.beat(), beatMs);
  }

  /** Begins to connect, in the background. */
  open(): void {
    this.#connection.open();
    this.#listening.open();
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

  async #prepare(client: Client): Promise<void> {
    const { live, dead, format } = this.keys;
    const server = await inspectServer(client, format);
    await Promise.all(Object.values(scripts).map(({ text }) => client.sendCommand(["SCRIPT", "LOAD", text])));
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
    this.commands.use(client, server, Number(reply[1]));
    this.#presence.heard(this.#node, reply);
  }

  #up(): void {
    this.#refusal = undefined;
    this.#updateStatus();
    this.commands.announce();
    this.#options.restored();
  }

  #down(error: unknown): void {
    this.commands.drop();
    this.#refusal = explainRedisError(error, this.#options.url);
    this.#updateStatus();
  }

  #heard(): void {
    this.#isListening = true;
    this.#updateStatus();
    this.#options.restored();
  }

  #deaf(error: unknown): void {
    this.#isListening = false;
    this.subscriptions.down();
    this.#updateStatus(explainRedisError(error, this.#options.url));
  }

  #updateStatus(listeningTrouble = "not listening to Redis yet"): void {
    if (this.#isClosed) return;
    const isConnected = this.commands.server !== undefined;
    const reason = this.#refusal ?? (isConnected ? (this.#isListening ? "ok" : listeningTrouble) : "not connected yet");
    const isAvailable = reason === "ok";
    if (reason === this.#status.reason) return;
    this.#status = { isAvailable, reason };
    this.#options.onStatus?.(isAvailable, reason);
  }

  /** The beat is the health check too: it is refused where an append would be. */
  async beat(): Promise<void> {
    this.#pingListening();
    const { live, dead } = this.keys;
    const sentAt = performance.now();
    try {
      const reply = await this.commands.call("beat", [live, dead], [this.#node, "0"]);
      if (this.#isClosed) return;
      if (reply[0] === "gone") {
        this.#connection.replace("Redis has forgotten this node");
        return this.#beginAnew();
      }
      this.#leaseUntilMs = sentAt + this.#options.leaseMs;
      this.commands.tune(Number(reply[1]));
      this.#presence.heard(this.#node, reply);
      this.#refusal = undefined;
      this.#options.beaten();
    } catch (error) {
      this.#refusal = (error as Error).message;
    }
    this.#updateStatus();
  }

  /** A half-open connection says nothing by itself. */
  #pingListening(): void {
    const client = this.#listening.client;
    if (client === undefined) return;
    const giveUp = (): void => {
      if (this.#listening.client === client) this.#listening.replace("Redis does not answer");
    };
    const timer = setTimeout(giveUp, 2 * this.#options.commandMs);
    const settle = (): void => clearTimeout(timer);
    client.ping().then(settle, settle);
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
    this.#connection.close();
    this.#listening.close();
  }
}

function createName(): string {
  return randomBytes(9).toString("base64url");
}
