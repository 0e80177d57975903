// Whether a peer lives: a WebSocket ping at intervals, and any bytes that come back in time. Pure; the owner has the timer.
import { heartbeat as documented } from "../generated/protocol.gen.ts";

export interface HeartbeatSettings {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export type Beat = "ping" | "dead" | "wait";

export class Heartbeat {
  readonly #settings: HeartbeatSettings;
  readonly #random: () => number;
  #nextPingMs: number;
  /** While a ping waits for its answer. */
  #answerDueMs: number | undefined;
  #bytesAtPing = 0;

  /** @param random 0 to 1, for the jitter that keeps peers from beating together */
  constructor(settings: HeartbeatSettings, nowMs: number, random: () => number) {
    this.#settings = settings;
    this.#random = random;
    this.#nextPingMs = nowMs + this.#interval();
  }

  /** When `beat` wants to be called next. */
  get dueMs(): number {
    return Math.min(this.#nextPingMs, this.#answerDueMs ?? Number.POSITIVE_INFINITY);
  }

  /**
   * @param bytesRead all bytes that ever came from the peer. Counting bytes makes any frame count, and costs nothing per frame.
   * @returns `ping`: send one now; `dead`: the last was not answered in time; `wait`: nothing to do before `dueMs`
   */
  beat(nowMs: number, bytesRead: number): Beat {
    if (this.#answerDueMs !== undefined) {
      if (bytesRead !== this.#bytesAtPing) this.#answerDueMs = undefined;
      else if (nowMs >= this.#answerDueMs) return "dead";
    }
    if (nowMs < this.#nextPingMs) return "wait";
    this.#nextPingMs = nowMs + this.#interval();
    if (this.#answerDueMs === undefined) {
      this.#answerDueMs = nowMs + this.#settings.timeoutMs;
      this.#bytesAtPing = bytesRead;
    }
    return "ping";
  }

  /** Shorter by up to the documented share, in 64 steps, so that many connections share a timer list. */
  #interval(): number {
    const step = Math.floor(this.#random() * 64) / 64;
    return this.#settings.intervalMs * (1 - documented.jitter * step);
  }
}
