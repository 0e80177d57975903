// Typed events by listener or by async iteration. What a listener throws never reaches the code that emits.
import type { ClientEvents, IterationOptions } from "./api.ts";
import { RequestFailed } from "./request-failed.ts";

export interface Emitter {
  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => unknown): () => void;
  emit<E extends keyof ClientEvents>(event: E, value: ClientEvents[E]): void;
  iterate<E extends keyof ClientEvents>(event: E, options?: IterationOptions): AsyncIterableIterator<ClientEvents[E]>;
  /** Ends every iteration once its waiting values are read. */
  endIterations(): void;
}

export function createEmitter(): Emitter {
  const listeners = new Map<keyof ClientEvents, Set<(value: never) => unknown>>();
  const iterations = new Set<() => void>();

  function on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => unknown): () => void {
    const set = listeners.get(event) ?? new Set();
    listeners.set(event, set);
    // Each call counts for itself, even with the same function twice.
    const own = (value: ClientEvents[E]) => listener(value);
    set.add(own);
    return () => set.delete(own);
  }

  function iterate<E extends keyof ClientEvents>(
    event: E,
    { signal, limit = 1_000 }: IterationOptions = {},
  ): AsyncIterableIterator<ClientEvents[E]> {
    const values: ClientEvents[E][] = [];
    let failure: { readonly error: unknown } | undefined;
    let isOver = false;
    let wake = () => {};
    const end = () => {
      isOver = true;
      off();
      iterations.delete(end);
      signal?.removeEventListener("abort", abort);
      wake();
    };
    const fail = (error: unknown) => {
      failure ??= { error };
      end();
    };
    const abort = () => fail(signal?.reason);
    const off = on(event, (value) => {
      if (values.length >= limit) fail(new RequestFailed("QUEUE_FULL", `${limit} events wait to be read.`, false));
      else values.push(value);
      wake();
    });
    iterations.add(end);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();

    async function* read(): AsyncGenerator<ClientEvents[E]> {
      try {
        for (;;) {
          while (values.length > 0) yield values.shift()!;
          if (failure !== undefined) throw failure.error;
          if (isOver) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        end();
      }
    }
    const iterator = read();
    const finish = iterator.return.bind(iterator);
    // A generator that was never started would keep its listener, and one that waits would not end.
    iterator.return = (value) => {
      values.length = 0;
      end();
      return finish(value);
    };
    return iterator;
  }

  function emit<E extends keyof ClientEvents>(event: E, value: ClientEvents[E]): void {
    const failed = (error: unknown) => {
      // A listener of `problem` that throws is not told of itself.
      if (event !== "problem") emit("problem", { source: "listener", error });
    };
    for (const listener of [...(listeners.get(event) ?? [])]) {
      try {
        const result = (listener as (value: unknown) => unknown)(value);
        // An async listener must not cause an unhandled rejection.
        if (result instanceof Promise) result.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }

  return {
    on,
    emit,
    iterate,
    endIterations() {
      for (const end of [...iterations]) end();
    },
  };
}
