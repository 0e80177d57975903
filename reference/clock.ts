// The clocks of the server. They are injected, so that tests control the time.

export interface Clock {
  /** Monotonic ms, for durations and rates. */
  monotonicMs(): number;
  /** Milliseconds since 1970 UTC, for timestamps and the expiry of tokens. */
  dateMs(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  dateMs: () => Date.now(),
};

/** A clock that moves only by `advance`. It starts at a fixed time. */
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
