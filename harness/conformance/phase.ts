// A phase: a list of rules and, where their checks read evidence that is gathered once, the function that gathers it.
import type { Context } from "./context.ts";
import type { PhaseName, Rule } from "./rule.ts";

export interface Phase {
  readonly name: PhaseName;
  readonly rules: readonly Rule[];
  /**
   * Gathers what the checks of `rules` (those that were selected and apply) read as `context.evidence`. Called once, before them.
   * `context` lasts as long as the call; connections still open at the end are closed. Checks that read evidence are not run again,
   * so that `prepare` itself confirms what it finds: see ReproducedViolation. May throw TargetLost and NotTestable.
   */
  readonly prepare?: (context: Context, rules: readonly Rule[], progress: (text: string) => void) => Promise<unknown>;
}
