// Calls of scripts with a deadline that Redis itself observes, so that what was given up cannot happen afterwards.
import { HubUnavailable, HubUncertain } from "../hub.ts";
import type { RedisConnection } from "./connection.ts";
import { type ScriptName, scripts } from "./scripts.ts";
import { type Client, explainRedisError, type Server } from "./server.ts";

/** What a script gives: a word, then what its head comment says. */
export type Reply = readonly [string, ...unknown[]];

/** This connection's Redis: the one process, and its clock. */
interface Peer {
  readonly client: Client;
  readonly server: Server;
  /** Redis' clock is ahead of ours by at least so many ms. */
  aheadMs: number;
}

export interface CommandsOptions {
  readonly connection: RedisConnection;
  readonly url: string;
  /** How long after it was sent a call may still run, in ms. After twice that time without any answer the connection is given up. */
  readonly commandMs: number;
  readonly logLength: number;
  /** Ours, monotonic, in ms. */
  now(): number;
  /** A name that no epoch has had. */
  createEpoch(): string;
  /** A command was refused for a reason that concerns more than this call. */
  refused(reason: string): void;
}

/** The connection broke before the answer came. */
class AnswerLost extends HubUncertain {
  /** Whether there is soon another connection to the same Redis. */
  readonly comesBack: () => Promise<boolean>;
  constructor(comesBack: () => Promise<boolean>) {
    super("the connection to Redis broke before it answered");
    this.comesBack = comesBack;
  }
}

/**
 * Calls that are repeated on the next connection where an answer was lost; `isRetry` lets them find out whether the first try got through.
 * @throws HubUnavailable or HubUncertain
 */
export async function callOnce<T>(attempt: (isRetry: boolean) => Promise<T>): Promise<T> {
  try {
    return await attempt(false);
  } catch (error) {
    if (!(error instanceof AnswerLost) || !(await error.comesBack())) throw error;
    try {
      return await attempt(true);
    } catch (second) {
      // The second try was refused, but of the first nothing is known still.
      throw second instanceof HubUnavailable ? error : second;
    }
  }
}

export class Commands {
  readonly #options: CommandsOptions;
  #peer: Peer | undefined;
  #underWay = 0;
  #lastAnswerAt = 0;
  readonly #watchdog: NodeJS.Timeout;
  #waiting: ((isUp: boolean) => void)[] = [];

  constructor(options: CommandsOptions) {
    this.#options = options;
    this.#watchdog = setInterval(() => this.#watch(), Math.max(20, options.commandMs / 8));
    this.#watchdog.unref();
  }

  get server(): Server | undefined {
    return this.#peer?.server;
  }

  /** The calls go to this client from now on; `redisMs` was its clock when ours was `now`, or a little earlier. */
  use(client: Client, server: Server, redisMs: number): void {
    this.#peer = { client, server, aheadMs: redisMs - this.#options.now() };
    this.#underWay = 0;
  }

  tune(redisMs: number): void {
    if (this.#peer !== undefined) this.#peer.aheadMs = redisMs - this.#options.now();
  }

  /** The hub is ready: whoever waits for a second try goes on. */
  announce(): void {
    for (const resume of this.#waiting.splice(0)) resume(true);
  }

  drop(): void {
    this.#peer = undefined;
  }

  /**
   * Runs a script.
   * @param logLength how many events of the log are kept, where the script appends one
   * @throws HubUnavailable when it certainly had no effect, HubUncertain when nobody can say
   */
  async call(
    name: ScriptName,
    keys: readonly string[],
    args: readonly string[],
    logLength = this.#options.logLength,
  ): Promise<Reply> {
    const { now, commandMs, createEpoch } = this.#options;
    const peer = this.#peer;
    if (peer === undefined || this.#options.connection.client !== peer.client || !peer.client.isReady) {
      throw new HubUnavailable("Redis is away");
    }
    const deadline = Math.floor(now() + commandMs + peer.aheadMs);
    const { runId, isDurable } = peer.server;
    const rest = [`${keys.length}`, ...keys, `${deadline}`, runId, isDurable ? "1" : "0", createEpoch(), `${logLength}`, ...args];
    if (this.#underWay++ === 0) this.#lastAnswerAt = now();
    try {
      const reply = await run(peer.client, name, rest);
      if (reply[0] === "late") throw new HubUnavailable("Redis took too long");
      return reply;
    } catch (error) {
      throw this.#translate(error);
    } finally {
      if (this.#peer === peer) {
        this.#underWay--;
        this.#lastAnswerAt = now();
      }
    }
  }

  /**
   * Sends a plain command, one that may be repeated without harm.
   * @throws HubUnavailable or HubUncertain
   */
  async send(args: readonly string[]): Promise<unknown> {
    const client = this.#options.connection.client;
    if (client === undefined || this.#peer?.client !== client) throw new HubUnavailable("Redis is away");
    try {
      return await client.sendCommand<unknown>([...args]);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  #comesBack(): Promise<boolean> {
    if (this.#waiting.length >= 10_000) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((waiter) => waiter !== settle);
        resolve(false);
      }, this.#options.commandMs);
      const settle = (isUp: boolean): void => {
        clearTimeout(timer);
        resolve(isUp);
      };
      this.#waiting.push(settle);
    });
  }

  #translate(error: unknown): Error {
    if (error instanceof HubUnavailable) return error;
    const message = error instanceof Error ? error.message : String(error);
    // Refused before it was written to the socket.
    if (/client is (offline|closed)|queue is full/i.test(message)) return new HubUnavailable("Redis is away");
    if (/^[A-Z]{2,}\b/.test(message)) {
      const reason = explainRedisError(error, this.#options.url);
      this.#options.refused(reason);
      return new HubUnavailable(reason);
    }
    return new AnswerLost(() => this.#comesBack());
  }

  #watch(): void {
    if (this.#underWay === 0 || this.#peer === undefined) return;
    if (this.#options.now() - this.#lastAnswerAt < 2 * this.#options.commandMs) return;
    this.#underWay = 0;
    this.#options.connection.replace("Redis does not answer");
  }

  close(): void {
    clearInterval(this.#watchdog);
    for (const resume of this.#waiting.splice(0)) resume(false);
  }
}

/** By its SHA-1; with its text where Redis has forgotten it. */
export async function run(client: Client, name: ScriptName, rest: readonly string[]): Promise<Reply> {
  const { sha, text } = scripts[name];
  try {
    return (await client.sendCommand<unknown>(["EVALSHA", sha, ...rest])) as Reply;
  } catch (error) {
    if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
    return (await client.sendCommand<unknown>(["EVAL", text, ...rest])) as Reply;
  }
}
