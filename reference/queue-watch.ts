// The watch over what waits to be written to one connection: bounded, so that a client that does not read costs little.
import { limits } from "../generated/protocol.gen.ts";
import type { Clock } from "./clock.ts";

/** How often a queue over the sustained limit is looked at, in ms. */
const lookEveryMs = 250;

export interface QueueLimits {
  /** Bytes that may wait. */
  readonly queuedBytes: number;
  /** Bytes that may wait without a break for the documented time. */
  readonly queuedBytesSustained: number;
}

/** Tells when a client is too slow. Pure but for its timer. */
export class QueueWatch {
  readonly #limits: QueueLimits;
  readonly #clock: Clock;
  readonly #queuedBytes: () => number;
  readonly #tooSlow: () => void;
  #overSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(queueLimits: QueueLimits, clock: Clock, queuedBytes: () => number, tooSlow: () => void) {
    this.#limits = queueLimits;
    this.#clock = clock;
    this.#queuedBytes = queuedBytes;
    this.#tooSlow = tooSlow;
  }

  /** Call after each write. */
  look(): void {
    const bytes = this.#queuedBytes();
    if (bytes <= this.#limits.queuedBytesSustained && bytes <= this.#limits.queuedBytes) {
      this.stop();
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    this.#overSinceMs ??= nowMs;
    if (bytes > this.#limits.queuedBytes || nowMs - this.#overSinceMs >= limits.queuedBytesSustained.forMs) {
      this.stop();
      this.#tooSlow();
    } else this.#timer ??= setInterval(() => this.look(), lookEveryMs);
  }

  stop(): void {
    if (this.#overSinceMs === undefined) return;
    this.#overSinceMs = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
