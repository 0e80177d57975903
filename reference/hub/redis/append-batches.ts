// Appends messages to logs: those of one turn of the event loop in one call for each log.
import { callOnce, createId, type Reply } from "./commands.ts";
import type { RoomKeys } from "./keys.ts";
import type { Shards } from "./shards.ts";

/** What the messages of one call have in common. */
export interface Log {
  /** null: the broadcast log, or an inbox. */
  readonly room: string | null;
  readonly keys: RoomKeys;
  /** m message, i direct message in an inbox. */
  readonly kind: "m" | "i";
  /** How long it is kept without members, in ms; 0: for ever. */
  readonly keepMs: number;
  /** Events that it keeps. */
  readonly length: number;
}

export interface Message {
  /** JSON. */
  readonly body: string;
  /** The connection that must be a member, or the empty string. */
  readonly member: string;
  /** The Redis key of its idempotency key; also where it has none. */
  readonly keyName: string;
  /** How long its idempotency key is remembered, in ms; 0: it has none. */
  readonly keepKeyMs: number;
  /** The Redis key of the user's rate; undefined where the rate was consumed before. */
  readonly rateName: string | undefined;
}

/** A message and who waits for its reply. */
class Waiting {
  readonly message: Message;
  readonly operation = createId();
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;

  constructor(message: Message, resolve: (reply: Reply) => void, reject: (error: unknown) => void) {
    this.message = message;
    this.resolve = resolve;
    this.reject = reject;
  }
}

/** Redis does nothing else during a call. */
const maxMessages = 64;
const maxCharacters = 262_144;

class Batch {
  readonly log: Log;
  readonly isRated: boolean;
  readonly waiting: Waiting[] = [];
  #characters = 0;
  readonly #keyNames = new Set<string>();

  constructor(log: Log, isRated: boolean) {
    this.log = log;
    this.isRated = isRated;
  }

  /** The script looks at all idempotency keys first, and a retry at what the log still keeps. */
  takes({ body, keyName, keepKeyMs }: Message): boolean {
    if (this.waiting.length >= Math.min(maxMessages, this.log.length)) return false;
    if (this.#characters + body.length > maxCharacters) return false;
    return keepKeyMs === 0 || !this.#keyNames.has(keyName);
  }

  add(one: Waiting): void {
    this.waiting.push(one);
    const { body, keyName, keepKeyMs } = one.message;
    this.#characters += body.length;
    if (keepKeyMs > 0) this.#keyNames.add(keyName);
  }
}

export class AppendBatches {
  readonly #shards: Shards;
  readonly #rate: readonly [burst: string, perSecond: string];
  /** Those of this turn, by the log and whether the rates were consumed before. */
  readonly #open = new Map<string, Batch>();

  constructor(shards: Shards, rate: { readonly burst: number; readonly perSecond: number }) {
    this.#shards = shards;
    this.#rate = [`${rate.burst}`, `${rate.perSecond}`];
  }

  /**
   * Resolves with the message's part of the reply of publish.lua.
   * @throws HubUnavailable or HubUncertain
   */
  append(log: Log, message: Message): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const isRated = message.rateName === undefined;
      const id = `${isRated} ${log.keys.meta}`;
      let batch = this.#open.get(id);
      if (batch?.takes(message) === false) {
        void this.#send(batch);
        batch = undefined;
      }
      if (batch === undefined) {
        if (this.#open.size === 0) setImmediate(() => this.#sendAll());
        batch = new Batch(log, isRated);
        this.#open.set(id, batch);
      }
      batch.add(new Waiting(message, resolve, reject));
    });
  }

  #sendAll(): void {
    const batches = [...this.#open.values()];
    this.#open.clear();
    for (const batch of batches) void this.#send(batch);
  }

  async #send({ log, isRated, waiting }: Batch): Promise<void> {
    const { meta, stream, members } = log.keys;
    const keys = [meta, stream, members];
    const each: string[] = [];
    for (const { operation, message } of waiting) {
      keys.push(message.keyName);
      if (message.rateName !== undefined) keys.push(message.rateName);
      each.push(operation, message.body, message.member, `${message.keepKeyMs}`);
    }
    const kept = [`${log.keepMs}`, isRated ? "1" : "0", log.kind, log.room ?? ""];
    try {
      const [, ...replies] = await callOnce((isRetry) =>
        this.#shards.call("publish", keys, [...this.#rate, isRetry ? "1" : "0", ...kept, ...each], log.length),
      );
      for (const [at, { resolve }] of waiting.entries()) resolve(replies[at] as Reply);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
