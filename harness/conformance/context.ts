// What a rule gets: what drives clients, the target, evidence, and the count of what was checked.
import type { ClientContext } from "../client/context.ts";
import type { Within } from "../client/received.ts";
import type { LogHistory } from "../cluster/log-history.ts";
import type { LogRoles } from "../cluster/log-roles.ts";
import type { HistoryEvent } from "../model/history.ts";

export interface Target {
  /** One per node, with path. */
  readonly urls: readonly string[];
  /** What a picture calls them. Default: `node 0` and so on. */
  readonly nodeNames?: readonly string[] | undefined;
  readonly origin: string | undefined;
  /** Of the process, where we started it or were told. */
  readonly pid: number | undefined;
  /** Asks it to stop, as a deploy would; undefined where we were not told how. */
  readonly askToStop: (() => void) | undefined;
  /** The workload of the phase cluster, where the run has faults of its own to plant meanwhile. */
  readonly runCluster?: (context: ClientContext, roles: LogRoles, progress: (text: string) => void) => Promise<LogHistory>;
  /** The command that runs a stored failure again. */
  readonly replayStored?: (id: string) => string;
  /** True where it is our own reference server, started for this run. */
  readonly embedded: boolean;
}

export interface Context extends ClientContext {
  readonly target: Target;
  /** How many random cases a phase runs, `--runs`. */
  readonly runs: number;
  /** What the `prepare` of the rule's phase has gathered; undefined where it has none. */
  readonly evidence: unknown;

  part(): { readonly context: Context; end(): Promise<void> };
  /** Whether some connection of the run has, or had, an attribute of this value. */
  isTaken(value: unknown): boolean;
  /** Counts what was observed and checked, beside what TestClient counts by itself. @param count default 1 */
  judged(count?: number): void;
  /** What the connections of this check did so far. */
  /** The text without the credentials of the run. */
  hide(text: string): string;
  history(): readonly HistoryEvent[];
  /** Waits until `condition` gives a value, looking again at every event of this check. @throws Violation after the deadline */
  until<T>(expected: string, condition: () => T | undefined, within?: Within): Promise<T>;
}
