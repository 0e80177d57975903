// Keeps the connection's token fresh: fetches one before the old one expires. Life spans are the server's, so a wrong clock of this machine does no harm.
import type { Timers } from "./timers.ts";

export interface Renewal {
  /** The server accepted the token. Both are timestamps of the server. */
  accepted(expiresAt: string, timestamp: string): void;
  /** Whether the token expires within seconds. */
  isDue(): boolean;
}

export interface RenewalOptions {
  readonly timers: Timers<"renew">;
  nowMs(): number;
  /** Fetches a token and authenticates with it; ends with a call of `accepted`, or rejects. */
  renew(): Promise<unknown>;
}

/** A token is renewed after this share of its life. */
const renewAfter = 0.8;
/** A life that ends sooner than this, or that nobody can read, counts as a failure. */
const shortLifeMs = 5_000;
const firstRetryMs = 1_000;
const longestRetryMs = 60_000;
/** Tokens are not reused so shortly before they expire. */
const marginMs = 5_000;

export function createRenewal({ timers, nowMs, renew }: RenewalOptions): Renewal {
  let failures = 0;
  let expiresMs: number | undefined;

  function schedule(lifeMs: number): void {
    failures = lifeMs >= shortLifeMs ? 0 : failures + 1;
    const pauseMs = failures === 0 ? 0 : Math.min(longestRetryMs, firstRetryMs * 2 ** (failures - 1));
    timers.set("renew", Math.max(lifeMs * renewAfter, pauseMs), () => {
      renew().catch(() => schedule(0));
    });
  }

  return {
    accepted(expiresAt, timestamp) {
      // Date.parse does not know the leap second.
      const lifeMs = Date.parse(expiresAt) - Date.parse(timestamp) || 0;
      expiresMs = nowMs() + lifeMs;
      schedule(lifeMs);
    },
    isDue: () => expiresMs !== undefined && expiresMs - nowMs() < marginMs,
  };
}
