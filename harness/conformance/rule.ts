// What a rule is: one literal in one place, from which listing, docs, --only, every report and both self-tests follow.
import type { DocumentPointer } from "../../spec/contract.ts";
import type { ContractUnderTest } from "../client/context.ts";
import type { Context } from "./context.ts";
import type { Fault } from "./faults/plan.ts";
import type { Level, PhaseName } from "./result.ts";

export { type Level, type PhaseName, phaseNames } from "./result.ts";

/** One sentence of the document, or of a standard, that a rule holds the target to. */
export interface Clause {
  /** Where it stands, such as `#/channels/x/x-close-codes/NAME`; for a standard its section, such as `RFC 6455 section 5.1`. */
  readonly pointer: DocumentPointer;
  /** The sentence, where the description at the pointer does not say it. */
  readonly text?: string;
}

/**
 * A rule. Its id is permanent, generic and in kebab-case, begins with its phase or subject, and never holds a name of a document:
 * `handshake-credential-missing-rejected`, not `close-code/4401`. Where a document has the same kind of clause several times (each
 * carrier, each close code), the rule is checked once per clause and the failure names the clause by its document pointer.
 */
export interface Rule<C extends Clause = Clause> {
  readonly id: string;
  readonly level: Level;
  readonly phase: PhaseName;
  /** What the server does, as a fact: "closes with the declared code when the token has expired". */
  readonly title: string;
  /** The clauses it is checked for, from the contract alone. Empty: not applicable. Must not throw. */
  from(subject: ContractUnderTest): readonly C[];
  /**
   * Checks one clause. Returns, or throws Violation (the target broke it), TargetLost (cannot judge) or NotTestable (says what is
   * missing). A check that observed nothing counts as not testable: TestClient's waiting methods count by themselves,
   * `context.judged()` counts the rest. In a phase that prepares evidence it reads `context.evidence`.
   */
  check(context: Context, clause: C): Promise<void>;
  /** The planted faults behind each of which it must fail, for this clause. */
  brokenBy(clause: C, subject: ContractUnderTest): Fault | readonly Fault[];
  /**
   * True where nothing else may run meanwhile: it reaches connections of others, or measures. `first`: before the others of its phase,
   * because a target that it ends is then known to be ended by it. Default false.
   */
  readonly alone?: boolean | "first";
  /** Longest time that it waits for the target on purpose, in ms, so that such rules wait together. Default 0. */
  waitsMs?(context: Context, clause: C): number;
}

/** Keeps the clause's type between `from`, `check` and `brokenBy`, then forgets it, so that rules of all kinds fit one list. */
export function rule<C extends Clause>(literal: Rule<C>): Rule {
  return literal as unknown as Rule;
}
