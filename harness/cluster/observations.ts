// What all subscriptions of a run observed, as one list, and how it is grouped.
import type { LogHistory, ObservedEvent, Position, Subscription } from "./log-history.ts";

export const shown = ({ epoch, seq }: Position) => `${epoch}:${seq}`;
export const positionKey = (key: string, at: Position) => `${key} ${shown(at)}`;

export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

export interface Observation {
  readonly subscription: Subscription;
  readonly seen: ObservedEvent;
}

export function observations({ subscriptions }: LogHistory): Observation[] {
  return subscriptions.flatMap((subscription) => subscription.seen.map((seen) => ({ subscription, seen })));
}
