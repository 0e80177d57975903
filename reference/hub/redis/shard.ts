// One Redis process: a connection for commands, a connection for subscriptions, and whether both work. A Redis that is no Cluster is one shard.
import { Commands, type Reply, type ScriptName, scripts } from "./commands.ts";
import { RedisConnection } from "./connection.ts";
import { type Client, explainRedisError, inspectServer, type ServerInfo } from "./server.ts";

/** What a shard tells its node. Declared here only; every layer passes the same object on. */
export interface ShardEvents {
  /** The key that names who made the data, where this shard has it. */
  formatKeyOn(shard: Shard): string | undefined;
  /** Registers the node on a fresh connection. @returns Redis' clock, in ms */
  register(shard: Shard, client: Client, server: ServerInfo): Promise<number>;
  /** Subscribes a fresh connection to all channels of the shard. */
  subscribe(shard: Shard, client: Client): Promise<void>;
  onSubscriptionLost(shard: Shard): void;
  /** Commands or subscriptions work again. */
  onRestored(): void;
  /** The process was restarted and may have lost data. */
  onDataLost(shard: Shard): void;
  /** A command was rejected for a reason that affects other commands too. */
  onRejected(reason: string): void;
  /** `problem` of a shard may have changed. */
  onStatusChange(): void;
}

export interface ShardSettings {
  readonly commandMs: number;
  readonly logLength: number;
}

export class Shard {
  readonly url: string;
  readonly #settings: ShardSettings;
  readonly #events: ShardEvents;
  readonly #commands: Commands;
  readonly #connection: RedisConnection;
  readonly #subscriber: RedisConnection;
  #runId: string | undefined;
  #hasLostData = false;
  #rejection: string | undefined;
  #subscriptionProblem: string | undefined = "not subscribed to Redis yet";
  #subscriberClient: Client | undefined;
  readonly #untried = new Set<"commands" | "subscriptions">(["commands", "subscriptions"]);

  constructor(url: string, settings: ShardSettings, events: ShardEvents) {
    this.url = url;
    this.#settings = settings;
    this.#events = events;
    const connectMs = 2 * settings.commandMs;
    this.#connection = new RedisConnection({
      url,
      connectMs,
      prepare: (client) => this.#prepareCommands(client),
      onUp: () => this.#commandsUp(),
      onDown: (error) => this.#commandsDown(error),
    });
    this.#subscriber = new RedisConnection({
      url,
      connectMs,
      prepare: (client) => this.#prepareSubscriptions(client),
      onUp: () => this.#subscriptionsUp(),
      onDown: (error) => this.#subscriptionsDown(error),
    });
    this.#commands = new Commands({ connection: this.#connection, url, ...settings, onRejected: events.onRejected });
  }

  /** Connects in the background. */
  open(): void {
    this.#connection.open();
    this.#subscriber.open();
  }

  /** Whether commands can be sent. */
  get isConnected(): boolean {
    return this.#commands.server !== undefined;
  }

  /** Why it cannot be used; undefined where it can. */
  get problem(): string | undefined {
    return this.#rejection ?? (this.isConnected ? this.#subscriptionProblem : "not connected yet");
  }

  /** Whether the first attempt to connect is still under way. */
  get isUntried(): boolean {
    return this.#untried.size > 0;
  }

  /** The client for subscriptions, once it is connecting. */
  get subscriberClient(): Client | undefined {
    return this.#subscriberClient;
  }

  /** As Commands.call. */
  call(name: ScriptName, keys: readonly string[], args: readonly string[], logLength?: number): Promise<Reply> {
    return this.#commands.call(name, keys, args, logLength);
  }

  /** As Commands.send. */
  send(args: readonly string[]): Promise<unknown> {
    return this.#commands.send(args);
  }

  async #prepareCommands(client: Client): Promise<void> {
    const server = await inspectServer(client, this.#events.formatKeyOn(this));
    await Promise.all(Object.values(scripts).map(({ text }) => client.sendCommand(["SCRIPT", "LOAD", text])));
    const redisMs = await this.#events.register(this, client, server);
    this.#hasLostData ||= this.#runId !== undefined && this.#runId !== server.runId && !server.isDurable;
    this.#runId = server.runId;
    this.#commands.useClient(client, server, redisMs);
  }

  #commandsUp(): void {
    this.#untried.delete("commands");
    this.setRejection(undefined);
    this.#commands.resumeRetries();
    if (this.#hasLostData) this.#events.onDataLost(this);
    this.#hasLostData = false;
    this.#events.onRestored();
  }

  #commandsDown(error: unknown): void {
    this.#untried.delete("commands");
    this.#commands.dropClient();
    this.setRejection(explainRedisError(error, this.url));
  }

  async #prepareSubscriptions(client: Client): Promise<void> {
    this.#subscriberClient = client;
    // A slot has moved to another process. The channel is found again there; until then nothing arrives here.
    client.on("sharded-channel-moved", () => this.#subscriber.replace("a slot of the Redis Cluster has moved"));
    await this.#events.subscribe(this, client);
  }

  #subscriptionsUp(): void {
    this.#untried.delete("subscriptions");
    this.#subscriptionProblem = undefined;
    this.#events.onStatusChange();
    this.#events.onRestored();
  }

  #subscriptionsDown(error: unknown): void {
    this.#untried.delete("subscriptions");
    this.#subscriberClient = undefined;
    this.#subscriptionProblem = explainRedisError(error, this.url);
    this.#events.onSubscriptionLost(this);
    this.#events.onStatusChange();
  }

  /** @param reason why it answers but rejects appends; undefined: it accepts them */
  setRejection(reason: string | undefined): void {
    this.#rejection = reason;
    this.#events.onStatusChange();
  }

  /** Replaces the connection for commands. */
  replace(reason: string): void {
    this.#connection.replace(reason);
  }

  syncClock(redisMs: number): void {
    this.#commands.syncClock(redisMs);
  }

  /** Reads the clock, and learns whether an append would be accepted. */
  async checkHealth(): Promise<void> {
    if (!this.isConnected) return;
    try {
      const reply = await this.call("clock", [], []);
      this.syncClock(Number(reply[1]));
      this.setRejection(undefined);
    } catch (error) {
      if (this.isConnected) this.setRejection((error as Error).message);
    }
  }

  /** Pings the subscriber connection, because a half-open one reports nothing by itself. */
  pingSubscriber(): void {
    const { client } = this.#subscriber;
    if (client === undefined) return;
    const giveUp = (): void => {
      if (this.#subscriber.client === client) this.#subscriber.replace("Redis does not answer");
    };
    const timer = setTimeout(giveUp, 2 * this.#settings.commandMs);
    const settle = (): void => clearTimeout(timer);
    client.ping().then(settle, settle);
  }

  close(): void {
    this.#commands.close();
    this.#connection.close();
    this.#subscriber.close();
  }
}
