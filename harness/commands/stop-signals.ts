// When a run ends early: at SIGINT and SIGTERM, when its time is over, or after so many failed rules.

/** Aborted at SIGINT and SIGTERM: what was tested so far is reported, then the process ends, whatever is still under way. */
export function stopAtSignals(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.once(name, () => {
      stop.abort(`stopped by ${name}`);
      exitSoon();
    });
  return stop.signal;
}

/** How long writing reports may take after a signal. */
const endMs = 1_500;

/** Ends the process although something of a stopped run is still under way. */
export const exitSoon = () => void setTimeout(() => process.exit(), endMs).unref();

/** Aborted with `signal`, or when the time of the run is over; `abort` is for other reasons. */
export function stopAfter(maxTimeSeconds: number | undefined, signal: AbortSignal | undefined): AbortController {
  const stop = new AbortController();
  if (signal?.aborted) stop.abort(signal.reason);
  signal?.addEventListener("abort", () => stop.abort(signal.reason));
  if (maxTimeSeconds !== undefined)
    setTimeout(() => stop.abort(`stopped after ${maxTimeSeconds} s (--max-time)`), maxTimeSeconds * 1000).unref();
  return stop;
}
