// What one thread of a load run counts: latencies from the intended time, seconds, refusals, closes and deliveries. It can be sent to another thread.
import { createHistogram, encodeHistogram, type Histogram, percentileMs, recordMs } from "./histogram.ts";

/** What was measured, on the generator's clock. */
export interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Counts {
  sent: number;
  replied: number;
  /** What counts as done in the window. */
  done: number;
  bytes: number;
  timeouts: number;
  lost: number;
  expected: number;
  received: number;
  duplicated: number;
  disordered: number;
  unexpected: number;
  /** Heartbeats of the server that were answered. */
  pings: number;
  /** Time spent reading and checking what came. */
  readMs: number;
  /** Time spent waiting for the next send by turns of the event loop: not work. */
  turnedMs: number;
}

/** Plain data: what a worker sends to the one who asked. */
export interface Recorded {
  readonly window: Window;
  readonly counts: Counts;
  readonly refused: Readonly<Record<string, number>>;
  readonly closed: Readonly<Record<string, number>>;
  /** Latencies of what was done after the window. HDR, compressed, base64. */
  readonly late: string;
  readonly lag: string;
  readonly seconds: readonly RecordedSecond[];
  readonly notes: readonly string[];
}

export interface RecordedSecond {
  readonly sent: number;
  readonly done: number;
  readonly errors: number;
  readonly bytes: number;
  readonly latency: string | undefined;
}

export interface Latest {
  readonly done: number;
  readonly errors: number;
  /** In ms; undefined where nothing was done. */
  readonly p99: number | undefined;
}

interface OpenSecond {
  sent: number;
  done: number;
  errors: number;
  bytes: number;
  latency: Histogram | undefined;
}

export class Recorder {
  readonly counts: Counts = {
    sent: 0,
    replied: 0,
    done: 0,
    bytes: 0,
    timeouts: 0,
    lost: 0,
    expected: 0,
    received: 0,
    duplicated: 0,
    disordered: 0,
    unexpected: 0,
    pings: 0,
    readMs: 0,
    turnedMs: 0,
  };
  readonly lag = createHistogram();
  readonly notes = new Set<string>();
  /** Of what was done after the window; the rest stands in its second, so that each is recorded once. */
  readonly #late = createHistogram();
  readonly #refused = new Map<string, number>();
  readonly #closed = new Map<string, number>();
  readonly #seconds: OpenSecond[] = [];
  /** Histograms are large; what a second has told is kept encoded. */
  readonly #told: (string | undefined)[] = [];
  #window: Window = { startMs: Number.POSITIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };

  /** Nothing counts as measured before this. */
  begin(window: Window): void {
    this.#window = window;
  }

  isMeasured(dueMs: number): boolean {
    return dueMs >= this.#window.startMs && dueMs < this.#window.endMs;
  }

  sent(dueMs: number, atMs: number): void {
    if (!this.isMeasured(dueMs)) return;
    this.counts.sent++;
    recordMs(this.lag, atMs - dueMs);
    const second = this.#at(dueMs);
    if (second !== undefined) second.sent++;
  }

  /** Something that was due at `dueMs` is done. */
  done(dueMs: number, atMs: number, bytes: number): void {
    if (!this.isMeasured(dueMs)) return;
    this.counts.done++;
    this.counts.bytes += bytes;
    const second = this.#at(atMs);
    if (second === undefined) {
      recordMs(this.#late, atMs - dueMs);
      return;
    }
    second.done++;
    second.bytes += bytes;
    second.latency ??= createHistogram();
    recordMs(second.latency, atMs - dueMs);
  }

  refused(code: string, atMs: number): void {
    add(this.#refused, code);
    this.error(atMs);
  }

  /** @param how a close code, or `reset` */
  closed(how: string, atMs: number): void {
    add(this.#closed, how);
    this.error(atMs);
  }

  /** Something went wrong that is counted elsewhere by its kind. */
  error(atMs: number): void {
    const second = this.#at(atMs);
    if (second !== undefined) second.errors++;
  }

  /** The last whole second, for a line of progress; undefined before there is one. */
  latest(atMs: number): Latest | undefined {
    const second = this.#seconds[Math.floor((atMs - this.#window.startMs) / 1000) - 1];
    if (second === undefined) return undefined;
    const { done, errors, latency } = second;
    return { done, errors, p99: latency === undefined ? undefined : percentileMs(latency, 99) };
  }

  end(): Recorded {
    return {
      window: this.#window,
      counts: this.counts,
      refused: Object.fromEntries(this.#refused),
      closed: Object.fromEntries(this.#closed),
      late: encodeHistogram(this.#late),
      lag: encodeHistogram(this.lag),
      seconds: Array.from(this.#seconds, (second, at) => ({
        sent: second?.sent ?? 0,
        done: second?.done ?? 0,
        errors: second?.errors ?? 0,
        bytes: second?.bytes ?? 0,
        latency: this.#told[at] ?? encoded(second?.latency),
      })),
      notes: [...this.notes],
    };
  }

  #at(ms: number): OpenSecond | undefined {
    const { startMs, endMs } = this.#window;
    if (!(ms >= startMs && ms < endMs)) return undefined;
    const index = Math.floor((ms - startMs) / 1000);
    let second = this.#seconds[index];
    if (second === undefined) {
      second = this.#seconds[index] = { sent: 0, done: 0, errors: 0, bytes: 0, latency: undefined };
      this.#tell(index - 2);
    }
    return second;
  }

  #tell(index: number): void {
    const second = this.#seconds[index];
    if (second?.latency === undefined) return;
    this.#told[index] = encoded(second.latency);
    second.latency = undefined;
  }
}

function encoded(histogram: Histogram | undefined): string | undefined {
  return histogram === undefined ? undefined : encodeHistogram(histogram);
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
