// What every report is made of.
import type { RunReport } from "../conformance/run-phases.ts";
import type { Summary } from "../conformance/verdict.ts";
import type { Clauses } from "./clauses.ts";

export interface Opening {
  readonly title: string;
  readonly file: string;
  readonly targets: readonly string[];
  readonly embedded: boolean;
  readonly perspective: "server" | "client";
  readonly seed: number;
}

export interface ReportedRun {
  readonly opening: Opening;
  readonly report: RunReport;
  readonly summary: Summary;
  readonly startedAt: Date;
  readonly strict: boolean;
  /** Where the clauses of its failures stand; undefined where nothing failed, and for the bundled document. */
  readonly clauses?: Clauses | undefined;
}
