// How many tuples share a key: the least and the most, over the time in which an effect may have happened.
import { type Key, ownPresenceAfter, presence } from "./membership.ts";
import type { Evaluation } from "./outcomes.ts";
import type { Connection, Invocation } from "./trace.ts";

/**
 * Counts the tuples of `relation` with `key` right after an effect that happened within from..until.
 * `invocation` is what its connection did; undefined where the connection ended, and then its own tuple is gone.
 */
export function countRange(
  { membership }: Evaluation,
  relation: string,
  key: Key,
  connection: Connection,
  invocation: Invocation | undefined,
  from: number,
  until: number,
): { least: number; most: number } {
  const states = membership
    .tuples(relation, key)
    .map((tuple) =>
      tuple.connection !== connection
        ? presence(tuple, from, until)
        : invocation === undefined
          ? "out"
          : ownPresenceAfter(tuple, invocation),
    );
  return {
    least: states.filter((state) => state === "in").length,
    most: states.filter((state) => state !== "out").length,
  };
}
