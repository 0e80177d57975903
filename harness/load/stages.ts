// The stages of `ramp`: how many connections are to be open when. Pure.
import { UsageError } from "../schema/errors.ts";
import type { LoadProfile, Stage } from "./worker-context.ts";

/** Of all stages. */
export function mostConnections({ stages = [] }: Pick<LoadProfile, "stages">): number {
  return Math.max(0, ...stages.map(({ connections }) => connections));
}

/** How many are to be open so long after the begin: in a straight line from the end of one stage to that of the next, from 0. */
export function connectionsAt(stages: readonly Stage[], ms: number): number {
  let from = 0;
  let left = ms;
  for (const { durationMs, connections } of stages) {
    if (left < durationMs) return Math.round(from + ((connections - from) * left) / durationMs);
    left -= durationMs;
    from = connections;
  }
  return from;
}

/** Reads `--stages`: `10s:100,30s:500`. @throws UsageError */
export function parseStages(text: string): readonly Stage[] {
  return text.split(",").map((piece) => {
    const [, digits, unit = "s", connections] = /^\s*(\d+(?:\.\d+)?)(ms|s|m|h)?:(\d{1,7})\s*$/.exec(piece) ?? [];
    const durationMs = Number(digits) * ({ ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit] ?? Number.NaN);
    if (!(durationMs >= 1 && durationMs <= 86_400_000))
      throw new UsageError(`expected --stages as DURATION:CONNECTIONS such as 10s:100,30s:500, got "${piece}"`);
    return { durationMs, connections: Number(connections) };
  });
}
