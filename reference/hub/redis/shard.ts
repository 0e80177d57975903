// One Redis process: a connection for commands, one for listening, and whether both are well. A Redis that is no Cluster is one shard.
import { Commands } from "./commands.ts";
import { RedisConnection } from "./connection.ts";
import { scripts } from "./scripts.ts";
import { type Client, explainRedisError, inspectServer, type Server } from "./server.ts";

export interface ShardOptions {
  readonly url: string;
  readonly commandMs: number;
  readonly logLength: number;
  now(): number;
  createEpoch(): string;
  /** Where this process has that key: the key under which it says who made its data. */
  formatKey(): string | undefined;
  /** Says on a fresh connection that the node lives, where that is noted here. @returns Redis' clock, in ms */
  greet(client: Client, server: Server): Promise<number>;
  /** Subscribes a fresh connection to all channels of this shard. */
  subscribe(client: Client): Promise<void>;
  /** The listening connection is lost. */
  deaf(): void;
  /** Commands pass again, or channels are heard again. */
  restored(): void;
  /** It was started again, and may have lost what it was told. */
  forgot(): void;
  /** A command was refused for a reason that concerns more than itself. */
  refused(reason: string): void;
  /** `trouble` may be another. */
  changed(): void;
}

export class Shard {
  readonly url: string;
  readonly commands: Commands;
  readonly #options: ShardOptions;
  readonly #connection: RedisConnection;
  readonly #listening: RedisConnection;
  #runId: string | undefined;
  #hasForgotten = false;
  #refusal: string | undefined;
  #deafness: string | undefined = "not listening to Redis yet";
  #listener: Client | undefined;
  readonly #untried = new Set<"commands" | "listening">(["commands", "listening"]);

  constructor(options: ShardOptions) {
    this.#options = options;
    const { url, commandMs, logLength, now, createEpoch, refused } = options;
    this.url = url;
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
      prepare: (client) => this.#prepareListening(client),
      up: () => this.#heard(),
      down: (error) => this.#deaf(error),
    });
    this.commands = new Commands({ connection: this.#connection, url, commandMs, logLength, now, createEpoch, refused });
  }

  /** Begins to connect, in the background. */
  open(): void {
    this.#connection.open();
    this.#listening.open();
  }

  /** Why it cannot be used; undefined where it can. */
  get trouble(): string | undefined {
    return this.#refusal ?? (this.commands.server === undefined ? "not connected yet" : this.#deafness);
  }

  /** It is not known yet whether it can be used. */
  get isUntried(): boolean {
    return this.#untried.size > 0;
  }

  /** The client that listens or is about to, where there is one. */
  get listener(): Client | undefined {
    return this.#listener;
  }

  async #prepare(client: Client): Promise<void> {
    const server = await inspectServer(client, this.#options.formatKey());
    await Promise.all(Object.values(scripts).map(({ text }) => client.sendCommand(["SCRIPT", "LOAD", text])));
    const redisMs = await this.#options.greet(client, server);
    this.#hasForgotten ||= this.#runId !== undefined && this.#runId !== server.runId && !server.isDurable;
    this.#runId = server.runId;
    this.commands.use(client, server, redisMs);
  }

  #up(): void {
    this.#untried.delete("commands");
    this.refuse(undefined);
    this.#options.changed();
    this.commands.announce();
    if (this.#hasForgotten) this.#options.forgot();
    this.#hasForgotten = false;
    this.#options.restored();
  }

  #down(error: unknown): void {
    this.#untried.delete("commands");
    this.commands.drop();
    this.refuse(explainRedisError(error, this.url));
  }

  async #prepareListening(client: Client): Promise<void> {
    this.#listener = client;
    // Its slot has gone to another process, which will be found anew; until then nothing is heard here.
    client.on("sharded-channel-moved", () => this.#listening.replace("a slot of the Redis Cluster has moved"));
    await this.#options.subscribe(client);
  }

  #heard(): void {
    this.#untried.delete("listening");
    this.#deafness = undefined;
    this.#options.changed();
    this.#options.restored();
  }

  #deaf(error: unknown): void {
    this.#untried.delete("listening");
    this.#listener = undefined;
    this.#deafness = explainRedisError(error, this.url);
    this.#options.deaf();
    this.#options.changed();
  }

  /** It answers, but refuses what it is there for; undefined: not any more. */
  refuse(reason: string | undefined): void {
    this.#refusal = reason;
    this.#options.changed();
  }

  /** Gives up the connection for commands. */
  replace(reason: string): void {
    this.#connection.replace(reason);
  }

  /** Asks for the clock, and whether an append would pass. */
  async tick(): Promise<void> {
    if (this.commands.server === undefined) return;
    try {
      const reply = await this.commands.call("tick", [], []);
      this.commands.tune(Number(reply[1]));
      this.refuse(undefined);
    } catch (error) {
      if (this.commands.server !== undefined) this.refuse((error as Error).message);
    }
  }

  /** A half-open connection says nothing by itself. */
  pingListening(): void {
    const client = this.#listening.client;
    if (client === undefined) return;
    const giveUp = (): void => {
      if (this.#listening.client === client) this.#listening.replace("Redis does not answer");
    };
    const timer = setTimeout(giveUp, 2 * this.#options.commandMs);
    const settle = (): void => clearTimeout(timer);
    client.ping().then(settle, settle);
  }

  close(): void {
    this.commands.close();
    this.#connection.close();
    this.#listening.close();
  }
}
