// A phase: a list of rules and, where rules are judged together over random cases, the function that runs them.
import type { Context } from "./context.ts";
import type { Failure } from "./result.ts";
import type { PhaseName, Rule } from "./rule.ts";

export type { Failure, RuleResult, Verdict } from "./result.ts";

export interface Phase {
  readonly name: PhaseName;
  readonly rules: readonly Rule[];
  /**
   * Judges the rules whose check is `whole-phase`: all of `asked`, at once. Called when one of them is asked for and applies.
   * `context` lasts as long as the call; connections still open at the end are closed. May throw TargetLost.
   */
  readonly run?: (context: Context, asked: readonly Rule[], progress: Progress) => Promise<readonly Judged[]>;
}

/** One line over what has been done so far, such as `case 12 of 100`. */
export type Progress = (text: string) => void;

/** What the run of a whole phase says of one rule. A rule it does not name is not-testable. */
export interface Judged {
  readonly id: string;
  /** How many obligations were judged; 0 is not-testable. */
  readonly observed: number;
  readonly failures: readonly Failure[];
  /** Why it could not be judged, where it could not. */
  readonly inconclusive?: string;
}
