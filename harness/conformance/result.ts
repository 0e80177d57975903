// What a run hands out: one result a rule, and the report around them. The types that the package publishes.
import type { DocumentPointer } from "../../spec/contract.ts";
import type { History, Timeline } from "../model/history.ts";

export type Level = "MUST" | "SHOULD" | "MAY";

/** In the order in which they run: cheap and deterministic first. */
export const phaseNames = [
  "handshake",
  "examples",
  "boundaries",
  "invalid",
  "stateful",
  "limits",
  "frames",
  "cluster",
  "shutdown",
] as const;
/** `traffic`: the rules of `check`, which are of no run. */
export type PhaseName = (typeof phaseNames)[number] | "traffic";

/** One way in which the target broke a rule. */
export interface Failure {
  /** The promise that it broke. */
  readonly pointer: DocumentPointer;
  /** The sentence of the document or standard. */
  readonly text: string;
  readonly expected: string;
  readonly actual: string;
  /** How often it failed again: `failed` of `runs`. */
  readonly failed: number;
  readonly runs: number;
  /** The shortest sequence that shows it, in words, a line a step. */
  readonly steps: readonly string[];
  /** Who saw what, where several clients are needed to see it; `steps` draws it as text. */
  readonly timeline?: Timeline;
  /** What the connections of the check did. */
  readonly frames: History;
  readonly seed: number;
  /** The command that runs just this again. */
  readonly replay: string;
}

/**
 * pass; fail (MUST); warn (SHOULD); not-testable: clause, but nothing was observed (red); not-applicable: the contract does not
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
  /** True where an error of ours kept it from being decided. */
  readonly internalError?: true;
  /** Why the failure is accepted for now, by the baseline. */
  readonly known?: string | undefined;
}

/** Stable: members are only ever added. Times in ms. */
export interface Report {
  readonly wsproof: 1;
  readonly document: { readonly title: string; readonly file: string; readonly perspective: "server" | "client" };
  readonly targets: readonly string[];
  readonly seed: number;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  /** 0 conformant, 1 findings, 3 nothing proven or inconclusive. */
  readonly exitCode: number;
  /** One sentence for a person. */
  readonly verdict: string;
  readonly counts: Readonly<Record<Verdict, number>>;
  /** Why the run was cut short, where it was. */
  readonly interrupted: string | null;
  readonly durationMs: number;
  readonly rules: readonly RuleResult[];
}
