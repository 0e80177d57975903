// The pace of the target: how long its replies take, and so how long a silence proves something where no fence does.

export interface Pace {
  /** A reply came so long after its request, in ms. */
  replied(ms: number): void;
  /** Something promised did not come within the deadline. */
  missed(): void;
  /** How long nothing must come, in ms, before it counts as nothing. */
  readonly quietMs: number;
  /** How long is waited for what is promised, in ms: `mostMs`, until the target has missed many deadlines. */
  deadlineMs(mostMs: number): number;
}

/** A silence is so many times as long as the slowest reply so far. */
const margin = 3;

/** A target that has missed so many deadlines gets shorter ones, or a run of it would last as long as all of them together. */
const patience = 8;
/** Then each is so many times as long as the slowest reply so far, and at least so long. */
const lateMargin = 10;
const leastDeadlineMs = 1_000;

/**
 * @param leastMs before a reply has come, and at least
 * @param mostMs the deadline of everything that waits
 */
export function createPace(leastMs: number, mostMs: number): Pace {
  let slowestMs = 0;
  let missed = 0;
  return {
    missed() {
      missed++;
    },
    deadlineMs: (longestMs) =>
      missed < patience || slowestMs === 0 ? longestMs : Math.min(longestMs, Math.max(leastDeadlineMs, lateMargin * slowestMs)),
    replied(ms) {
      slowestMs = Math.max(slowestMs, ms);
    },
    get quietMs() {
      return Math.max(leastMs, Math.min(mostMs, margin * slowestMs));
    },
  };
}
