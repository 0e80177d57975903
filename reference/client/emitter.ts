// Typed events by listener or by async iteration. What a listener throws never reaches the code that emits.
import { RequestFailed } from "./request-failed.ts";

export interface IterationOptions {
  /** Ends the iteration with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Values that may wait to be read, default 1000. One more ends the iteration with QUEUE_FULL. */
  readonly limit?: number;
}

export interface Emitter<Events> {
  on<E extends keyof Events>(event: E, listener: (value: Events[E]) => unknown): () => void;
  emit<E extends keyof Events>(event: E, value: Events[E]): void;
  iterate<E extends keyof Events>(event: E, options?: IterationOptions): AsyncIterableIterator<Events[E]>;
  /** Ends every iteration once its waiting values are read. */
  endIterations(): void;
}

/** @param failed called with what a listener threw, or its promise rejected with; must not throw */
export function createEmitter<Events>(failed: (error: unknown, event: keyof Events) => void): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(value: never) => unknown>>();
  const iterations = new Set<() => void>();

  function on<E extends keyof Events>(event: E, listener: (value: Events[E]) => unknown): () => void {
    const set = listeners.get(event) ?? new Set();
    listeners.set(event, set);
    // Each call counts for itself, even with the same function twice.
    const own = (value: Events[E]) => listener(value);
    set.add(own);
    return () => set.delete(own);
  }

  function iterate<E extends keyof Events>(
    event: E,
    { signal, limit = 1_000 }: IterationOptions = {},
  ): AsyncIterableIterator<Events[E]> {
    type Result = IteratorResult<Events[E]>;
    const values: Events[E][] = [];
    const readers: PromiseWithResolvers<Result>[] = [];
    const done: Result = { done: true, value: undefined };
    let ending: { readonly error?: unknown } | undefined;
    const end = (reason: { readonly error?: unknown }) => {
      if (ending !== undefined) return;
      ending = reason;
      off();
      iterations.delete(stop);
      signal?.removeEventListener("abort", abort);
      for (const { resolve, reject } of readers.splice(0)) "error" in reason ? reject(reason.error) : resolve(done);
    };
    const stop = () => end({});
    const abort = () => end({ error: signal?.reason });
    const off = on(event, (value) => {
      const reader = readers.shift();
      if (reader !== undefined) reader.resolve({ done: false, value });
      else if (values.length < limit) values.push(value);
      else end({ error: new RequestFailed("QUEUE_FULL", `${limit} events wait to be read`, false) });
    });
    iterations.add(stop);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort);
    return {
      async next() {
        if (values.length > 0) return { done: false, value: values.shift()! };
        if (ending !== undefined) {
          const { error } = ending;
          const hasFailed = "error" in ending;
          ending = {};
          if (hasFailed) throw error;
          return done;
        }
        const reader = withResolvers<Result>();
        readers.push(reader);
        return reader.promise;
      },
      async return() {
        values.length = 0;
        stop();
        return done;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  return {
    on,
    iterate,
    emit(event, value) {
      for (const listener of [...(listeners.get(event) ?? [])]) {
        try {
          const result = (listener as (value: unknown) => unknown)(value);
          // An async listener must not cause an unhandled rejection.
          if (result instanceof Promise) result.catch((error: unknown) => failed(error, event));
        } catch (error) {
          failed(error, event);
        }
      }
    },
    endIterations() {
      for (const stop of [...iterations]) stop();
    },
  };
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve, reject };
}
