// The two clocks of the server, passed in so that tests own the time.

export interface Clock {
  /** Monotonic milliseconds from some fixed moment, for durations and rates. */
  monotonicMs(): number;
  /** Milliseconds since 1970 UTC, for timestamps and the expiry of tokens. */
  dateMs(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  dateMs: () => Date.now(),
};

/** A clock that stands still until it is told to advance. Both hands start at a fixed moment. */
export interface ManualClock extends Clock {
  advance(ms: number): void;
}

export function createManualClock(startDateMs = Date.UTC(2026, 0, 31, 9, 30)): ManualClock {
  let passedMs = 0;
  return {
    monotonicMs: () => passedMs,
    dateMs: () => startDateMs + Math.floor(passedMs),
    advance: (ms) => {
      passedMs += ms;
    },
  };
}
