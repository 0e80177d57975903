// One thread's share of a run, step by step: place, play, settle. It says after each step what the others need to know.
import { performance } from "node:perf_hooks";
import type { Auth } from "../client/credentials.ts";
import { loadContractUnderTest } from "../conformance/load-contract-under-test.ts";
import { nowMs } from "./clock.ts";
import type { HttpPart, ScenarioName } from "./load-result.ts";
import { type Latest, type Recorded, Recorder, type Window } from "./recorder.ts";
import { scenarios } from "./scenarios.ts";
import { type Act, type Demand, openStage, type Reached, type Share } from "./worker-context.ts";

/** Plain data: what a thread is told. */
export interface ShareOptions {
  readonly scenario: ScenarioName;
  readonly spec: string | undefined;
  readonly perspective: "server" | "client" | undefined;
  readonly overlay: string | undefined;
  readonly urls: readonly string[];
  readonly origin: string | undefined;
  readonly insecure: boolean;
  readonly auth: Auth;
  readonly demand: Demand;
  readonly share: Share;
  readonly label: string;
}

/** What one thread did. */
export interface ShareResult {
  readonly recorded: Recorded;
  /** Share of the time of the run in which it was at work, 0 to 1. */
  readonly busy: number;
  /** How long it was at work. */
  readonly busyMs: number;
  /** The longest that its event loop stood still in the run. */
  readonly stallMs: number;
  readonly http: HttpPart | undefined;
  readonly unit: string;
  readonly connections: number;
}

/** How far a thread is, for a line of progress. */
export interface Progress extends Latest {
  readonly placed: number;
}

export interface OpenShare {
  /** Why the first connection that failed did; undefined where none failed. */
  readonly failure: string | undefined;
  progress(): Progress;
  play(window: Window): Promise<Reached>;
  settle(reached: Reached): Promise<ShareResult>;
  end(): Promise<void>;
}

/** How often a thread looks whether it stood still. */
const tickEveryMs = 20;

/** @throws UsageError, TargetLost, Violation: why not all of it could be placed */
export async function openShare(options: ShareOptions): Promise<OpenShare> {
  const subject = await loadContractUnderTest(options);
  if (subject === undefined) throw new Error("the document was usable a moment ago");
  const recorder = new Recorder();
  const stage = await openStage({ ...options, ...subject, pid: undefined, recorder });
  let placed = 0;
  const { prepare, unit, connections } = scenarios[options.scenario];
  let act: Act;
  try {
    act = await prepare(stage, (count) => {
      placed = count;
    });
  } catch (error) {
    await stage.abort();
    throw error;
  }
  let busy = 0;
  let busyMs = 0;
  let stallMs = 0;
  return {
    failure: stage.failure,
    progress: () => ({ placed, ...(recorder.latest(nowMs()) ?? { done: 0, errors: 0, p99: undefined }) }),
    async play(window) {
      const before = performance.eventLoopUtilization();
      const startMs = nowMs();
      let tickMs = startMs;
      const ticks = setInterval(() => {
        stallMs = Math.max(stallMs, nowMs() - tickMs - tickEveryMs);
        tickMs = nowMs();
      }, tickEveryMs);
      try {
        await act.play(window);
      } finally {
        clearInterval(ticks);
      }
      const { active } = performance.eventLoopUtilization(before);
      busyMs = Math.max(0, active - recorder.counts.turnedMs);
      busy = busyMs / (nowMs() - startMs);
      return (await act.reached?.()) ?? {};
    },
    async settle(reached) {
      await act.settle(reached);
      return {
        recorded: recorder.end(),
        busy,
        busyMs,
        stallMs,
        http: act.http,
        unit: unit(stage),
        connections: connections(options.demand),
      };
    },
    async end() {
      try {
        await act.end();
        await stage.end();
      } catch (error) {
        await stage.abort();
        throw error;
      }
    },
  };
}
