// The generator's clock: monotonic milliseconds that all threads of this machine share.

/** `performance.now()` begins anew in each thread; the clock below it (CLOCK_MONOTONIC) is one for all. */
const originMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();
let shiftMs = 0;

export const nowMs = (): number => originMs + shiftMs + performance.now();

/** From the monotonic clock to ms since 1970, as this process sees it now. */
export function wallShiftMs(): number {
  return performance.timeOrigin - originMs;
}

/** Shards compare times of several machines, so their clock is that of the day. @param ms of `wallShiftMs`, the same in all threads */
export function shiftClock(ms: number): void {
  shiftMs = ms;
}
