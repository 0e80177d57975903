// What the mock remembers, all of it bounded: positions of streams, what rates have left, and which idempotency keys were used.
import type { Stream } from "../../spec/contract.ts";
import { canonical } from "../model/frame.ts";

/** Events that a log keeps for replays. */
const maxEvents = 1_000;
const maxLogs = 10_000;
const maxKeys = 10_000;
const maxBuckets = 100_000;

export interface LogEvent {
  readonly seq: number;
  readonly message: string;
  readonly frame: unknown;
  /** The connection that does not receive it, because it caused it. */
  readonly excluded: number | undefined;
}

export interface Log {
  readonly epoch: unknown;
  seq: number;
  readonly events: LogEvent[];
}

/** The logs of streams that have positions. One that is dropped begins again in another epoch. */
export class Logs {
  readonly #logs = new Map<string, Log>();
  readonly #freshEpoch: (stream: Stream) => unknown;

  constructor(freshEpoch: (stream: Stream) => unknown) {
    this.#freshEpoch = freshEpoch;
  }

  of(stream: Stream, key: unknown): Log {
    const name = `${stream.name} ${canonical(key)}`;
    const known = this.#logs.get(name);
    if (known !== undefined) return known;
    const log = { epoch: this.#freshEpoch(stream), seq: 0, events: [] };
    this.#logs.set(name, log);
    dropOldest(this.#logs, maxLogs);
    return log;
  }

  append(log: Log, event: Omit<LogEvent, "seq">): void {
    log.events.push({ ...event, seq: log.seq });
    if (log.events.length > maxEvents) log.events.shift();
  }
}

/** The generic cell rate algorithm: a time up to which each bucket is spent. */
export class Rates {
  readonly #spentUntilMs = new Map<string, number>();

  /** How long to wait until one more is allowed, in ms; 0: now. */
  waitMs(bucket: string, { burst, perSecond }: Rate, nowMs: number): number {
    const until = this.#spentUntilMs.get(bucket) ?? 0;
    return Math.max(0, Math.ceil(until - (burst - 1) * (1000 / perSecond) - nowMs));
  }

  take(bucket: string, { perSecond }: Rate, nowMs: number): void {
    const until = Math.max(this.#spentUntilMs.get(bucket) ?? 0, nowMs) + 1000 / perSecond;
    this.#spentUntilMs.delete(bucket);
    this.#spentUntilMs.set(bucket, until);
    dropOldest(this.#spentUntilMs, maxBuckets);
  }
}

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** What was answered to requests with an idempotency key. */
export class Once {
  readonly #kept = new Map<string, { readonly untilMs: number; readonly reply: unknown }>();

  get(key: string, nowMs: number): { readonly reply: unknown } | undefined {
    const found = this.#kept.get(key);
    return found === undefined || found.untilMs <= nowMs ? undefined : found;
  }

  keep(key: string, reply: unknown, untilMs: number): void {
    this.#kept.delete(key);
    this.#kept.set(key, { reply, untilMs });
    dropOldest(this.#kept, maxKeys);
  }
}

function dropOldest(map: Map<string, unknown>, max: number): void {
  while (map.size > max) map.delete(map.keys().next().value!);
}
