// Follows one log: delivers each entry once and in order, fills gaps from the stream, and reports where that is impossible.
import type { LogEvent, Member, Publisher } from "../hub.ts";
import { encodeMessage, encodeUserJoined, encodeUserLeft } from "../room-frames.ts";

/** One entry, equal in the stream and on the channel: fields that Redis sets, then the JSON of the publisher. */
export interface LogEntry {
  readonly epoch: string;
  readonly seq: number;
  /** Redis' clock, ms since 1970. */
  readonly atMs: number;
  /** Members after the event. */
  readonly memberCount: number;
  /** m message, j joined, l left, d disconnected, i direct message in a node's inbox. */
  readonly kind: "m" | "j" | "l" | "d" | "i";
  readonly body: Readonly<Record<string, unknown>>;
}

const entryForm = /^(\S{1,64}) (\d{1,16}) (\d{1,16}) (\d{1,9}) ([mjldi]) (\S{1,64}) (\{.*\})$/s;

/** @returns undefined where the text is no entry: anybody with access to Redis can write to a channel */
export function parseEntry(text: string): LogEntry | undefined {
  const found = entryForm.exec(text);
  if (found === null) return undefined;
  const [, epoch = "", seq, atMs, memberCount, kind, , json = ""] = found;
  try {
    return {
      epoch,
      seq: Number(seq),
      atMs: Number(atMs),
      memberCount: Number(memberCount),
      kind: kind as LogEntry["kind"],
      body: JSON.parse(json) as Record<string, unknown>,
    };
  } catch {
    return undefined;
  }
}

/** The event of a room's log (null: of the broadcasts), encoded once for all local receivers. */
export function eventOf(room: string | null, { epoch, seq, atMs, memberCount, kind, body }: LogEntry): LogEvent {
  const position = { room, epoch, seq, dateMs: atMs };
  if (kind === "m") {
    const text = encodeMessage(position, body.from as Publisher, body.content as string);
    return { room, epoch, seq, text, excludeClientId: null };
  }
  const member = body as unknown as Member;
  const text =
    kind === "j"
      ? encodeUserJoined(position, member, memberCount)
      : encodeUserLeft(position, member, memberCount, kind === "l" ? "leave" : "disconnect");
  // The reply tells a connection of its own join and leave.
  return { room, epoch, seq, text, excludeClientId: member.clientId };
}

export interface LogReaderOptions {
  /**
   * Reads entries after the position, oldest first, and the end of the log. "gone": they are not kept any more, or the epoch has ended.
   * Rejects while Redis is away.
   */
  read(epoch: string, seq: number): Promise<{ readonly seq: number; readonly entries: readonly string[] } | "gone">;
  deliver(entry: LogEntry): void;
  /** Entries may have been missed. The reader has no position any more. */
  onLost(): void;
  /** A text that cannot be an entry of this log. */
  onGarbage(): void;
  /** Monotonic, in ms. */
  now(): number;
}

interface Waiter {
  readonly seq: number;
  readonly sinceMs: number;
  resolve(): void;
}

const maxBuffered = 10_000;

export class LogReader {
  readonly #options: LogReaderOptions;
  #position: { epoch: string; seq: number } | undefined;
  /** Entries that arrived before their predecessor. */
  #buffered: LogEntry[] = [];
  /** By seq. */
  #waiters: Waiter[] = [];
  #refilling: Promise<void> | undefined;
  #isBehind = false;
  memberCount = 0;

  constructor(options: LogReaderOptions) {
    this.#options = options;
  }

  get position(): { readonly epoch: string; readonly seq: number } | undefined {
    return this.#position;
  }

  /** Starts to deliver after this position. */
  startAfter(epoch: string, seq: number, memberCount: number): void {
    this.#position = { epoch, seq };
    this.memberCount = memberCount;
    this.#takeBuffered();
  }

