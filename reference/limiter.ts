// Rate limiting by GCRA: a leaky bucket kept as one number, the time at which it would be empty.

export interface Rate {
  /** Requests allowed at once, at least 1. */
  readonly burst: number;
  /** Sustained requests per second, above 0. */
  readonly perSecond: number;
}

export type Permit =
  | { readonly allowed: true; readonly emptyAtMs: number }
  /** Wait in whole ms, at least 1, after which the request is allowed if no other was made. */
  | { readonly allowed: false; readonly retryAfterMs: number };

/**
 * Decides one request. Pure: the caller stores `emptyAtMs` of an allowed request.
 * @param emptyAtMs of the last allowed request; up to `nowMs` means an empty bucket
 */
export function checkRate(rate: Rate, emptyAtMs: number, nowMs: number): Permit {
  const perRequestMs = 1000 / rate.perSecond;
  const earliestMs = emptyAtMs - (rate.burst - 1) * perRequestMs;
  if (nowMs < earliestMs) return { allowed: false, retryAfterMs: Math.max(1, Math.ceil(earliestMs - nowMs)) };
  return { allowed: true, emptyAtMs: Math.max(nowMs, emptyAtMs) + perRequestMs };
}

/** The limiter of one connection. */
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

  /** Undoes the last `take`, when another limit refused the same request: only its wait must apply. */
  giveBack(): void {
    this.#emptyAtMs = this.#beforeMs;
  }
}

/** Limiters by key, such as a user id. Stores only buckets that are not empty, so its size follows recent traffic. */
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

  /** Removes empty buckets. The next sweep waits until the map has doubled, so a take is O(1) on average. */
  #sweep(nowMs: number): void {
    for (const [key, emptyAtMs] of this.#emptyAtMs) if (emptyAtMs <= nowMs) this.#emptyAtMs.delete(key);
    this.#sweepAtSize = Math.max(1024, this.#emptyAtMs.size * 2);
  }
}
