// Detects a client that reads too slowly, by the bytes queued for its connection. The queue stays bounded, so that such a client costs little.
import { limits } from "../generated/protocol.gen.ts";
import type { Clock } from "./clock.ts";

/** How often a queue over the sustained limit is checked, in ms. */
const checkEveryMs = 250;

export interface QueueLimits {
  /** Maximum of queued bytes. */
  readonly queuedBytes: number;
  /** Maximum of bytes that stay queued for the documented time. */
  readonly queuedBytesSustained: number;
}

/** Pure except for its timer. */
export class SlowConsumerDetector {
  readonly #limits: QueueLimits;
  readonly #clock: Clock;
  readonly #queuedBytes: () => number;
  readonly #onTooSlow: () => void;
  #overSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(queueLimits: QueueLimits, clock: Clock, queuedBytes: () => number, onTooSlow: () => void) {
    this.#limits = queueLimits;
    this.#clock = clock;
    this.#queuedBytes = queuedBytes;
    this.#onTooSlow = onTooSlow;
  }

  /** Call it after each write. */
  check(): void {
    const bytes = this.#queuedBytes();
    if (bytes <= this.#limits.queuedBytesSustained && bytes <= this.#limits.queuedBytes) {
      this.stop();
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    this.#overSinceMs ??= nowMs;
    if (bytes > this.#limits.queuedBytes || nowMs - this.#overSinceMs >= limits.queuedBytesSustained.forMs) {
      this.stop();
      this.#onTooSlow();
    } else this.#timer ??= setInterval(() => this.check(), checkEveryMs);
  }

  stop(): void {
    if (this.#overSinceMs === undefined) return;
    this.#overSinceMs = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
