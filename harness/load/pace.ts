// The open model: sends at the times that the rate asks for, whatever the target does, and says how late it was itself.
import { setTimeout as sleep } from "node:timers/promises";
import { nowMs } from "./clock.ts";

export interface Pace {
  readonly perSecond: number;
  /** On the generator's clock. */
  readonly startMs: number;
  readonly endMs: number;
  /** @param dueMs when it should have been called, never later than now */
  send(dueMs: number, index: number): void;
}

/** Sent in one turn of the event loop, so that a late generator still reads what comes. */
const perTurn = 256;
/** Timers are good to a millisecond; the rest is waited out by turns of the event loop. */
const timerMs = 1.2;

/** Resolves at `endMs`. @returns how long it waited by turning, in ms: a generator that looks busy then is not */
export async function keepPace({ perSecond, startMs, endMs, send }: Pace): Promise<number> {
  const everyMs = 1000 / perSecond;
  let turnedMs = 0;
  for (let index = 0; ; ) {
    const dueMs = startMs + index * everyMs;
    const currentMs = nowMs();
    if (dueMs >= endMs) {
      if (endMs > currentMs) await sleep(Math.ceil(endMs - currentMs));
      return turnedMs;
    }
    if (dueMs > currentMs) {
      if (dueMs - currentMs > timerMs) await sleep(Math.floor(dueMs - currentMs - (timerMs - 1)));
      else {
        await turn();
        turnedMs += nowMs() - currentMs;
      }
      continue;
    }
    for (let left = perTurn; left > 0 && startMs + index * everyMs <= currentMs; left--, index++) {
      const due = startMs + index * everyMs;
      if (due >= endMs) break;
      send(due, index);
    }
    await turn();
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
