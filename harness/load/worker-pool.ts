// The threads of a run: one here, or several workers, kept in step. What each did is put together by aggregate.ts.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { TargetLost, UsageError, Violation } from "../schema/errors.ts";
import { nowMs, wallShiftMs } from "./clock.ts";
import type { Window } from "./recorder.ts";
import type { LoadProfile, Reached } from "./worker-context.ts";
import { openSlice, type Progress, type SliceOptions, type SliceResult } from "./worker-slice.ts";

/** What the lead and its workers say to each other, in this order: opened, play, reached, settle, result, end, ended. */
export type ToWorker =
  | { readonly say: "play"; readonly window: Window }
  | { readonly say: "settle"; readonly reached: Reached }
  | { readonly say: "end" };
export type FromWorker =
  | { readonly say: "opened"; readonly failure: string | undefined; readonly progress: Progress }
  | { readonly say: "progress"; readonly progress: Progress }
  | { readonly say: "reached"; readonly reached: Reached }
  | { readonly say: "result"; readonly result: SliceResult }
  | { readonly say: "ended" }
  | { readonly say: "failed"; readonly name: string; readonly message: string };

/** One thread, wherever it runs. */
interface WorkerHandle {
  /** Why the first connection that failed did. */
  readonly failure: string | undefined;
  progress(): Progress;
  play(window: Window): Promise<Reached>;
  settle(reached: Reached): Promise<SliceResult>;
  end(): Promise<void>;
}

/** One process of several that make one load. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
  /** When all shards begin to send, in ms since 1970. */
  readonly startAtMs: number;
}

export interface WorkerPoolResult {
  readonly window: Window;
  readonly results: readonly SliceResult[];
  /** What was acknowledged here, by log. */
  readonly reached: Reached;
}

export interface WorkerPoolOptions extends Omit<SliceOptions, "slice" | "clockShiftMs"> {
  readonly workers: number;
  /** Undefined: the run is not shared with other processes. */
  readonly shard?: Shard | undefined;
  /** Called after all are ready, and after the run, with nobody gone yet. */
  readonly between?: () => void | Promise<void>;
  /** Called when the window begins. */
  readonly begins?: () => void;
  /** Aborted: the connections are closed, and the run throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called twice a second. */
  progress?(step: "setup" | "playing" | "settling", sum: Progress, window: Window | undefined): void;
}

/** Before the first send, so that all threads have heard of it. */
const headStartMs = 50;
const tellEveryMs = 500;
/** How long a thread may take to close its connections. */
const leaveMs = 10_000;

/** @throws UsageError, TargetLost */
export async function runWorkers(options: WorkerPoolOptions): Promise<WorkerPoolResult> {
  const { profile, between, begins, progress, shard, signal, workers: threads } = options;
  signal?.throwIfAborted();
  const slices = Array.from(
    { length: threads },
    (_, index): SliceOptions => ({
      ...plain(options),
      slice: { index: (shard?.index ?? 0) * threads + index, count: (shard?.count ?? 1) * threads },
      clockShiftMs: shard === undefined ? 0 : wallShiftMs(),
    }),
  );
  const workers: WorkerHandle[] = [];
  let opening: readonly Promise<WorkerHandle>[] = [];
  let step: "setup" | "playing" | "settling" = "setup";
  let window: Window | undefined;
  let beginning: NodeJS.Timeout | undefined;
  const timer = setInterval(() => progress?.(step, sum(workers), window), tellEveryMs);
  let abort = () => undefined as unknown;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason);
  });
  signal?.addEventListener("abort", abort);
  const run = async (): Promise<WorkerPoolResult> => {
    // Only a thread can be ended in the middle of its waits: a run that may be aborted has one.
    opening = threads === 1 && signal === undefined ? [openSlice(slices[0]!)] : slices.map((slice) => openWorker(slice, signal));
    const opened = await Promise.allSettled(opening);
    for (const one of opened) if (one.status === "fulfilled") workers.push(one.value);
    const failed = opened.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    signal?.throwIfAborted();
    const failure = workers.find((worker) => worker.failure !== undefined)?.failure;
    if (failure !== undefined && sum(workers).ready === 0)
      throw new TargetLost(`No connection of the load could be set up: ${failure}. Is it a limit of the server?`);
    await between?.();
    step = "playing";
    window = windowFrom(shard === undefined ? nowMs() + headStartMs : beginOf(shard), profile);
    const during = window;
    beginning = setTimeout(() => begins?.(), Math.max(0, window.startMs - nowMs()));
    const reached = await Promise.all(workers.map((worker) => worker.play(during)));
    clearTimeout(beginning);
    step = "settling";
    const together = mergeReached(reached);
    const results = await Promise.all(workers.map((worker) => worker.settle(together)));
    await between?.();
    return { window, results, reached: together };
  };
  try {
    return await Promise.race([run(), aborted]);
  } finally {
    clearInterval(timer);
    clearTimeout(beginning);
    signal?.removeEventListener("abort", abort);
    await Promise.allSettled(opening.map(async (worker) => (await worker).end()));
  }
}

