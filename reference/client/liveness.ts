// Notices a connection that died silently. A browser sees no WebSocket pings, so the client sends a message after a silence, and waits for any frame.
import type { Heartbeat } from "../../generated/types.gen.ts";
import type { Timers } from "./timers.ts";

export interface Liveness {
  /** A frame arrived. */
  heard(): void;
  start(heartbeat: Heartbeat): void;
  /** Sends a ping now instead of at the end of the interval. */
  probe(): void;
}

export interface LivenessOptions {
  readonly timers: Timers<"heartbeat">;
  nowMs(): number;
  ping(): void;
  /** The server did not answer. */
  onSilence(): void;
}

/** However fast or slow the advertised heartbeat. */
const shortestMs = 1_000;
const longestIntervalMs = 120_000;
const longestTimeoutMs = 60_000;
const within = (ms: number, most: number) => Math.min(most, Math.max(shortestMs, ms));

/** Timers can be early, and minutes late in a background tab. So only whether a frame came counts, never how late it is. */
export function createLiveness({ timers, nowMs, ping, onSilence }: LivenessOptions): Liveness {
  let frames = 0;
  let lastHeardMs = 0;
  let intervalMs = 0;
  let timeoutMs = 0;

  /** Runs `silent` after the time if no frame came, or else waits for the next silence. */
  function after(ms: number, silent: () => void): void {
    const before = frames;
    timers.set("heartbeat", ms, () => (frames === before ? silent() : wait()));
  }
  function wait(): void {
    after(lastHeardMs + intervalMs - nowMs(), probe);
  }
  function probe(): void {
    ping();
    // After a stall the answer may already wait to be read: one more turn.
    after(timeoutMs, () => after(0, onSilence));
  }

  return {
    heard() {
      frames++;
      lastHeardMs = nowMs();
    },
    start(heartbeat) {
      intervalMs = within(heartbeat.intervalMs, longestIntervalMs);
      timeoutMs = within(heartbeat.timeoutMs, longestTimeoutMs);
      wait();
    },
    probe,
  };
}
