// The generator's clock: monotonic milliseconds that all threads of this machine share.

/** `performance.now()` begins anew in each thread; the clock below it (CLOCK_MONOTONIC) is one for all. */
const originMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const nowMs = (): number => originMs + performance.now();
