// What a rule is: one literal in one place, from which listing, docs, --only, every report and both self-tests follow.
import type { Channel, Contract, DocumentPointer } from "../../spec/contract.ts";
import type { Context } from "./context.ts";
import type { Fault } from "./faults/plan.ts";
import type { Level, PhaseName } from "./result.ts";

export { type Level, type PhaseName, phaseNames } from "./result.ts";

/** One promise of the document (or one clause of a standard) that a rule holds the target to. */
export interface Promised {
  /** Where it stands, such as `#/channels/x/x-close-codes/NAME`; for a standard its clause, such as `RFC 6455 section 5.1`. */
  readonly pointer: DocumentPointer;
  /** The sentence, where the description at the pointer does not say it. */
  readonly says?: string;
}

/** What a rule is derived from. */
export interface Subject {
  readonly contract: Contract;
  /** The WebSocket channel under test. */
  readonly channel: Channel;
}

/**
 * A rule. Its id is permanent, generic and in kebab-case, begins with its phase or subject, and never holds a name of a document:
 * `handshake-credential-missing-refused`, not `close-code/4401`. Where a document makes the promise several times (each carrier, each
 * close code), the rule is checked once per promise and the finding names the promise by its document pointer.
 */
export interface Rule<P extends Promised = Promised> {
  readonly id: string;
  readonly level: Level;
  readonly phase: PhaseName;
  /** What the server does, as a fact: "closes with the declared code when the token has run out". */
  readonly title: string;
  /** The promises it is checked for, from the document alone. Empty: not-applicable. Must not throw. */
  from(subject: Subject): readonly P[];
  /**
   * Checks one promise. Returns, or throws Violation (the target broke it), TargetLost (cannot judge) or NotTestable (says what is
   * missing). A check behind which nothing was observed counts as not-testable: Peer's waiting methods count by themselves,
   * `context.judged()` counts the rest. `whole-phase`: judged by the `run` of its phase, together with others.
   */
  readonly check: ((context: Context, promised: P) => Promise<void>) | "whole-phase";
  /** The planted faults behind each of which it must fail, for this promise. */
  brokenBy(promised: P, subject: Subject): Fault | readonly Fault[];
  /** True where nothing else may run meanwhile: it reaches connections of others, or measures. Default false. */
  readonly alone?: boolean;
  /** Longest time that it waits for the target on purpose, in ms, so that such rules wait together. Default 0. */
  waitsMs?(context: Context, promised: P): number;
}

/** Keeps the promise's type between `from`, `check` and `brokenBy`, then forgets it, so that rules of all kinds fit one list. */
export function rule<P extends Promised>(literal: Rule<P>): Rule {
  return literal as unknown as Rule;
}

/** The check needs what this run does not have: a shared secret, a second URL, a process to signal. The message says what would help. */
export class NotTestable extends Error {
  override readonly name = "NotTestable";
}
