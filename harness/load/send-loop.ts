// When to send: by the profile's rate (open model), or as fast as answers come (closed model).
import { setTimeout as sleep } from "node:timers/promises";
import { nowMs } from "./clock.ts";
import { keepPace } from "./pace.ts";
import type { Window } from "./recorder.ts";
import type { WorkerContext } from "./worker-context.ts";

export interface Part {
  /** Logs or connections: in the closed model each has `inFlight` of its own. 0: this thread has nothing to send. */
  readonly sources: number;
  /** @param from in the closed model the source, else the index of the send @param then called when it is answered or refused */
  send(dueMs: number, from: number, then?: () => void): void;
}

/** Sends from the window's start less the warm-up to its end. */
export async function play(worker: WorkerContext, window: Window, { sources, send }: Part): Promise<void> {
  const { recorder, profile, perSecond } = worker;
  const { endMs } = window;
  recorder.begin(window);
  const startMs = window.startMs - profile.warmUpMs;
  await sleep(Math.max(0, startMs - nowMs()));
  if (sources > 0 && perSecond !== undefined) {
    recorder.counts.turnedMs += await keepPace({ perSecond, startMs, endMs, send: (dueMs, index) => send(dueMs, index) });
    return;
  }
  // In a turn of its own, because what has no reply is done at once.
  const again = (from: number): void => {
    if (nowMs() < endMs) send(nowMs(), from, () => setImmediate(again, from));
  };
  for (let from = 0; from < sources; from++) for (let one = 0; one < profile.inFlight; one++) again(from);
  await sleep(Math.max(0, endMs - nowMs()));
}
