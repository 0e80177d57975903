// One connection to Redis. Whenever it breaks, a new client replaces it.
import { createClient } from "redis";
import type { Client } from "./server.ts";

export interface ConnectionOptions {
  readonly url: string;
  /** How long connecting and preparing may take, in ms. */
  readonly connectMs: number;
  /** Makes a fresh connection usable. When it throws, the connection is made again. */
  prepare(client: Client): Promise<void>;
  /** The prepared connection is in use. */
  onUp(): void;
  /** A usable connection was lost, or an attempt to make one failed. */
  onDown(error: unknown): void;
}

const firstWaitMs = 25;
const maxWaitMs = 1_000;

/** A client that lives as long as its one connection. @param connectMs how long connecting may take, in ms */
export function createRedisClient(url: string, connectMs: number): Client {
  return createClient({
    url,
    // Nothing waits for a connection that may never come.
    disableOfflineQueue: true,
    // node-redis makes an AbortSignal per command for a timeout: that costs more than the rest of the call. commands.ts has the deadlines.
    commandOptions: { timeout: 0 },
    commandsQueueMaxLength: 50_000,
    maintNotifications: "disabled",
    socket: { reconnectStrategy: false, connectTimeout: connectMs },
  }) as unknown as Client;
}

/** @throws Error "Connection timeout" when the work takes longer */
export async function withinMs<T>(ms: number, work: Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(ms);
  const timeout = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("Connection timeout")), { once: true });
  });
  // It may still reject after the timeout has won.
  work.catch(() => {});
  return Promise.race([work, timeout]);
}

/**
 * Why not node-redis' own reconnect, or its createCluster: both use a fresh connection before we can inspect the process behind it, so an
 * append could reach a restarted Redis in the old epoch. createCluster's connect() also stays pending while one master is away, and its
 * events do not tell whether the command or the subscriber connection was lost.
 */
export class RedisConnection {
  readonly #options: ConnectionOptions;
  #client: Client | undefined;
  #connecting: Client | undefined;
  #isClosed = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Undefined while there is no usable one. */
  get client(): Client | undefined {
    return this.#client;
  }

  open(): void {
    void this.#connect();
  }

  async #connect(): Promise<void> {
    if (this.#isClosed) return;
    let client: Client | undefined;
    const { url, connectMs, prepare } = this.#options;
    try {
      const created = createRedisClient(url, connectMs);
      client = created;
      this.#connecting = created;
      created.on("error", (error) => this.#lose(created, error));
      await withinMs(
        connectMs,
        created.connect().then(() => prepare(created)),
      );
      if (this.#isClosed) return created.destroy();
      if (!created.isReady) throw new Error("Socket closed unexpectedly");
      this.#client = created;
      this.#failures = 0;
      this.#options.onUp();
    } catch (error) {
      client?.destroy();
      this.#options.onDown(error);
      this.#reconnect();
    } finally {
      this.#connecting = undefined;
    }
  }

  #lose(client: Client, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.destroy();
    this.#options.onDown(error);
    this.#reconnect();
  }

  #reconnect(): void {
    if (this.#isClosed) return;
    const waitMs = Math.min(maxWaitMs, firstWaitMs * 2 ** this.#failures++);
    // Half of the wait is random, so that many nodes do not reconnect at once.
    this.#timer = setTimeout(() => void this.#connect(), waitMs / 2 + (Math.random() * waitMs) / 2);
  }

  /** Replaces a connection that does not answer. */
  replace(reason: string): void {
    if (this.#client !== undefined) this.#lose(this.#client, new Error(reason));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#connecting?.destroy();
    this.#client?.destroy();
    this.#client = undefined;
  }
}
