// The history of a case as the model reads it: half-closed connections have hung up, and requests over HTTP stand among the frames.
import type { History, HistoryEvent } from "../../model/history.ts";
import type { Call } from "./call.ts";

/** @param halfClosed connection -> when we ended our side of it, in ms */
export function caseHistory(events: History, halfClosed: ReadonlyMap<number, number>, calls: readonly Call[]): History {
  return withHangUps(withCalls(events, calls), halfClosed);
}

/** A half-close is a hang-up too: what comes afterwards may or may not reach us. */
function withHangUps(events: History, halfClosed: ReadonlyMap<number, number>): History {
  if (halfClosed.size === 0) return events;
  const told: HistoryEvent[] = [];
  const waiting = new Map(halfClosed);
  for (const event of events) {
    for (const [connection, atMs] of waiting) {
      if (event.atMs < atMs) continue;
      told.push({ kind: "hang-up", connection, code: 1006, atMs });
      waiting.delete(connection);
    }
    told.push(event);
  }
  for (const [connection, atMs] of waiting) told.push({ kind: "hang-up", connection, code: 1006, atMs });
  return told;
}

/** Puts what was sent before the events of its moment, so that nothing comes before its cause. */
function withCalls(events: History, calls: readonly Call[]): History {
  const more = calls.flatMap((call) => call.events).sort((a, b) => a.atMs - b.atMs);
  if (more.length === 0) return events;
  const merged: HistoryEvent[] = [];
  let next = 0;
  for (const event of events) {
    for (let one = more[next]; one !== undefined && one.atMs <= event.atMs; one = more[++next]) merged.push(one);
    merged.push(event);
  }
  return [...merged, ...more.slice(next)];
}
