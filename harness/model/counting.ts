// How many tuples share a key: the least and the most, over the time in which an effect may have happened.
import { type Key, presence } from "./membership.ts";
import { ownPresenceAfter } from "./obligations.ts";
import type { World } from "./outcomes.ts";
import type { Act, Link } from "./recording.ts";

/**
 * Counts the tuples of `relation` with `key` right after an effect that happened within from..until.
 * `act` is what its connection did; undefined where the connection ended, and then its own tuple is gone.
 */
export function countRange(
  { membership }: World,
  relation: string,
  key: Key,
  link: Link,
  act: Act | undefined,
  from: number,
  until: number,
): { least: number; most: number } {
  const states = membership
    .rows(relation, key)
    .map((row) => (row.link !== link ? presence(row, from, until) : act === undefined ? "out" : ownPresenceAfter(row, act)));
  return {
    least: states.filter((state) => state === "in").length,
    most: states.filter((state) => state !== "out").length,
  };
}
