// A load scenario, as one literal: what help says of it, what it counts, what its verdict says, how it runs.
import type { LoadProfile, ScenarioRun, WorkerContext } from "./worker-context.ts";

export interface Scenario {
  readonly name: string;
  /** For --help: one or two lines of at most 66 columns. */
  readonly help: readonly string[];
  /** What one "request" of the tables is. */
  unit(worker: WorkerContext): string;
  /** Open at once, over all threads. */
  connections(profile: LoadProfile): number;
  /** What of the profile a reader should see in the result. */
  readonly uses: readonly ("rate" | "rooms" | "members" | "payload" | "deliveries")[];
  /** Sends that were due in the window: fewer mean that the generator did not keep up. Undefined: it sends nothing itself. */
  due?(profile: LoadProfile): number | undefined;
  /** The verdict of a run without a fault. Default: how fast it was. */
  held?(done: string): string;
  /** Sets up all connections of this thread. @throws UsageError where the document lacks what it needs */
  prepare(worker: WorkerContext, progress: (count: number) => void): Promise<ScenarioRun>;
}

/** In the open model: rate x duration. */
export function dueByRate({ perSecond, durationMs }: LoadProfile): number | undefined {
  return perSecond === undefined ? undefined : (perSecond * durationMs) / 1000;
}
