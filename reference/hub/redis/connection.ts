// One connection to Redis that is made anew, with a new client, whenever it breaks.
import { createClient } from "redis";
import type { Client } from "./server.ts";

export interface ConnectionOptions {
  readonly url: string;
  /** How long the connection and its preparation may take, in ms. */
  readonly connectMs: number;
  /** Makes a fresh connection usable; where it throws, the connection is tried again. */
  prepare(client: Client): Promise<void>;
  /** The prepared connection is in use. */
  up(): void;
  /** Called when a usable connection was lost, and each time that one could not be made. */
  down(error: unknown): void;
}

const firstWaitMs = 25;
const longestWaitMs = 1_000;

/** A client that lives as long as its one connection. @param connectMs how long the connection may take, in ms */
export function createRedisClient(url: string, connectMs: number): Client {
  return createClient({
    url,
    // Nothing waits for a connection that may never come.
    disableOfflineQueue: true,
    // A deadline of its own for each command, an AbortSignal, costs more than all the rest; ours are elsewhere.
    commandOptions: { timeout: 0 },
    commandsQueueMaxLength: 50_000,
    maintNotifications: "disabled",
    socket: { reconnectStrategy: false, connectTimeout: connectMs },
  }) as unknown as Client;
}

/** @throws Error that says so, where it takes longer */
export async function withinMs<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("Connection timeout")), ms);
  });
  // It may still reject after the timeout has won.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * node-redis can reconnect by itself, but then a half-open connection is never given up and nothing tells one server process from the next.
 * So here a client lives as long as its connection, its queue ends with it, and what was under way is rejected.
 */
export class RedisConnection {
  readonly #options: ConnectionOptions;
  #client: Client | undefined;
  #making: Client | undefined;
  #isClosed = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Undefined while there is none that is usable. */
  get client(): Client | undefined {
    return this.#client;
  }

  open(): void {
    void this.#make();
  }

  async #make(): Promise<void> {
    if (this.#isClosed) return;
    let client: Client | undefined;
    const { url, connectMs, prepare } = this.#options;
    try {
      const made = createRedisClient(url, connectMs);
      client = made;
      this.#making = made;
      made.on("error", (error) => this.#lost(made, error));
      await withinMs(
        connectMs,
        made.connect().then(() => prepare(made)),
      );
      if (this.#isClosed) return made.destroy();
      if (!made.isReady) throw new Error("Socket closed unexpectedly");
      this.#client = made;
      this.#failures = 0;
      this.#options.up();
    } catch (error) {
      client?.destroy();
      this.#options.down(error);
      this.#again();
    } finally {
      this.#making = undefined;
    }
  }

  #lost(client: Client, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.destroy();
    this.#options.down(error);
    this.#again();
  }

  #again(): void {
    if (this.#isClosed) return;
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** this.#failures++);
    // Half of it at random, so that many nodes do not come back at once.
    this.#timer = setTimeout(() => void this.#make(), waitMs / 2 + (Math.random() * waitMs) / 2);
  }

  /** Gives up a connection that does not answer. */
  replace(reason: string): void {
    if (this.#client !== undefined) this.#lost(this.#client, new Error(reason));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#making?.destroy();
    this.#client?.destroy();
    this.#client = undefined;
  }
}
