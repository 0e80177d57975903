// What all threads counted -> one result, with what makes it invalid. Pure.
import {
  addEncoded,
  createHistogram,
  curveOf,
  type Histogram,
  latencyStatistics,
  percentileMs,
  sampleStatistics,
} from "./histogram.ts";
import {
  type Deliveries,
  type LoadResult,
  type Machine,
  type Memory,
  type Second,
  type Statistics,
  unanswered,
} from "./load-result.ts";
import type { Counts, RecordedSecond } from "./recorder.ts";
import type { Evidence } from "./scenario.ts";
import { scenarioOf } from "./scenarios.ts";
import type { Facts, LoadProfile } from "./worker-context.ts";
import type { SliceResult } from "./worker-slice.ts";

export interface RunFacts {
  readonly scenario: string;
  readonly title: string;
  readonly url: string;
  readonly profile: LoadProfile;
  readonly start: Date;
  readonly finish: Date;
  readonly memory: Memory | undefined;
  /** See Evidence.memory; empty where it is not known. */
  readonly memorySamples?: Evidence["memory"];
  readonly machine?: Machine;
  readonly cpuSeconds: number;
  readonly notes: readonly string[];
}

/** A generator whose sends were late by more than this, and by more than a part of the latency, measured itself. */
const lateMs = 10;
const latePart = 0.25;
/** A thread that was at work for longer had no time to read what came when it came. */
const busiest = 0.9;

export function aggregate(slices: readonly SliceResult[], facts: RunFacts): LoadResult {
  const { profile, scenario } = facts;
  const recorded = slices.map((slice) => slice.recorded);
  const counts = addCounts(recorded.map((one) => one.counts));
  const latency = merged(recorded.flatMap(({ late, seconds }) => [late, ...seconds.flatMap((one) => one.latency ?? [])]));
  const lag = merged(recorded.map((one) => one.lag));
  const wholeSeconds = Math.max(1, Math.floor(profile.durationMs / 1000));
  const bySecond = Array.from({ length: wholeSeconds }, (_, at) => recorded.flatMap(({ seconds }) => seconds[at] ?? []));
  const sumOf = (seconds: readonly RecordedSecond[], of: (one: RecordedSecond) => number) =>
    seconds.reduce((total, one) => total + of(one), 0);
  const refused = addRecords(recorded.map((one) => one.refused));
  const closed = addRecords(recorded.map((one) => one.closed));
  const busy = Math.max(...slices.map((slice) => slice.busy));
  const busyMs = slices.reduce((sum, slice) => sum + slice.busyMs, 0);
  const generator = {
    lag: { p50: percentileMs(lag, 50), p99: percentileMs(lag, 99), max: lag.totalCount === 0 ? 0 : lag.maxValue / 1000 },
    busy: rounded(busy),
    checking: rounded(Math.min(1, counts.readMs / Math.max(1, busyMs))),
    cpuSeconds: rounded(facts.cpuSeconds),
  };
  const statistics = latencyStatistics(latency);
  const requests = bySecond.map((seconds) => sumOf(seconds, ({ done }) => done));
  const throughput = bySecond.map((seconds) => sumOf(seconds, ({ bytes }) => bytes));
  const { uses, due, findings } = scenarioOf(scenario);
  const series = bySecond.map((seconds, second) => secondOf(second, seconds));
  const memory = facts.memorySamples ?? [];
  return {
    title: facts.title,
    url: facts.url,
    connections: slices[0]?.connections ?? 0,
    sampleInt: 1000,
    pipelining: 1,
    workers: slices.length,
    duration: rounded(profile.durationMs / 1000),
    samples: wholeSeconds,
    start: facts.start.toISOString(),
    finish: facts.finish.toISOString(),
    errors:
      total(refused) + total(closed) + counts.timeouts + counts.lost + counts.duplicated + counts.disordered + counts.unexpected,
    timeouts: counts.timeouts,
    mismatches: counts.unexpected,
    resets: 0,
    non2xx: 0,
    "1xx": 0,
    "2xx": 0,
    "3xx": 0,
    "4xx": 0,
    "5xx": 0,
    statusCodeStats: {},
    latency: { ...statistics, totalCount: latency.totalCount },
    requests: { ...sampleStatistics(requests), total: counts.done, sent: counts.sent },
    throughput: { ...sampleStatistics(throughput), total: counts.bytes },
    scenario,
    unit: slices[0]?.unit ?? "",
    rate: profile.perSecond,
    rooms: uses.includes("rooms") ? profile.rooms : undefined,
    members: uses.includes("members") ? profile.members : undefined,
    payloadBytes: uses.includes("payload") ? profile.payloadBytes : undefined,
    sent: counts.sent,
    replied: counts.replied,
    refused,
    closed,
    deliveries: uses.includes("deliveries") || (uses.includes("log") && counts.expected > 0) ? deliveriesOf(counts) : undefined,
    generator,
    invalid: invalidReasons(
      generator,
      statistics.p99,
      profile,
      counts.sent + (refused[unanswered.noneLeft] ?? 0),
      due?.(profile),
    ),
    notes: [
      ...new Set([
        ...facts.notes,
        ...stallNotes(Math.max(...slices.map(({ stallMs }) => stallMs)), statistics),
        ...recorded.flatMap((one) => one.notes),
      ]),
    ],
    memory: facts.memory,
    heartbeats: counts.pings,
    http: slices.find((slice) => slice.http !== undefined)?.http,
    findings: findings?.({ profile, series, memory, facts: joined(slices.map((slice) => slice.facts)) }),
    machine: facts.machine,
    serverMemory: memory.length === 0 ? undefined : memory,
    series,
    curve: curveOf(latency),
  };
}

