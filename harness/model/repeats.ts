// Repetitions: requests of one user with one idempotency key, of which the first takes effect.
import type { Effect } from "../../spec/contract.ts";
import { canonical } from "./frame.ts";
import { resolve, scopeOf } from "./membership.ts";
import type { Invocation, Trace } from "./trace.ts";

/** An invocation that repeats another, certainly or perhaps. */
export interface Repeat {
  readonly of: Invocation;
  readonly certain: boolean;
}

/** The `once` of an invocation's operation. */
export function onceOf(invocation: Invocation): Extract<Effect, { kind: "once" }> | undefined {
  return invocation.operation?.effects.find((effect) => effect.kind === "once");
}

/** Invocations of one user with one key: the first to be handled takes effect, the others repeat it. */
export function findRepeats(trace: Trace): Map<Invocation, Repeat> {
  const repeats = new Map<Invocation, Repeat>();
  const groups = new Map<string, Invocation[]>();
  for (const invocation of trace.invocations) {
    const once = onceOf(invocation);
    if (once === undefined || invocation.outcome === "fail") continue;
    const key = resolve(once.key, scopeOf(invocation));
    if (key === undefined) continue;
    const name = canonical([key, invocation.connection.attributes.get(once.per)]);
    groups.set(name, [...(groups.get(name) ?? []), invocation]);
  }
  for (const group of groups.values()) {
    for (const invocation of group) {
      const rivals = group.filter(
        (other) =>
          other !== invocation &&
          (other.connection === invocation.connection ? other.number < invocation.number : other.sentAt < invocation.settledAt),
      );
      const before = rivals.find(
        (other) => other.outcome === "ok" && other.settledAt < invocation.sentAt && !isForgotten(trace, other, invocation),
      );
      const of = before ?? rivals[0];
      if (of !== undefined) repeats.set(invocation, { of, certain: before !== undefined });
    }
  }
  return repeats;
}

/** Whether the key of the first may have been forgotten when the second was sent. */
function isForgotten({ history }: Trace, first: Invocation, second: Invocation): boolean {
  const keptMs = onceOf(first)?.withinMs ?? 0;
  return (history[second.sentAt]?.atMs ?? 0) - (history[first.sentAt]?.atMs ?? 0) >= keptMs;
}
