// What every report is made of.
import type { RuleResult, Verdict } from "../conformance/result.ts";
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
  readonly report: {
    readonly results: readonly RuleResult[];
    /** Why the run cannot be trusted or was cut short, where that is so. */
    readonly interrupted: string | undefined;
    readonly durationMs: number;
  };
  readonly summary: {
    readonly exitCode: number;
    /** One sentence for a person. */
    readonly text: string;
    readonly counts: Readonly<Record<Verdict, number>>;
  };
  readonly startedAt: Date;
  readonly strict: boolean;
  /** Where the clauses of its failures stand; undefined where nothing failed, and for the bundled document. */
  readonly clauses?: Clauses | undefined;
}