  /** Takes a text from the channel. It is delivered only where it is the next entry; everything else is a reason to read the stream. */
  receive(text: string): void {
    const entry = parseEntry(text);
    const at = this.#position;
    if (entry === undefined) this.#options.onGarbage();
    else if (at === undefined || this.#refilling !== undefined) this.#buffer(entry);
    else if (entry.epoch !== at.epoch || entry.seq > at.seq + 1) {
      this.#buffer(entry);
      void this.refill();
    } else if (entry.seq === at.seq + 1) this.#take(entry);
  }

  #buffer(entry: LogEntry): void {
    // Nothing is lost by dropping the buffer, because the stream has all of it.
    if (this.#buffered.length >= maxBuffered) this.#buffered = [];
    this.#buffered.push(entry);
  }

  #take(entry: LogEntry): void {
    this.#position!.seq = entry.seq;
    this.memberCount = entry.memberCount;
    this.#options.deliver(entry);
    while (this.#waiters[0] !== undefined && this.#waiters[0].seq <= entry.seq) this.#waiters.shift()!.resolve();
  }

  #takeBuffered(): void {
    const buffered = this.#buffered;
    this.#buffered = [];
    for (const entry of buffered) {
      const at = this.#position;
      if (at === undefined) return;
      if (entry.epoch === at.epoch && entry.seq === at.seq + 1) this.#take(entry);
      else if (entry.epoch !== at.epoch || entry.seq > at.seq) this.#isBehind = true;
    }
    if (this.#isBehind) void this.refill();
  }

  /** Reads on from the stream; resolves when it has caught up, or cannot now. */
  refill(): Promise<void> {
    if (this.#position === undefined) return Promise.resolve();
    this.#isBehind = true;
    this.#refilling ??= this.#refill().finally(() => {
      this.#refilling = undefined;
      if (!this.#isBehind) this.#takeBuffered();
    });
    return this.#refilling;
  }

  async #refill(): Promise<void> {
    for (;;) {
      const at = this.#position;
      if (at === undefined) return;
      const found = await this.#options.read(at.epoch, at.seq).catch(() => undefined);
      // Redis is away. When it is back, the node refills every reader.
      if (found === undefined) return;
      if (this.#position !== at) continue;
      if (found === "gone") return this.markLost();
      for (const text of found.entries) {
        const entry = parseEntry(text);
        if (entry === undefined || entry.epoch !== at.epoch || entry.seq !== at.seq + 1) {
          this.#options.onGarbage();
          return this.markLost();
        }
        this.#take(entry);
      }
      if (at.seq >= found.seq) {
        this.#isBehind = false;
        return;
      }
    }
  }

  /** Stops reading this epoch. */
  markLost(): void {
    if (this.#position === undefined) return;
    this.#position = undefined;
    this.#isBehind = false;
    this.#buffered = [];
    this.#options.onLost();
    this.releaseWaiters();
  }

  /** Resolves all waiters, because nobody reads on. */
  releaseWaiters(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  /** Resolves when the entry has been delivered, when the epoch is lost or reading ends, or when `checkWaiters` gives up on it. */
  reached(seq: number): Promise<void> {
    if (this.#position === undefined || this.#position.seq >= seq) return Promise.resolve();
    return new Promise((resolve) => {
      let index = this.#waiters.length;
      while (index > 0 && this.#waiters[index - 1]!.seq > seq) index--;
      this.#waiters.splice(index, 0, { seq, sinceMs: this.#options.now(), resolve });
    });
  }

  /** Call it at intervals: refills once a waiter is older than `refillAfterMs`, and resolves waiters that are older than `giveUpAfterMs`. */
  checkWaiters(refillAfterMs: number, giveUpAfterMs: number): void {
    if (this.#waiters.length === 0) return;
    const nowMs = this.#options.now();
    const oldestMs = Math.min(...this.#waiters.map((waiter) => waiter.sinceMs));
    if (nowMs - oldestMs > refillAfterMs && this.#refilling === undefined) void this.refill();
    if (nowMs - oldestMs > giveUpAfterMs) {
      const late = this.#waiters.filter((waiter) => nowMs - waiter.sinceMs > giveUpAfterMs);
      this.#waiters = this.#waiters.filter((waiter) => !late.includes(waiter));
      for (const waiter of late) waiter.resolve();
    }
  }
}
