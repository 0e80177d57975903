// What a load run gives: autocannon's shape, so that its tables print it, and beside it what only a checked WebSocket run knows.

import type { Result as AutocannonResult } from "autocannon";

/** Statistics of a sample. Latencies are in ms; requests and throughput are counts and bytes per second. */
export interface Statistics {
  readonly average: number;
  readonly mean: number;
  readonly stddev: number;
  readonly min: number;
  readonly max: number;
  readonly p0_001: number;
  readonly p0_01: number;
  readonly p0_1: number;
  readonly p1: number;
  readonly p2_5: number;
  readonly p10: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p97_5: number;
  readonly p99: number;
  readonly p99_9: number;
  readonly p99_99: number;
  readonly p99_999: number;
}

/** What stands among the error codes of `refused`, where it was no server that refused. */
export const unanswered = { closed: "(closed before the reply)", noneLeft: "(no connection was left)" } as const;

/** One second of a run, counted from the end of the warm-up. */
export interface Second {
  readonly second: number;
  /** Operations that we sent. */
  readonly sent: number;
  /** What counts as done: replies, deliveries or accepted connections. */
  readonly done: number;
  /** Refusals, closes and losses that became known. */
  readonly errors: number;
  /** Of what was done in it, in ms; undefined where nothing was. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly max: number | undefined;
  readonly mean?: number | undefined;
  readonly p90?: number | undefined;
  readonly p99_9?: number | undefined;
}

/** Where the generator ran. */
export interface Machine {
  readonly cpus: number;
  readonly model: string;
  readonly memoryBytes: number;
  readonly node: string;
  /** Processes that wanted a CPU in the minute before the run, and in the last minute of it. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

/** What a check of each delivery found. All are counts. */
export interface Deliveries {
  readonly expected: number;
  readonly received: number;
  /** Acknowledged, and never came to a member within the deadline. */
  readonly lost: number;
  readonly duplicated: number;
  /** Came after a later one. */
  readonly disordered: number;
  /** Nobody asked for it: its content is none of ours. */
  readonly unexpected: number;
}

export interface Generator {
  /** How much later than intended it sent, in ms. */
  readonly lag: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Slice of the time in which its busiest thread was at work, 0 to 1. */
  readonly busy: number;
  /** Slice of its work that was reading and checking what came, 0 to 1. */
  readonly checking: number;
  readonly cpuSeconds: number;
}

export interface Memory {
  /** Of the server's process, resident, in bytes. */
  readonly beforeBytes: number;
  readonly afterBytes: number;
  readonly perConnectionBytes: number;
}

export interface HttpPart {
  readonly title: string;
  /** As autocannon gives it. */
  readonly result: AutocannonResult;
}

/** What a scenario judged at its end. */
export interface Findings {
  /** By metric; one that was not measured is left out. */
  readonly figures: Readonly<Record<string, number>>;
  /** Sentences. */
  readonly lines: readonly string[];
  /** What the server did wrong, sentences. */
  readonly wrong: readonly string[];
}

export interface LoadResult {
  // --- as autocannon has it ---
  readonly title: string;
  readonly url: string;
  readonly connections: number;
  /** Of the samples of requests and throughput, in ms. */
  readonly sampleInt: number;
  readonly pipelining: number;
  readonly workers: number;
  /** Without the warm-up, in seconds. */
  readonly duration: number;
  readonly samples: number;
  /** ISO 8601. */
  readonly start: string;
  readonly finish: string;
  readonly errors: number;
  readonly timeouts: number;
  readonly mismatches: number;
  readonly resets: number;
  readonly non2xx: number;
  readonly "1xx": number;
  readonly "2xx": number;
  readonly "3xx": number;
  readonly "4xx": number;
  readonly "5xx": number;
  readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>;
  readonly latency: Statistics & { readonly totalCount: number };
  readonly requests: Statistics & { readonly total: number; readonly sent: number };
  readonly throughput: Statistics & { readonly total: number };
  // --- ours ---
  readonly scenario: string;
  /** What one "request" of the tables is, such as `delivery of message`. */
  readonly unit: string;
  /** As asked; per second, over all connections. Undefined: closed model. */
  readonly rate: number | undefined;
  readonly rooms: number | undefined;
  readonly members: number | undefined;
  readonly payloadBytes: number | undefined;
  readonly sent: number;
  readonly replied: number;
  /** Error code -> count. */
  readonly refused: Readonly<Record<string, number>>;
  /** Close code, or how the connection ended -> count. */
  readonly closed: Readonly<Record<string, number>>;
  readonly deliveries: Deliveries | undefined;
  readonly generator: Generator;
  /** Why the figures are not the server's; empty where they are. */
  readonly invalid: readonly string[];
  readonly notes: readonly string[];
  readonly memory: Memory | undefined;
  /** What the scenario judged at its end; undefined where it judges nothing of its own. */
  readonly findings?: Findings | undefined;
  /** Resident memory of the server over the run: [seconds since its begin, bytes]. */
  readonly serverMemory?: readonly (readonly [seconds: number, bytes: number])[] | undefined;
  /** Heartbeats of the server that were answered. */
  readonly heartbeats: number;
  /** What autocannon did beside: refused upgrades, or the publishes of which the deliveries were measured. */
  readonly http: HttpPart | undefined;
  readonly machine?: Machine | undefined;
  /** Of `--repeat`: what each run measured, by the name of the metric in a comparison; undefined for a single run. */
  readonly repeats?: readonly Readonly<Record<string, number>>[] | undefined;
  readonly series: readonly Second[];
  /** Latency by percentile for a plot: [percentile 0 to 100, ms], rising. */
  readonly curve: readonly (readonly [percentile: number, ms: number])[];
}
