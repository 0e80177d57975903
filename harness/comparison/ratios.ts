// Results -> ratios of the reference to each server, one per case, in a fixed order. Pure. Both the tables and the verdicts read these.

import type { Results, Rounds } from "./results.ts";
import type { Sample } from "./sample.ts";
import { type PeerId, peerNames } from "./servers.ts";
import { ratioSpread, type Spread } from "./statistics.ts";

/** By the server's CPU time, or by the clock. */
export type Measure = "cpu" | "wall";

export interface Ratio {
  /** What is compared, such as `fan-out`. */
  readonly group: "fan-out" | "latency" | "echo" | "connections" | "memory" | "flatness";
  /** Under which circumstances, such as `200 members, 64 in flight`. */
  readonly when: string;
  /** undefined: by neither. */
  readonly measure: Measure | undefined;
  readonly peer: PeerId;
  readonly spread: Spread;
  /** Whether the larger ratio is the better one. */
  readonly isGain: boolean;
}

/** Per ms. */
export function speeds(samples: readonly Sample[], measure: Measure): number[] {
  return samples.map(({ count, cpuMs, wallMs }) => count / (measure === "cpu" ? cpuMs : wallMs));
}

export function ratiosOf(results: Results): Ratio[] {
  const { fanout, echo, connections, memory } = results;
  const speedCases: { group: Ratio["group"]; when: string; samples: Rounds<Sample> }[] = [
    ...(fanout?.cases ?? []).map(({ members, inFlight, samples }) => ({
      group: "fan-out" as const,
      when: fanOutCase(members, inFlight),
      samples,
    })),
    ...(echo?.cases ?? []).map(({ connections: count, inFlight, samples }) => ({
      group: "echo" as const,
      when: echoCase(count, inFlight),
      samples,
    })),
    ...(connections ? [{ group: "connections" as const, when: "accepted", samples: connections.samples }] : []),
  ];
  const ratios = speedCases.flatMap(({ group, when, samples }) =>
    (["cpu", "wall"] as const).flatMap((measure) =>
      others(samples).map(
        ([peer, theirs]): Ratio => ({
          group,
          when,
          measure,
          peer,
          spread: ratioSpread(speeds(samples.reference!, measure), speeds(theirs, measure)),
          isGain: true,
        }),
      ),
    ),
  );
  const plain = (group: Ratio["group"], when: string, values: Rounds<number>): Ratio[] =>
    others(values).map(([peer, theirs]) => {
      const spread = ratioSpread(values.reference!, theirs);
      return { group, when, measure: undefined, peer, spread, isGain: false };
    });
  if (fanout) ratios.push(...plain("latency", latencyCase, fanout.latency.p99Ms));
  for (const { connections: count, bytes } of memory?.cases ?? []) ratios.push(...plain("memory", idleCase(count), bytes));
  const [fewest, most] = [connections?.flat[0], connections?.flat.at(-1)];
  for (const peer of ["reference", "bare"] as const) {
    const [few, many] = [fewest?.samples[peer], most?.samples[peer]];
    if (few === undefined || many === undefined) continue;
    // The cost of one is the inverse of the speed.
    const spread = ratioSpread(speeds(few, "cpu"), speeds(many, "cpu"));
    const when = `${most!.connections} connections against ${fewest!.connections}`;
    ratios.push({ group: "flatness", when, measure: "cpu", peer, spread, isGain: false });
  }
  return ratios;
}

export const latencyCase = "a tenth of capacity";

export function fanOutCase(members: number, inFlight: number): string {
  return `${members} members, ${inFlight} in flight`;
}

export function idleCase(connections: number): string {
  return `${connections} idle ones`;
}

export function echoCase(connections: number, inFlight: number): string {
  return `${connections} connections, ${inFlight} in flight on each`;
}

function others<One>(rounds: Rounds<One>): [PeerId, One[]][] {
  return inOrder(rounds).filter(([id]) => id !== "reference");
}

/** As the tables list them: the turns of the first round decide nothing. */
export function inOrder<One>(rounds: Rounds<One>): [PeerId, One[]][] {
  return (Object.keys(peerNames) as PeerId[]).flatMap((id) => (rounds[id] === undefined ? [] : [[id, rounds[id]]]));
}
