// One thread's slice of a run, step by step: setup, play, settle. It says after each step what the others need to know.
import { performance } from "node:perf_hooks";
import type { Auth } from "../client/credentials.ts";
import { loadContractUnderTest } from "../conformance/load-contract-under-test.ts";
import { nowMs, shiftClock } from "./clock.ts";
import type { HttpPart } from "./load-result.ts";
import { type Latest, type Recorded, Recorder, type Window } from "./recorder.ts";
import { scenarioOf } from "./scenarios.ts";
import {
  type Facts,
  type LoadProfile,
  openWorkerContext,
  type Reached,
  type ScenarioRun,
  type Seen,
  type Slice,
} from "./worker-context.ts";

/** Plain data: what a thread is told. */
export interface SliceOptions {
  readonly scenario: string;
  readonly spec: string | undefined;
  readonly perspective: "server" | "client" | undefined;
  readonly overlay: string | undefined;
  readonly server: string | undefined;
  readonly variables: Readonly<Record<string, string>> | undefined;
  readonly urls: readonly string[];
  readonly origin: string | undefined;
  readonly insecure: boolean;
  readonly auth: Auth;
  readonly profile: LoadProfile;
  readonly slice: Slice;
  readonly label: string;
  /** See clock.ts; 0 for a run of one process. */
  readonly clockShiftMs: number;
}

/** What one thread did. */
export interface SliceResult {
  readonly recorded: Recorded;
  /** Slice of the time of the run in which it was at work, 0 to 1. */
  readonly busy: number;
  /** How long it was at work. */
  readonly busyMs: number;
  /** The longest that its event loop stood still in the run. */
  readonly stallMs: number;
  readonly http: HttpPart | undefined;
  readonly unit: string;
  readonly connections: number;
  readonly seen: Seen;
  readonly facts: Facts;
}

/** How far a thread is, for a line of progress. */
export interface Progress extends Latest {
  readonly ready: number;
}

export interface OpenSlice {
  /** Why the first connection that failed did; undefined where none failed. */
  readonly failure: string | undefined;
  progress(): Progress;
  play(window: Window): Promise<Reached>;
  settle(reached: Reached): Promise<SliceResult>;
  end(): Promise<void>;
}

/** How often a thread looks whether it stood still. */
const tickEveryMs = 20;

/** @throws UsageError, TargetLost, Violation: why not all of it could be ready */
export async function openSlice(options: SliceOptions): Promise<OpenSlice> {
  shiftClock(options.clockShiftMs);
  const subject = await loadContractUnderTest(options);
  if (subject === undefined) throw new Error("the document was usable a moment ago");
  const recorder = new Recorder();
  const worker = await openWorkerContext({ ...options, ...subject, pid: undefined, recorder });
  let ready = 0;
  const { prepare, unit, connections } = scenarioOf(options.scenario);
  let scenarioRun: ScenarioRun;
  try {
    scenarioRun = await prepare(worker, (count) => {
      ready = count;
    });
  } catch (error) {
    await worker.abort();
    throw error;
  }
  let busy = 0;
  let busyMs = 0;
  let stallMs = 0;
  return {
    failure: worker.failure,
    progress: () => ({ ready, ...(recorder.latest(nowMs()) ?? { done: 0, errors: 0, p99: undefined }) }),
    async play(window) {
      const before = performance.eventLoopUtilization();
      const startMs = nowMs();
      let tickMs = startMs;
      const ticks = setInterval(() => {
        stallMs = Math.max(stallMs, nowMs() - tickMs - tickEveryMs);
        tickMs = nowMs();
      }, tickEveryMs);
      try {
        await scenarioRun.play(window);
      } finally {
        clearInterval(ticks);
      }
      const { active } = performance.eventLoopUtilization(before);
      busyMs = Math.max(0, active - recorder.counts.turnedMs);
      busy = busyMs / (nowMs() - startMs);
      return (await scenarioRun.reached?.()) ?? {};
    },
    async settle(reached) {
      await scenarioRun.settle(reached);
      return {
        recorded: recorder.end(),
        busy,
        busyMs,
        stallMs,
        http: scenarioRun.http,
        unit: unit(worker),
        connections: connections(options.profile),
        seen: scenarioRun.seen?.() ?? {},
        facts: scenarioRun.facts?.() ?? {},
      };
    },
    async end() {
      try {
        await scenarioRun.end();
        await worker.end();
      } catch (error) {
        await worker.abort();
        throw error;
      }
    },
  };
}