/** @throws TargetLost where this shard was not ready in time: the load would not be the one that was asked for */
function beginOf({ startAtMs }: Shard): number {
  const lateMs = nowMs() - startAtMs;
  if (lateMs <= 0) return startAtMs;
  throw new TargetLost(
    `This shard was ready ${Math.ceil(lateMs)} ms after --start-at. Give all shards a later start: each must have opened its connections by then.`,
  );
}

function windowFrom(beginMs: number, { warmUpMs, durationMs }: LoadProfile): Window {
  return { startMs: beginMs + warmUpMs, endMs: beginMs + warmUpMs + durationMs };
}

/** What can be sent to another thread. */
function plain({
  scenario,
  spec,
  perspective,
  overlay,
  server,
  variables,
  urls,
  origin,
  insecure,
  auth,
  profile,
  label,
}: WorkerPoolOptions): Omit<SliceOptions, "slice" | "clockShiftMs"> {
  return { scenario, spec, perspective, overlay, server, variables, urls, origin, insecure, auth, profile, label };
}

/** What was acknowledged anywhere, must have come everywhere. */
export function mergeReached(all: readonly Reached[]): Reached {
  const merged = new Map<string, { lowest: number; highest: number }>();
  for (const reached of all) {
    for (const [key, { lowest, highest }] of Object.entries(reached)) {
      const known = merged.get(key);
      merged.set(key, {
        lowest: Math.min(lowest, known?.lowest ?? lowest),
        highest: Math.max(highest, known?.highest ?? highest),
      });
    }
  }
  return Object.fromEntries(merged);
}

function sum(workers: readonly WorkerHandle[]): Progress {
  const all = workers.map((worker) => worker.progress());
  const add = (of: (one: Progress) => number) => all.reduce((total, one) => total + of(one), 0);
  const p99s = all.flatMap(({ p99 }) => p99 ?? []);
  return {
    ready: add(({ ready }) => ready),
    done: add(({ done }) => done),
    errors: add(({ errors }) => errors),
    // Of the slowest thread: percentiles cannot be added.
    p99: p99s.length === 0 ? undefined : Math.max(...p99s),
  };
}

async function openWorker(slice: SliceOptions, signal: AbortSignal | undefined): Promise<WorkerHandle> {
  // Node refuses to start a thread with flags of the program such as --input-type.
  const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: slice, execArgv: [] });
  let latest: Progress = { ready: 0, done: 0, errors: 0, p99: undefined };
  const waiting = new Map<FromWorker["say"], { resolve: (message: FromWorker) => void; reject: (error: unknown) => void }>();
  let failed: unknown;
  const fail = (error: unknown) => {
    failed ??= error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on("message", (message: FromWorker) => {
    if (message.say === "progress") latest = message.progress;
    else if (message.say === "failed") fail(revived(message));
    else waiting.get(message.say)?.resolve(message);
  });
  worker.on("error", fail);
  worker.on("exit", (code) => fail(new Error(`a worker of the load generator ended with ${code}`)));
  function told<S extends FromWorker["say"]>(say: S): Promise<Extract<FromWorker, { say: S }>> {
    return new Promise((resolve, reject) => {
      if (failed !== undefined) reject(failed);
      waiting.set(say, { resolve: resolve as (message: FromWorker) => void, reject });
    });
  }
  const ask = (message: ToWorker) => worker.postMessage(message);
  const stop = () => void worker.terminate();
  signal?.addEventListener("abort", stop);
  const opened = await told("opened").finally(() => signal?.removeEventListener("abort", stop));
  latest = opened.progress;
  return {
    failure: opened.failure,
    progress: () => latest,
    async play(window) {
      const reply = told("reached");
      ask({ say: "play", window });
      return (await reply).reached;
    },
    async settle(reached) {
      const reply = told("result");
      ask({ say: "settle", reached });
      return (await reply).result;
    },
    async end() {
      worker.removeAllListeners("exit");
      const exited = once(worker, "exit");
      ask({ say: "end" });
      const timer = setTimeout(() => void worker.terminate(), leaveMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function revived({ name, message }: Extract<FromWorker, { say: "failed" }>): Error {
  if (name === "UsageError") return new UsageError(message);
  if (name === "TargetLost") return new TargetLost(message);
  if (name === "Violation") return new Violation("the load to be ready", message);
  return new Error(message);
}
