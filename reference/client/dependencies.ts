// What the client takes from its platform, replaceable in tests: clocks, timers, randomness, and the browser's network state.

export interface ClientDependencies {
  /** Monotonic, in ms. */
  nowMs(): number;
  /** @returns a function that cancels the timer */
  setTimer(ms: number, run: () => void): () => void;
  /** From 0 to 1, 1 excluded. */
  random(): number;
  /** The idempotency key of a chat: unique, 16 to 64 printable characters. */
  key(): string;
  readonly environment: Environment;
}

/** Network and page state. */
export interface Environment {
  isOnline(): boolean;
  isVisible(): boolean;
  /** Calls `changed` after each change. @returns a function that unsubscribes */
  subscribe(changed: () => void): () => void;
}

interface BrowserGlobals {
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: EventTarget & { readonly visibilityState?: string };
  readonly addEventListener?: EventTarget["addEventListener"];
  readonly removeEventListener?: EventTarget["removeEventListener"];
}
const browser = globalThis as unknown as BrowserGlobals;

const browserEnvironment: Environment = {
  // Only `false` is reliable, and only browsers know it.
  isOnline: () => browser.navigator?.onLine !== false,
  isVisible: () => browser.document?.visibilityState !== "hidden",
  subscribe(changed) {
    const { document } = browser;
    if (document === undefined) return () => undefined;
    const targets = [
      [browser as EventTarget, "online"],
      [browser as EventTarget, "offline"],
      [document, "visibilitychange"],
    ] as const;
    for (const [target, type] of targets) target.addEventListener(type, changed);
    return () => {
      for (const [target, type] of targets) target.removeEventListener(type, changed);
    };
  },
};

export const defaultDependencies: ClientDependencies = {
  nowMs: () => performance.now(),
  setTimer(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
  // Pages over plain http have no crypto.randomUUID.
  key: () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  environment: browserEnvironment,
};
