// The schedule of faults, drawn from the seed: every kind once before any is repeated. Pure.
import { createPrng } from "../schema/prng.ts";

export const faultKinds = [
  "node-killed",
  "node-paused",
  "rolling-restart",
  "redis-restarted",
  "redis-flushed",
  "subscriber-killed",
  "command-connections-killed",
  "redis-paused",
  "partition-reset",
  "partition-silent",
  "clients-reset",
  "clients-stalled",
  "load-balancer-reloaded",
  "clock-skew",
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Which node, where the kind is about one. */
  readonly node: number;
  /** Quiet before it, in ms. */
  readonly afterMs: number;
  /** How long it lasts, in ms. */
  readonly forMs: number;
}

/** Shortest and longest, in ms. A node that is paused is not yet taken for dead, nor is Redis by all that wait. */
const durations: Readonly<Record<FaultKind, readonly [number, number]>> = {
  "node-killed": [0, 2_000],
  "node-paused": [5_000, 5_000],
  "rolling-restart": [0, 500],
  "redis-restarted": [0, 1_500],
  "redis-flushed": [0, 1_500],
  "subscriber-killed": [0, 0],
  "command-connections-killed": [0, 0],
  "redis-paused": [300, 3_000],
  "partition-reset": [200, 3_000],
  "partition-silent": [500, 4_000],
  "clients-reset": [0, 0],
  "clients-stalled": [500, 2_000],
  "load-balancer-reloaded": [0, 1_500],
  "clock-skew": [300, 1_000],
};
const quietMs = [300, 1_500] as const;

/**
 * @param seed the same seed, the same schedule
 * @param kinds those that can be done here; default all
 */
export function planFaults({
  seed,
  count,
  nodes,
  kinds = faultKinds,
}: {
  readonly seed: number;
  readonly count: number;
  readonly nodes: number;
  readonly kinds?: readonly FaultKind[];
}): PlannedFault[] {
  const draw = createPrng(seed);
  const between = ([least, most]: readonly [number, number]) => Math.round(least + draw() * (most - least));
  const plan: PlannedFault[] = [];
  let left: FaultKind[] = [];
  while (plan.length < count) {
    if (left.length === 0) left = [...kinds];
    const [kind] = left.splice(Math.floor(draw() * left.length), 1);
    plan.push({ kind: kind!, node: Math.floor(draw() * nodes), afterMs: between(quietMs), forMs: between(durations[kind!]) });
  }
  return plan;
}
