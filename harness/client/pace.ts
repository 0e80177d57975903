// The pace of the target: how long its replies take, and so how long a silence proves something where no fence does.

export interface Pace {
  /** A reply came so long after its request, in ms. */
  replied(ms: number): void;
  /** How long nothing must come, in ms, before it counts as nothing. */
  readonly quietMs: number;
}

/** A silence is so many times as long as the slowest reply so far. */
const margin = 3;

/**
 * @param leastMs before a reply has come, and at least
 * @param mostMs the deadline of everything that waits
 */
export function createPace(leastMs: number, mostMs: number): Pace {
  let slowestMs = 0;
  return {
    replied(ms) {
      slowestMs = Math.max(slowestMs, ms);
    },
    get quietMs() {
      return Math.max(leastMs, Math.min(mostMs, margin * slowestMs));
    },
  };
}
