// Runs Lua scripts and plain commands on one Redis process. Redis itself checks each deadline, so a call that was given up cannot take effect later.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { HubUnavailable, HubUncertain } from "../hub.ts";
import type { RedisConnection } from "./connection.ts";
import { type Client, explainRedisError, type ServerInfo } from "./server.ts";

/** A status word, then the values that the script's head comment lists. */
export type Reply = readonly [string, ...unknown[]];

/** The scripts and their Redis flags. A script that writes little or frees memory may run while Redis is out of memory. */
const flags = {
  publish: "",
  join: "",
  attach: "",
  "check-user": "",
  // Health checks: they must fail where an append would fail.
  heartbeat: "",
  clock: "",
  leave: " flags=allow-oom",
  read: " flags=allow-oom",
  "expire-node": " flags=allow-oom",
} as const;

export type ScriptName = keyof typeof flags;

const readScript = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), "utf8");

/** Each script with common.lua in front. */
export const scripts = Object.fromEntries(
  Object.entries(flags).map(([name, flag]) => {
    // With the shebang, Redis rejects the whole call, not only its first write, on a replica or when out of memory.
    const text = `#!lua${flag}\n${readScript("common")}${readScript(name)}`;
    return [name, { text, sha: createHash("sha1").update(text).digest("hex") }];
  }),
) as Record<ScriptName, { readonly text: string; readonly sha: string }>;

/** Runs a script by its SHA-1, or by its text where Redis does not know it. */
export async function runScript(client: Client, name: ScriptName, rest: readonly string[]): Promise<Reply> {
  const { sha, text } = scripts[name];
  try {
    return (await client.sendCommand<unknown>(["EVALSHA", sha, ...rest])) as Reply;
  } catch (error) {
    if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
    return (await client.sendCommand<unknown>(["EVAL", text, ...rest])) as Reply;
  }
}

const processName = randomBytes(9).toString("base64url");
let idsMade = 0;
/** A name that no operation and no epoch has had. Cheap, because each call carries one. */
export const createId = (): string => `${processName}.${(idsMade++).toString(36)}`;

interface Target {
  readonly client: Client;
  readonly server: ServerInfo;
  /** Redis' clock minus ours in ms, or slightly less. */
  clockOffsetMs: number;
}

/** The connection broke before the answer came. */
class AnswerLost extends HubUncertain {
  /** Resolves with true once there is another connection to the same Redis. */
  readonly reconnected: () => Promise<boolean>;
  constructor(reconnected: () => Promise<boolean>) {
    super("the connection to Redis broke before it answered");
    this.reconnected = reconnected;
  }
}

/**
 * Runs `attempt`, and once more on the next connection when the answer was lost. `isRetry` lets the script detect that the first attempt took effect.
 * @throws HubUnavailable or HubUncertain
 */
export async function callOnce<T>(attempt: (isRetry: boolean) => Promise<T>): Promise<T> {
  try {
    return await attempt(false);
  } catch (error) {
    if (!(error instanceof AnswerLost) || !(await error.reconnected())) throw error;
    try {
      return await attempt(true);
    } catch (second) {
      // The retry was rejected, but the outcome of the first attempt is still unknown.
      throw second instanceof HubUnavailable ? error : second;
    }
  }
}

const maxWaiters = 10_000;

export interface CommandsOptions {
  readonly connection: RedisConnection;
  readonly url: string;
  /** How long after sending a call may still run, in ms. Twice that without any answer ends the connection. */
  readonly commandMs: number;
  readonly logLength: number;
  /** Redis rejected a command for a reason that affects other commands too. */
  onRejected(reason: string): void;
}

export class Commands {
  readonly #options: CommandsOptions;
  #target: Target | undefined;
  #inFlight = 0;
  #lastAnswerMs = 0;
  readonly #watchdog: NodeJS.Timeout;
  #waiters: ((isReconnected: boolean) => void)[] = [];

