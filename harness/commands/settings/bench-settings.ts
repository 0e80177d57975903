// The settings of a bench: what was given, then wsproof.config.yaml, then defaults; checked before anything is started.
import { parseCapacityConditions } from "../../load/capacity.ts";
import { parseShardNumber, parseStartAt } from "../../load/shards.ts";
import { parseStages } from "../../load/stages.ts";
import { parseThresholds, type Threshold } from "../../load/thresholds.ts";
import type { LoadProfile } from "../../load/worker-context.ts";
import type { Shard } from "../../load/worker-pool.ts";
import { UsageError } from "../../schema/errors.ts";
import { benchOptions } from "./bench-options.ts";
import { checkValues, type Naming } from "./check-values.ts";
import { loadConfig } from "./config-file.ts";
import { type Given, type Settled, withDefaults } from "./option.ts";
import { checkUrls } from "./urls.ts";

export type BenchGiven = Given<typeof benchOptions>;

export interface BenchSettings extends Omit<Settled<typeof benchOptions>, "url" | "auth" | "failOn" | "shard" | "startAt"> {
  /** Empty: our own reference server, started for the run. */
  readonly urls: readonly string[];
  readonly auth: NonNullable<BenchGiven["auth"]>;
  readonly profile: LoadProfile;
  readonly failOn: readonly Threshold[];
  readonly shard: Shard | undefined;
  readonly given: BenchGiven;
}

const defaultPerSecond = 50;

/**
 * @param seed used where none is given
 * @throws UsageError that names the option, echoes the value, and says what was expected
 */
export function loadBenchSettings(given: BenchGiven, naming: Naming, seed: number): BenchSettings {
  checkValues(benchOptions, given, { naming });
  const isGiven = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as BenchGiven;
  const settled = withDefaults(benchOptions, { ...(loadConfig(given.config, "bench") as BenchGiven), ...isGiven });
  const { rate, inFlight, findCapacity } = settled;
  if (rate !== undefined && inFlight !== undefined)
    throw new UsageError("--rate sends on a schedule, --in-flight sends as fast as answers come: leave out one of them");
  if (findCapacity !== undefined) parseCapacityConditions(findCapacity);
  if (findCapacity !== undefined && inFlight !== undefined)
    throw new UsageError("--find-capacity searches the rate, so --in-flight has no meaning: leave out one of them");
  const { connections, rooms, members, payloadBytes, durationMs, warmUpMs, timeoutMs, weights } = settled;
  return {
    ...settled,
    urls: checkUrls(settled.url ?? []),
    auth: settled.auth ?? {},
    profile: {
      ...{ connections, rooms, members, payloadBytes, durationMs, warmUpMs, timeoutMs, weights },
      perSecond: rate ?? (inFlight === undefined ? defaultPerSecond : undefined),
      inFlight: inFlight ?? 1,
      operation: settled.operation,
      restarts: settled.restartCommand !== undefined,
      ...stagesOf(settled),
      seed: settled.seed ?? seed,
    },
    shard: shardOf(settled),
    failOn: settled.failOn === undefined ? [] : parseThresholds(settled.failOn),
    given: isGiven,
  };
}

/** The stages say how long the run is; they have no warm-up. */
function stagesOf({ stages, scenario }: Settled<typeof benchOptions>): Partial<LoadProfile> {
  if ((stages !== undefined) !== (scenario === "ramp"))
    throw new UsageError("--stages and --scenario ramp belong together, as in --scenario ramp --stages 10s:100,30s:500");
  if (stages === undefined) return {};
  const parsed = parseStages(stages);
  return { stages: parsed, durationMs: parsed.reduce((sum, { durationMs }) => sum + durationMs, 0), warmUpMs: 0 };
}

/** Shards that have no target in common, or no place for what they counted, make no run. */
function shardOf({ shard, startAt, url, json, findCapacity, repeat }: Settled<typeof benchOptions>): Shard | undefined {
  if (shard === undefined && startAt === undefined) return undefined;
  if (shard === undefined || startAt === undefined)
    throw new UsageError("--shard and --start-at belong together: all shards begin at one time");
  if (url === undefined || url.length === 0)
    throw new UsageError("--shard needs the URL of a server: all shards load the same one");
  if (json === undefined)
    throw new UsageError("--shard needs --json FILE: `wsproof bench merge` adds up the files of all shards");
  if (findCapacity !== undefined) throw new UsageError("--find-capacity searches with one process: leave out --shard");
  if (repeat > 1) throw new UsageError("--repeat needs one process: leave out --shard");
  return { ...parseShardNumber(shard, process.env), startAtMs: parseStartAt(startAt) };
}
