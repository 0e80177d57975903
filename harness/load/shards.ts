// Shards: one load made by several processes, each of which writes what it counted; the merge adds them up exactly. Pure.
import { UsageError } from "../schema/errors.ts";
import { aggregate, type RunFacts } from "./aggregate.ts";
import type { LoadResult } from "./load-result.ts";
import { countLost } from "./member.ts";
import type { Recorded } from "./recorder.ts";
import type { LoadProfile, Reached, SeenByMember } from "./worker-context.ts";
import { mergeReached, type Shard } from "./worker-pool.ts";
import type { SliceResult } from "./worker-slice.ts";

/** What a shard writes beside its own result. Plain data. */
export interface ShardRecord extends Shard {
  readonly profile: LoadProfile;
  readonly slices: readonly SliceResult[];
  readonly reached: Reached;
}

export type ShardResult = LoadResult & { readonly shard: ShardRecord };

/**
 * One result of all shards, as one process would have counted it: histograms and counts are added, and what is lost is counted anew,
 * because a shard knows only its own acknowledged messages.
 * @param files name -> text, of all shards of one run
 * @throws UsageError that names the file, or the shards that are missing
 */
export function mergeShards(files: ReadonlyMap<string, string>): LoadResult {
  const shards = [...files].map(([file, text]) => ({ file, result: parseShard(file, text) }));
  const [first] = shards;
  if (first === undefined) throw new UsageError("expected the --json files of all shards, got none");
  const { count, startAtMs, profile } = first.result.shard;
  const byIndex = new Map<number, string>();
  for (const { file, result } of shards) {
    const { shard, scenario } = result;
    const isSame =
      shard.count === count &&
      shard.startAtMs === startAtMs &&
      scenario === first.result.scenario &&
      JSON.stringify(shard.profile) === JSON.stringify(profile);
    if (!isSame)
      throw new UsageError(
        `${file} is not a shard of the same run as ${first.file}: scenario, load, --shard or --start-at differ`,
      );
    const twin = byIndex.get(shard.index);
    if (twin !== undefined) throw new UsageError(`${file} and ${twin} are both shard ${shard.index + 1} of ${count}`);
    byIndex.set(shard.index, file);
  }
  const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !byIndex.has(index));
  if (missing.length > 0) throw new UsageError(`shard ${missing.map((index) => index + 1).join(", ")} of ${count} is missing`);

  const results = shards.map(({ result }) => result);
  const reached = mergeReached(results.map(({ shard }) => shard.reached));
  const slices = results.flatMap(({ shard }) => shard.slices.map((slice) => withLost(slice, reached)));
  const facts: RunFacts = {
    scenario: first.result.scenario,
    title: first.result.title,
    url: [...new Set(results.map(({ url }) => url))].join(" "),
    profile,
    start: new Date(Math.min(...results.map(({ start }) => Date.parse(start)))),
    finish: new Date(Math.max(...results.map(({ finish }) => Date.parse(finish)))),
    memory: undefined,
    cpuSeconds: results.reduce((sum, { generator }) => sum + generator.cpuSeconds, 0),
    notes: [`${count} shards, merged; latency between two machines is only as exact as their clocks agree`],
  };
  return aggregate(slices, facts);
}

/** The slice with what its members lost of what was acknowledged in any shard. */
function withLost(slice: SliceResult, reached: Reached): SliceResult {
  const lost = Object.entries(slice.seen).reduce((sum, [log, members]) => {
    const span = reached[log];
    return span === undefined ? sum : sum + members.reduce((of, member) => of + countLost(member, span.lowest, span.highest), 0);
  }, 0);
  const { counts } = slice.recorded;
  const expected = counts.expected - counts.lost + lost;
  const recorded: Recorded = { ...slice.recorded, counts: { ...counts, lost, expected } };
  return { ...slice, recorded };
}

function parseShard(file: string, text: string): ShardResult {
  let value: Partial<ShardResult> | null;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${file} is not JSON: give what \`wsproof bench --shard I/N --json FILE\` wrote`);
  }
  const shard = value?.shard as Partial<ShardRecord> | undefined;
  if (
    typeof shard?.index !== "number" ||
    typeof shard.count !== "number" ||
    !Array.isArray(shard.slices) ||
    !shard.slices.every(isSlice)
  )
    throw new UsageError(`${file} is not the result of a shard: give what \`wsproof bench --shard I/N --json FILE\` wrote`);
  return value as ShardResult;
}

function isSlice(value: unknown): value is SliceResult {
  const { recorded, seen } = (value ?? {}) as {
    readonly recorded?: Partial<Recorded>;
    readonly seen?: Record<string, SeenByMember[]>;
  };
  return Array.isArray(recorded?.seconds) && typeof recorded.late === "string" && typeof seen === "object" && seen !== null;
}

/**
 * Reads `--shard`: `2/4`, or `4` alone where the scheduler gives the number, from 0, in JOB_COMPLETION_INDEX.
 * @throws UsageError
 */
export function parseShardNumber(
  text: string,
  environment: NodeJS.ProcessEnv,
): { readonly index: number; readonly count: number } {
  const [, number, of] = /^(?:(\d{1,6})\/)?(\d{1,6})$/.exec(text) ?? [];
  const count = Number(of);
  const given = environment.JOB_COMPLETION_INDEX;
  const index = number === undefined ? Number(given === "" ? Number.NaN : given) : Number(number) - 1;
  if (of === undefined || count < 1) throw new UsageError(`expected --shard as I/N such as 2/4, got "${text}"`);
  if (number === undefined && given === undefined)
    throw new UsageError(`expected --shard as I/N such as 1/${count}: JOB_COMPLETION_INDEX, which gives I from 0, is not set`);
  if (!Number.isInteger(index) || index < 0 || index >= count)
    throw new UsageError(
      `expected ${number === undefined ? `JOB_COMPLETION_INDEX from 0 to ${count - 1}, got "${given}"` : `--shard from 1/${count} to ${count}/${count}, got "${text}"`}`,
    );
  return { index, count };
}

/** Reads `--start-at`: an ISO 8601 time with its zone, or seconds since 1970. @throws UsageError */
export function parseStartAt(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : /(Z|[+-]\d\d:?\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new UsageError(`expected --start-at as 2030-01-01T12:00:00Z or seconds since 1970, got "${text}"`);
  return ms;
}
