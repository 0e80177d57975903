// Repetitions: requests of one user with one idempotency key, of which the first takes effect.
import type { Effect } from "../../spec/contract.ts";
import { canonical } from "./frame.ts";
import { resolve } from "./membership.ts";
import type { Act, Recording } from "./recording.ts";

/** An act that repeats another, certainly or perhaps. */
export interface Repeat {
  readonly of: Act;
  readonly certain: boolean;
}

/** The `once` of an act's operation. */
export function onceOf(act: Act): Extract<Effect, { kind: "once" }> | undefined {
  return act.operation?.effects.find((effect) => effect.kind === "once");
}

/** Acts of one user with one key: the first to be handled takes effect, the others repeat it. */
export function findRepeats(recording: Recording): Map<Act, Repeat> {
  const repeats = new Map<Act, Repeat>();
  const groups = new Map<string, Act[]>();
  for (const act of recording.acts) {
    const once = onceOf(act);
    if (once === undefined || act.outcome === "refused") continue;
    const key = resolve(once.key, { link: act.link, frame: act.frame, key: new Map() });
    if (key === undefined) continue;
    const name = canonical([key, act.link.attributes.get(once.per)]);
    groups.set(name, [...(groups.get(name) ?? []), act]);
  }
  for (const group of groups.values()) {
    for (const act of group) {
      const rivals = group.filter(
        (other) => other !== act && (other.link === act.link ? other.number < act.number : other.sentAt < act.settledAt),
      );
      const before = rivals.find(
        (other) => other.outcome === "done" && other.settledAt < act.sentAt && !isForgotten(recording, other, act),
      );
      const of = before ?? rivals[0];
      if (of !== undefined) repeats.set(act, { of, certain: before !== undefined });
    }
  }
  return repeats;
}

/** Whether the key of the first may have been forgotten when the second was sent. */
function isForgotten({ history }: Recording, first: Act, second: Act): boolean {
  const keptMs = onceOf(first)?.withinMs ?? 0;
  return (history[second.sentAt]?.atMs ?? 0) - (history[first.sentAt]?.atMs ?? 0) >= keptMs;
}
