// Rate limiting by GCRA, the leaky bucket as one number: the time at which the bucket would be empty again.

export interface Rate {
  /** How many may come at once, at least 1. */
  readonly burst: number;
  /** How many per second in the long run, above 0. */
  readonly perSecond: number;
}

export type Permit =
  | { readonly allowed: true; readonly emptyAtMs: number }
  /** Whole milliseconds, at least 1, after which the same request is allowed if nothing else was. */
  | { readonly allowed: false; readonly retryAfterMs: number };

/**
 * Decides one request. Pure: the caller stores `emptyAtMs` when it goes ahead.
 * @param emptyAtMs what the last allowed request gave; anything not above `nowMs` means a full allowance
 */
export function checkRate(rate: Rate, emptyAtMs: number, nowMs: number): Permit {
  const perRequestMs = 1000 / rate.perSecond;
  const earliestMs = emptyAtMs - (rate.burst - 1) * perRequestMs;
  if (nowMs < earliestMs) return { allowed: false, retryAfterMs: Math.max(1, Math.ceil(earliestMs - nowMs)) };
  return { allowed: true, emptyAtMs: Math.max(nowMs, emptyAtMs) + perRequestMs };
}

/** The allowance of one connection. */
export class Limiter {
  readonly #rate: Rate;
  #emptyAtMs = Number.NEGATIVE_INFINITY;
  #beforeMs = Number.NEGATIVE_INFINITY;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** @returns undefined when allowed, else the exact wait in ms */
  take(nowMs: number): number | undefined {
    const permit = checkRate(this.#rate, this.#emptyAtMs, nowMs);
    if (!permit.allowed) return permit.retryAfterMs;
    this.#beforeMs = this.#emptyAtMs;
    this.#emptyAtMs = permit.emptyAtMs;
    return undefined;
  }

  /** Undoes the last `take`: another limit refused the same request, and its wait alone shall be the exact one. */
  giveBack(): void {
    this.#emptyAtMs = this.#beforeMs;
  }
}

/** Allowances by name, such as a user's. Holds only those that are not full, so its size follows the traffic of the last seconds. */
export class KeyedLimiter {
  readonly #rate: Rate;
  readonly #emptyAtMs = new Map<string, number>();
  #sweepAtSize = 1024;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  get size(): number {
    return this.#emptyAtMs.size;
  }

  /** @returns undefined when allowed, else the exact wait in ms */
  take(key: string, nowMs: number): number | undefined {
    const permit = checkRate(this.#rate, this.#emptyAtMs.get(key) ?? Number.NEGATIVE_INFINITY, nowMs);
    if (!permit.allowed) return permit.retryAfterMs;
    this.#emptyAtMs.set(key, permit.emptyAtMs);
    if (this.#emptyAtMs.size > this.#sweepAtSize) this.#sweep(nowMs);
    return undefined;
  }

  /** Forgets full allowances. The next sweep waits until the map has doubled, so one take costs O(1) on average. */
  #sweep(nowMs: number): void {
    for (const [key, emptyAtMs] of this.#emptyAtMs) if (emptyAtMs <= nowMs) this.#emptyAtMs.delete(key);
    this.#sweepAtSize = Math.max(1024, this.#emptyAtMs.size * 2);
  }
}
