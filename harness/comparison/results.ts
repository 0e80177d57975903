// What a run measures, as data: the tables are made from this alone.

import type { Sample } from "./sample.ts";
import type { PeerId } from "./servers.ts";

/** One sample per round of each server, in the order of the rounds. */
export type Rounds<One> = Partial<Record<PeerId, One[]>>;

export function addRound<One>(rounds: Rounds<One>, id: PeerId, one: One): void {
  rounds[id] ??= [];
  rounds[id].push(one);
}

export interface FanOutCase {
  readonly members: number;
  readonly inFlight: number;
  readonly samples: Rounds<Sample>;
}

export interface Latency {
  readonly members: number;
  /** Messages per second, the same for all. */
  readonly perSecond: number;
  /** 99th percentile of each round, in ms. */
  readonly p99Ms: Rounds<number>;
}

export interface EchoCase {
  readonly connections: number;
  /** On each connection. */
  readonly inFlight: number;
  readonly samples: Rounds<Sample>;
}

/** The cost of a delivery in rooms of a fixed size, one message under way, whatever else is connected. */
export interface FlatCase {
  readonly connections: number;
  readonly perRoom: number;
  readonly samples: Rounds<Sample>;
}

export interface MemoryCase {
  readonly connections: number;
  /** What the server has grown by, for each connection. */
  readonly bytes: Rounds<number>;
}

export interface Results {
  readonly fanout?: { readonly cases: readonly FanOutCase[]; readonly latency: Latency; readonly frameBytes: Rounds<number> };
  readonly echo?: { readonly cases: readonly EchoCase[] };
  readonly connections?: { readonly count: number; readonly samples: Rounds<Sample>; readonly flat: readonly FlatCase[] };
  readonly memory?: { readonly cases: readonly MemoryCase[] };
}

export type Part = keyof Results;
export const parts: readonly Part[] = ["fanout", "echo", "connections", "memory"];
