// The one way to wait: for a condition that events may fulfil, within a deadline that counts against the target only while it is alive.
import { Violation } from "../schema/errors.ts";
import type { Clock } from "./clock.ts";

export interface Wait {
  /** What is waited for, for the message. */
  readonly expected: string;
  readonly withinMs: number;
  readonly clock: Clock;
  /** Resolves at the next event that may fulfil the condition, or after `ms`. */
  changed(ms: number): Promise<void>;
  /** What ended the wait early, in words; undefined while it goes on. */
  ended?(): string | undefined;
  /** What came instead, in words. */
  actual(): string;
  /** @throws TargetLost where silence proves nothing, because nobody is answered */
  assertTargetAlive(): Promise<void>;
  /** Counts one observation: the condition was fulfilled, or the target has failed to fulfil it. */
  observed(): void;
}

/** @throws Violation when the wait ends, or its deadline passes, without a value */
export async function until<T>(condition: () => T | undefined, wait: Wait): Promise<T> {
  const deadlineMs = wait.clock.nowMs() + wait.withinMs;
  for (;;) {
    const value = condition();
    if (value !== undefined) {
      wait.observed();
      return value;
    }
    const ended = wait.ended?.();
    const leftMs = deadlineMs - wait.clock.nowMs();
    if (ended !== undefined || leftMs <= 0) {
      await wait.assertTargetAlive();
      wait.observed();
      if (ended !== undefined) throw new Violation(wait.expected, ended);
      throw new Violation(`${wait.expected} within ${Math.round(wait.withinMs)} ms`, wait.actual());
    }
    await wait.changed(leftMs);
  }
}

/** Wakes those who wait for a change. */
export class Signal {
  readonly #waiting = new Set<() => void>();

  /** Resolves at the next `notify` for which `when` holds, or after `ms`. */
  wait(ms: number, when: () => boolean = () => true): Promise<void> {
    return new Promise((resolve) => {
      const stop = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = () => {
        if (when()) stop();
      };
      const timer = setTimeout(stop, Math.min(ms, 2 ** 31 - 1));
      this.#waiting.add(look);
    });
  }

  notify(): void {
    for (const look of [...this.#waiting]) look();
  }
}
