// Decides whether a peer is alive: a WebSocket ping at intervals, answered by any bytes in time. Pure; the owner has the timer.
import { heartbeat as documented } from "../generated/protocol.gen.ts";

export interface HeartbeatSettings {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export type HeartbeatAction = "ping" | "dead" | "wait";

export class Heartbeat {
  readonly #settings: HeartbeatSettings;
  readonly #random: () => number;
  #nextPingMs: number;
  /** Set while a ping is unanswered. */
  #answerDueMs: number | undefined;
  #bytesAtPing = 0;

  /** @param random 0 to 1, for the jitter, so that connections are not pinged at the same time */
  constructor(settings: HeartbeatSettings, nowMs: number, random: () => number) {
    this.#settings = settings;
    this.#random = random;
    this.#nextPingMs = nowMs + this.#interval();
  }

  /** When to call `check` next. */
  get dueMs(): number {
    return Math.min(this.#nextPingMs, this.#answerDueMs ?? Number.POSITIVE_INFINITY);
  }

  /**
   * @param bytesRead all bytes received from the peer so far. Counting bytes makes every frame an answer, at no cost per frame.
   * @returns `ping`: send one now; `dead`: the last one was not answered in time; `wait`: nothing to do before `dueMs`
   */
  check(nowMs: number, bytesRead: number): HeartbeatAction {
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

  /** Shortened by up to the documented jitter, in 64 steps, so that many connections share a timer list. */
  #interval(): number {
    const step = Math.floor(this.#random() * 64) / 64;
    return this.#settings.intervalMs * (1 - documented.jitter * step);
  }
}
