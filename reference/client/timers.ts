// Named timers: setting one replaces it. A delay that no timer can hold becomes the nearest one that can.
import type { ClientDependencies } from "./dependencies.ts";

export interface Timers<Name extends string> {
  set(name: Name, ms: number, run: () => void): void;
  clear(name: Name): void;
  clearAll(): void;
}

/** setTimeout runs at once for a delay of more than 31 bits. A day is enough here. */
const longestMs = 86_400_000;

export function createTimers<Name extends string>({ setTimer }: Pick<ClientDependencies, "setTimer">): Timers<Name> {
  const cancels = new Map<Name, () => void>();
  const clear = (name: Name) => {
    cancels.get(name)?.();
    cancels.delete(name);
  };
  return {
    set(name, ms, run) {
      clear(name);
      const delayMs = Math.min(longestMs, Math.max(0, Number.isNaN(ms) ? 0 : ms));
      cancels.set(
        name,
        setTimer(delayMs, () => {
          cancels.delete(name);
          run();
        }),
      );
    },
    clear,
    clearAll() {
      for (const name of [...cancels.keys()]) clear(name);
    },
  };
}
