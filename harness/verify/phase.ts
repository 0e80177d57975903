// A phase: a list of rules and, where rules are judged together over random cases, the function that runs them. And what comes out.
import type { DocumentPointer } from "../../spec/contract.ts";
import type { History } from "../history.ts";
import type { Context } from "./context.ts";
import type { Level, PhaseName, Rule } from "./rule.ts";

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

/** One way in which the target broke a rule. */
export interface Failure {
  /** The promise that it broke. */
  readonly pointer: DocumentPointer;
  /** The sentence of the document or standard. */
  readonly says: string;
  readonly expected: string;
  readonly actual: string;
  /** How often it failed again: `failed` of `runs`. */
  readonly failed: number;
  readonly runs: number;
  /** The shortest sequence that shows it, in words, a line a step. */
  readonly steps: readonly string[];
  /** What the connections of the check did. */
  readonly frames: History;
  readonly seed: number;
  /** The command that runs just this again. */
  readonly replay: string;
}

/**
 * pass; fail (MUST); warn (SHOULD); not-testable: promised, but nothing was observed (red); not-applicable: the contract does not
 * promise it, or it is a MAY that the target does not make use of (grey); inconclusive: the target stalled or went away.
 */
export type Verdict = "pass" | "fail" | "warn" | "not-testable" | "not-applicable" | "inconclusive";

export interface RuleResult {
  readonly id: string;
  readonly level: Level;
  readonly phase: PhaseName;
  readonly title: string;
  readonly verdict: Verdict;
  /** Why, where the verdict is not pass or fail. */
  readonly reason: string | undefined;
  /** Observations that were judged. */
  readonly observed: number;
  /** True where its check ended well but observed nothing, so that nothing was proven. */
  readonly vacuous: boolean;
  readonly durationMs: number;
  readonly failures: readonly Failure[];
  readonly notes: readonly string[];
  /** Why the failure is accepted for now, by the baseline. */
  readonly known?: string;
}
