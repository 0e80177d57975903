// What happens in a run of verify, as it happens: what reporters print, and what the API hands to `onEvent`.
import type { Level, PhaseName, RuleResult } from "../conformance/result.ts";
import type { Opening, ReportedRun } from "./reported-run.ts";

/** How a phase went. */
export interface PhaseEnd {
  readonly name: PhaseName;
  readonly results: readonly RuleResult[];
  /** Frames. */
  readonly sent: number;
  readonly received: number;
  /** Observations that were checked. */
  readonly judged: number;
  readonly durationMs: number;
}

/** No text of it holds a credential. `finding` comes as soon as a failure is confirmed, at most once a rule; `end` comes last. */
export type RunEvent =
  | { readonly type: "start"; readonly opening: Opening }
  | { readonly type: "phase-start"; readonly phase: PhaseName; readonly waitsMs: number }
  /** `note` is worth keeping, `progress` is not. */
  | { readonly type: "note" | "progress"; readonly text: string }
  | {
      readonly type: "finding";
      readonly rule: string;
      readonly level: Level;
      readonly title: string;
      readonly expected: string;
      readonly actual: string;
    }
  | { readonly type: "phase-end"; readonly phase: PhaseEnd }
  | { readonly type: "end"; readonly run: ReportedRun };
