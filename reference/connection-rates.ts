// The rate limits of one connection. Limiters are made when first needed, because most connections are idle.
import type { RateName } from "./config.ts";
import { Limiter, type Rate } from "./limiter.ts";

export class ConnectionRates {
  readonly #rates: Readonly<Record<RateName, Rate>>;
  readonly #limiters = new Map<RateName, Limiter>();
  /** Those that the latest `take` consumed. */
  #taken: readonly RateName[] = [];

  constructor(rates: Readonly<Record<RateName, Rate>>) {
    this.#rates = rates;
  }

  /** Consumes one message of each rate. @returns undefined when all allow it, else the exact wait in ms */
  take(names: readonly RateName[], nowMs: number): number | undefined {
    this.#taken = names;
    for (const name of names) {
      let limiter = this.#limiters.get(name);
      if (limiter === undefined) {
        limiter = new Limiter(this.#rates[name]);
        this.#limiters.set(name, limiter);
      }
      const retryAfterMs = limiter.take(nowMs);
      if (retryAfterMs !== undefined) return retryAfterMs;
    }
    return undefined;
  }

  /** Undoes the latest `take`: another limit refused the message, and only its wait must apply. */
  giveBack(): void {
    for (const name of this.#taken) this.#limiters.get(name)?.giveBack();
  }
}
