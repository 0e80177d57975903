// Keeps the client's requests under the advertised rate limits: the server's own algorithm (GCRA), a little stricter, and a pause after each refusal. Pure.
import { type rateLimits, requests, sharedRates } from "../../generated/protocol.gen.ts";
import type { Limits } from "../../generated/types.gen.ts";

type RateName = keyof typeof rateLimits;

export interface Pace {
  /** A new connection: its own allowances are full, those of the user go on. */
  connected(limits: Limits): void;
  /** Requests of one lane are sent in the order of the calls. */
  lane(type: string): string;
  /** Takes the allowance for one request. @returns 0, or ms to wait, and then nothing was taken */
  take(type: string, nowMs: number): number;
  /** After a refusal each request of the lane waits for the reply to the one before, so that the order stays. */
  isCareful(type: string): boolean;
  accepted(type: string): void;
  /** @param retryAfterMs as the server said; undefined: it did not say */
  refused(type: string, nowMs: number, retryAfterMs: number | undefined): void;
}

interface Lane {
  blockedUntilMs: number;
  /** Refusals in a row. */
  refusals: number;
  /** Accepted requests that it takes until the lane is not careful any more. */
  careful: number;
}

const carefulRequests = 10;
/** Back-off after refusals without a time, or with one that did not help. Doubles with each refusal in a row. */
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** However long the server says. */
const longestRetryAfterMs = 300_000;
/** However slow the advertised rate: what comes too early is refused and sent again. */
const longestIntervalMs = 60_000;

const ratesOf = (type: string): readonly RateName[] => requests[type as keyof typeof requests].rates;

export function createPace(random: () => number): Pace {
  let advertised: Limits | undefined;
  /** Theoretical arrival time of the next request, by rate limit. */
  const arrivalsMs = new Map<RateName, number>();
  const lanes = new Map<string, Lane>();
  const nameOf = (type: string) => ratesOf(type)[0] ?? type;
  const laneOf = (type: string): Lane => {
    const name = nameOf(type);
    const lane = lanes.get(name) ?? { blockedUntilMs: 0, refusals: 0, careful: 0 };
    lanes.set(name, lane);
    return lane;
  };

  return {
    connected(limits) {
      advertised = limits;
      for (const name of [...arrivalsMs.keys()]) if (!(sharedRates as readonly string[]).includes(name)) arrivalsMs.delete(name);
    },
    lane: nameOf,
    take(type, nowMs) {
      const { blockedUntilMs } = laneOf(type);
      let waitMs = blockedUntilMs - nowMs;
      const next: [RateName, number][] = [];
      for (const name of advertised === undefined ? [] : ratesOf(type)) {
        const { burst, perSecond } = advertised![name];
        // Two percent slower, and half an interval in reserve: a network delivers some requests closer together than they were sent.
        const intervalMs = Math.min(longestIntervalMs, 1_020 / perSecond);
        const arrivalMs = Math.max(nowMs, arrivalsMs.get(name) ?? 0);
        waitMs = Math.max(waitMs, arrivalMs - nowMs - Math.max(0, burst - 1.5) * intervalMs);
        next.push([name, arrivalMs + intervalMs]);
      }
      // Whole ms: a clock may not tell smaller steps apart.
      if (waitMs > 0) return Math.ceil(waitMs);
      for (const [name, arrivalMs] of next) arrivalsMs.set(name, arrivalMs);
      return 0;
    },
    isCareful: (type) => laneOf(type).careful > 0,
    accepted(type) {
      const lane = laneOf(type);
      lane.refusals = 0;
      if (lane.careful > 0) lane.careful--;
    },
    refused(type, nowMs, retryAfterMs) {
      const lane = laneOf(type);
      const mostMs = Math.min(longestPauseMs, firstPauseMs * 2 ** lane.refusals);
      const pauseMs = retryAfterMs === undefined || lane.refusals > 0 ? mostMs * (0.5 + random() / 2) : 0;
      const untilMs = nowMs + Math.max(pauseMs, Math.min(longestRetryAfterMs, (retryAfterMs ?? 0) + 10));
      // Requests that were under way together are one refusal.
      if (nowMs >= lane.blockedUntilMs) lane.refusals++;
      lane.blockedUntilMs = Math.max(lane.blockedUntilMs, untilMs);
      lane.careful = carefulRequests;
    },
  };
}
