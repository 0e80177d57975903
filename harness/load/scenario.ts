// A load scenario, as one literal: what help says of it, what it counts, what its verdict says, how it runs.
import { logRoles } from "../cluster/log-roles.ts";
import type { Findings, Second } from "./load-result.ts";
import { timedOperation } from "./operations.ts";
import type { Facts, LoadProfile, ScenarioRun, WorkerContext } from "./worker-context.ts";

export interface Scenario {
  readonly name: string;
  /** For --help: one or two lines of at most 66 columns. */
  readonly help: readonly string[];
  /** What one "request" of the tables is. */
  unit(worker: WorkerContext): string;
  /** Open at once, over all threads. */
  connections(profile: LoadProfile): number;
  /** What of the profile a reader should see in the result. */
  readonly uses: readonly ("rate" | "rooms" | "members" | "payload" | "deliveries" | "log")[];
  /** Sends that were due in the window: fewer mean that the generator did not keep up. Undefined: it sends nothing itself. */
  due?(profile: LoadProfile): number | undefined;
  /** The verdict of a run without a fault. Default: how fast it was. */
  held?(done: string): string;
  /** Metrics of its own for `--fail-on`, in ms, bytes or as a ratio. */
  readonly metrics?: Readonly<Record<string, "latency" | "bytes" | "ratio">>;
  /** What the tables do not show. */
  findings?(evidence: Evidence): Findings;
  /** Sets up all connections of this thread. @throws UsageError where the document lacks what it needs */
  prepare(worker: WorkerContext, progress: (count: number) => void): Promise<ScenarioRun>;
}

/** The unit of a scenario over base-run.ts. */
export function baseUnit({ contract, channel, profile }: WorkerContext): string {
  const log = profile.operation === undefined ? logRoles(contract, channel) : undefined;
  return log === undefined
    ? `reply to ${timedOperation(contract, channel, profile.operation).id}`
    : `delivery of ${log.delivered} to a member`;
}

/** What a scenario judges at its end. */
export interface Evidence {
  readonly profile: LoadProfile;
  readonly series: readonly Second[];
  /** Of all threads together. */
  readonly facts: Facts;
  /** Resident memory of the server: [seconds since the begin of the window, bytes]; empty where it is not known. */
  readonly memory: readonly (readonly [seconds: number, bytes: number])[];
}

/** In the open model: rate x duration. */
export function dueByRate({ perSecond, durationMs }: LoadProfile): number | undefined {
  return perSecond === undefined ? undefined : (perSecond * durationMs) / 1000;
}
