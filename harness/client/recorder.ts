// Records the history of a run as it happens, and tells those who wait for something in it.

import type { History, HistoryEvent } from "../model/history.ts";
import type { Clock } from "./clock.ts";

/** What a recorded event consists of before it gets its time. */
type Untimed<E> = E extends HistoryEvent ? Omit<E, "atMs"> : never;

export interface Recorder {
  readonly clock: Clock;
  readonly events: History;
  /** Messages of the whole run, also of forgotten connections. */
  readonly counts: { readonly sent: number; readonly received: number };
  /** When the last message came, in ms; 0 where none has. */
  readonly lastReceivedMs: number;
  /** A number for one more connection. */
  nextConnection(): number;
  record(event: Untimed<HistoryEvent>): HistoryEvent;
  /** Calls `listener` after each event until the function that it returns is called. */
  onEvent(listener: (event: HistoryEvent) => void): () => void;
  /** Drops what the connections did, to keep memory flat; their numbers are not used again. */
  forget(connections: ReadonlySet<number>): void;
}

export function createRecorder(clock: Clock): Recorder {
  let events: HistoryEvent[] = [];
  let connections = 0;
  let lastReceivedMs = 0;
  const counts = { sent: 0, received: 0 };
  const listeners = new Set<(event: HistoryEvent) => void>();
  return {
    clock,
    get events() {
      return events;
    },
    counts,
    get lastReceivedMs() {
      return lastReceivedMs;
    },
    nextConnection: () => connections++,
    record(untimed) {
      const event = { ...untimed, atMs: clock.nowMs() } as HistoryEvent;
      events.push(event);
      if (event.kind === "send") counts.sent++;
      if (event.kind === "receive") {
        counts.received++;
        lastReceivedMs = event.atMs;
      }
      for (const listener of [...listeners]) listener(event);
      return event;
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    forget(gone) {
      events = events.filter((event) => !gone.has(event.connection));
    },
  };
}