function invalidReasons(
  { lag, busy }: LoadResult["generator"],
  p99: number,
  { perSecond }: LoadProfile,
  sent: number,
  due: number | undefined,
): string[] {
  const reasons: string[] = [];
  const fix = `${perSecond === undefined ? "Lower --in-flight" : "Lower --rate"}, give it --workers, or a quieter machine`;
  const ms = (value: number) => `${Math.round(value * 10) / 10} ms`;
  if (lag.p99 > lateMs && lag.p99 > p99 * latePart)
    reasons.push(`the generator sent ${ms(lag.p99)} late (p99), of a latency of ${ms(p99)}: it measured itself. ${fix}`);
  if (busy > busiest)
    reasons.push(`the generator was at work ${Math.round(busy * 100)} % of the time: its own delays count as latency. ${fix}`);
  if (due !== undefined && sent < due * 0.99 - 1) reasons.push(`the generator sent ${sent} of ${Math.round(due)} that were due`);
  return reasons;
}

/** What no lag shows: a stall that is too short for a percentile that decides, or between two sends. */
function stallNotes(stallMs: number, { max }: Statistics): string[] {
  if (stallMs <= lateMs || stallMs <= max * latePart) return [];
  return [`the generator itself stalled once, for ${Math.round(stallMs)} ms: latencies in that time are too high`];
}

function deliveriesOf({ expected, received, lost, duplicated, disordered, unexpected }: Counts): Deliveries {
  return { expected, received, lost, duplicated, disordered, unexpected };
}

function secondOf(second: number, parts: readonly RecordedSecond[]): Second {
  const latency = merged(parts.flatMap((part) => part.latency ?? []));
  const is = latency.totalCount > 0;
  const add = (of: (part: RecordedSecond) => number) => parts.reduce((sum, part) => sum + of(part), 0);
  return {
    second,
    sent: add(({ sent }) => sent),
    done: add(({ done }) => done),
    errors: add(({ errors }) => errors),
    p50: is ? percentileMs(latency, 50) : undefined,
    p99: is ? percentileMs(latency, 99) : undefined,
    max: is ? latency.maxValue / 1000 : undefined,
    mean: is ? latency.mean / 1000 : undefined,
    p90: is ? percentileMs(latency, 90) : undefined,
    p99_9: is ? percentileMs(latency, 99.9) : undefined,
  };
}

function merged(encoded: readonly string[]): Histogram {
  const histogram = createHistogram();
  for (const one of encoded) addEncoded(histogram, one);
  return histogram;
}

function addCounts(all: readonly Counts[]): Counts {
  const sum = { ...all[0]! };
  for (const one of all.slice(1)) for (const key of Object.keys(sum) as (keyof Counts)[]) sum[key] += one[key];
  return sum;
}

function addRecords(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum = new Map<string, number>();
  for (const one of all) for (const [key, count] of Object.entries(one)) sum.set(key, (sum.get(key) ?? 0) + count);
  return Object.fromEntries(sum);
}

function joined(all: readonly Facts[]): Facts {
  const names = new Set(all.flatMap((facts) => Object.keys(facts)));
  return Object.fromEntries([...names].map((name) => [name, all.flatMap((facts) => facts[name] ?? [])]));
}

const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, count) => sum + count, 0);
const rounded = (value: number) => Math.round(value * 1000) / 1000;
