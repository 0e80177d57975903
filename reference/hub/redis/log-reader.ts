// Follows one log: hands on each event once and in order, fills gaps from the stream, and says where that is impossible.
import { type Line, parseLine } from "./line.ts";

export interface LogReaderOptions {
  /** Events after the position, oldest first, and the end of the log; "gone" where they are not kept or the epoch has ended. Rejects while Redis is away. */
  read(epoch: string, seq: number): Promise<{ readonly seq: number; readonly lines: readonly string[] } | "gone">;
  deliver(line: Line): void;
  /** It cannot be shown that nothing was missed. The reader has no position any more. */
  lost(): void;
  /** A line that cannot be of this log. */
  garbage(): void;
  now(): number;
}

interface Waiter {
  readonly seq: number;
  readonly sinceMs: number;
  resolve(): void;
}

const mostHeld = 10_000;

export class LogReader {
  readonly #options: LogReaderOptions;
  #position: { epoch: string; seq: number } | undefined;
  /** Lines that came before the one that they follow. */
  #held: Line[] = [];
  #waiters: Waiter[] = [];
  #filling: Promise<void> | undefined;
  #isBehind = false;
  memberCount = 0;

  constructor(options: LogReaderOptions) {
    this.#options = options;
  }

  get position(): { readonly epoch: string; readonly seq: number } | undefined {
    return this.#position;
  }

  /** Begins after this position. */
  anchor(epoch: string, seq: number, memberCount: number): void {
    this.#position = { epoch, seq };
    this.memberCount = memberCount;
    this.#releaseHeld();
  }

  /** A line from the channel: a hint that is believed only where it is the next. */
  hear(text: string): void {
    const line = parseLine(text);
    const at = this.#position;
    if (line === undefined) this.#options.garbage();
    else if (at === undefined || this.#filling !== undefined) this.#hold(line);
    else if (line.epoch !== at.epoch || line.seq > at.seq + 1) {
      this.#hold(line);
      void this.fill();
    } else if (line.seq === at.seq + 1) this.#take(line);
  }

  #hold(line: Line): void {
    // Whatever is dropped here is in the stream.
    if (this.#held.length >= mostHeld) this.#held = [];
    this.#held.push(line);
  }

  #take(line: Line): void {
    this.#position!.seq = line.seq;
    this.memberCount = line.memberCount;
    this.#options.deliver(line);
    while (this.#waiters[0] !== undefined && this.#waiters[0].seq <= line.seq) this.#waiters.shift()!.resolve();
  }

  #releaseHeld(): void {
    const held = this.#held;
    this.#held = [];
    for (const line of held) {
      const at = this.#position;
      if (at === undefined) return;
      if (line.epoch === at.epoch && line.seq === at.seq + 1) this.#take(line);
      // Of another epoch, or beyond a gap: the stream knows.
      else if (line.epoch !== at.epoch || line.seq > at.seq) this.#isBehind = true;
    }
    if (this.#isBehind) void this.fill();
  }

  /** Reads on from the stream; resolves when it has caught up, or cannot now. */
  fill(): Promise<void> {
    if (this.#position === undefined) return Promise.resolve();
    this.#isBehind = true;
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
      if (!this.#isBehind) this.#releaseHeld();
    });
    return this.#filling;
  }

  async #fill(): Promise<void> {
    for (;;) {
      const at = this.#position;
      if (at === undefined) return;
      const found = await this.#options.read(at.epoch, at.seq).catch(() => undefined);
      // Redis is away; whoever brings it back fills again.
      if (found === undefined) return;
      if (this.#position !== at) continue;
      if (found === "gone") return this.lose();
      for (const text of found.lines) {
        const line = parseLine(text);
        if (line === undefined || line.epoch !== at.epoch || line.seq !== at.seq + 1) {
          this.#options.garbage();
          return this.lose();
        }
        this.#take(line);
      }
      if (at.seq >= found.seq) {
        this.#isBehind = false;
        return;
      }
    }
  }

  /** Ends the reading of this epoch. */
  lose(): void {
    if (this.#position === undefined) return;
    this.#position = undefined;
    this.#isBehind = false;
    this.#held = [];
    this.#options.lost();
    this.release();
  }

  /** Nobody reads on: whoever waits for a delivery need not wait any more. */
  release(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  /** Resolves when the position has been handed on, when the epoch is lost or the reading ends, or when `tend` gives it up. */
  reached(seq: number): Promise<void> {
    if (this.#position === undefined || this.#position.seq >= seq) return Promise.resolve();
    return new Promise((resolve) => {
      let at = this.#waiters.length;
      while (at > 0 && this.#waiters[at - 1]!.seq > seq) at--;
      this.#waiters.splice(at, 0, { seq, sinceMs: this.#options.now(), resolve });
    });
  }

  /** To be called now and then: reads the stream where somebody has waited for `fillAfterMs`, and lets go who has waited for `giveUpAfterMs`. */
  tend(fillAfterMs: number, giveUpAfterMs: number): void {
    if (this.#waiters.length === 0) return;
    const now = this.#options.now();
    const oldest = Math.min(...this.#waiters.map((waiter) => waiter.sinceMs));
    if (now - oldest > fillAfterMs && this.#filling === undefined) void this.fill();
    if (now - oldest > giveUpAfterMs) {
      const late = this.#waiters.filter((waiter) => now - waiter.sinceMs > giveUpAfterMs);
      this.#waiters = this.#waiters.filter((waiter) => !late.includes(waiter));
      for (const waiter of late) waiter.resolve();
    }
  }
}