  constructor(options: CommandsOptions) {
    this.#options = options;
    this.#watchdog = setInterval(() => this.#checkAnswers(), Math.max(20, options.commandMs / 8));
    this.#watchdog.unref();
  }

  get server(): ServerInfo | undefined {
    return this.#target?.server;
  }

  /** Sends calls to this client from now on. @param redisMs Redis' clock now, or slightly earlier */
  useClient(client: Client, server: ServerInfo, redisMs: number): void {
    this.#target = { client, server, clockOffsetMs: redisMs - performance.now() };
    this.#inFlight = 0;
  }

  syncClock(redisMs: number): void {
    if (this.#target !== undefined) this.#target.clockOffsetMs = redisMs - performance.now();
  }

  /** The hub is ready again: lets pending retries go on. */
  resumeRetries(): void {
    for (const resume of this.#waiters.splice(0)) resume(true);
  }

  dropClient(): void {
    this.#target = undefined;
  }

  /**
   * Runs a script.
   * @param logLength events that the log keeps, where the script appends one
   * @throws HubUnavailable when it certainly had no effect, HubUncertain when that is unknown
   */
  async call(
    name: ScriptName,
    keys: readonly string[],
    args: readonly string[],
    logLength = this.#options.logLength,
  ): Promise<Reply> {
    const { commandMs, connection } = this.#options;
    const target = this.#target;
    if (target === undefined || connection.client !== target.client || !target.client.isReady) {
      throw new HubUnavailable("Redis is away");
    }
    const deadlineMs = Math.floor(performance.now() + commandMs + target.clockOffsetMs);
    const { runId, isDurable } = target.server;
    const common = [`${deadlineMs}`, runId, isDurable ? "1" : "0", createId(), `${logLength}`];
    if (this.#inFlight++ === 0) this.#lastAnswerMs = performance.now();
    try {
      const reply = await runScript(target.client, name, [`${keys.length}`, ...keys, ...common, ...args]);
      if (reply[0] === "late") throw new HubUnavailable("Redis took too long");
      return reply;
    } catch (error) {
      throw this.#translate(error);
    } finally {
      if (this.#target === target) {
        this.#inFlight--;
        this.#lastAnswerMs = performance.now();
      }
    }
  }

  /**
   * Sends a plain command that may be repeated without harm.
   * @throws HubUnavailable or HubUncertain
   */
  async send(args: readonly string[]): Promise<unknown> {
    const { client } = this.#options.connection;
    if (client === undefined || this.#target?.client !== client) throw new HubUnavailable("Redis is away");
    try {
      return await client.sendCommand<unknown>([...args]);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  #reconnected(): Promise<boolean> {
    if (this.#waiters.length >= maxWaiters) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((waiter) => waiter !== settle);
        resolve(false);
      }, this.#options.commandMs);
      const settle = (isReconnected: boolean): void => {
        clearTimeout(timer);
        resolve(isReconnected);
      };
      this.#waiters.push(settle);
    });
  }

  #translate(error: unknown): Error {
    if (error instanceof HubUnavailable) return error;
    const message = error instanceof Error ? error.message : String(error);
    // node-redis rejected it before writing to the socket.
    if (/client is (offline|closed)|queue is full/i.test(message)) return new HubUnavailable("Redis is away");
    if (/^[A-Z]{2,}\b/.test(message)) {
      const reason = explainRedisError(error, this.#options.url);
      this.#options.onRejected(reason);
      return new HubUnavailable(reason);
    }
    return new AnswerLost(() => this.#reconnected());
  }

  #checkAnswers(): void {
    if (this.#inFlight === 0 || this.#target === undefined) return;
    if (performance.now() - this.#lastAnswerMs < 2 * this.#options.commandMs) return;
    this.#inFlight = 0;
    this.#options.connection.replace("Redis does not answer");
  }

  close(): void {
    clearInterval(this.#watchdog);
    for (const resume of this.#waiters.splice(0)) resume(false);
  }
}
