// The kinds of errors a user can meet, one class per kind of reader, and their exit codes.

/** 0 conformant, 1 findings, 2 could not run, 3 nothing proven or inconclusive. */
export const exitCode = { ok: 0, findings: 1, couldNotRun: 2, inconclusive: 3 } as const;

/** The target broke the contract. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly expected: string;
  readonly actual: string;
  constructor(expected: string, actual: string) {
    super(`expected ${expected}, got ${actual}`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** The target cannot be judged: nobody listens, it went away, it does not answer. */
export class TargetLost extends Error {
  override readonly name = "TargetLost";
}

/** The user can mend it: the message names the option, echoes the value, and says the next step. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The check needs what this run does not have: a shared secret, a second URL, a process to signal. The message says what would help. */
export class NotTestable extends Error {
  override readonly name = "NotTestable";
}

/** The target does not do what the rule is about, and need not: an optional extension that it declines. */
export class NotApplicable extends Error {
  override readonly name = "NotApplicable";
}
