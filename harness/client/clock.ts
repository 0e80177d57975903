// The clock of a run: monotonic, from its start. Given to whoever waits, so that tests can set it.

export interface Clock {
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/** The clock of a real run, from 0 now. */
export function createClock(): Clock {
  const startMs = performance.now();
  return {
    nowMs: () => performance.now() - startMs,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}
