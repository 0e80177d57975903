// The result of checking a history: findings, what still waits for proof, and how often each rule was decided.
import type { DocumentPointer } from "../../spec/contract.ts";

export interface ModelFinding {
  /** Permanent id, one of `modelRules`. */
  readonly rule: string;
  /** The promise that was broken. */
  readonly pointer: DocumentPointer;
  readonly expected: string;
  readonly actual: string;
  /** Indices into the history, ascending: the least that shows it. */
  readonly events: readonly number[];
  /** A clock alone decided it, so that another run must show it too. */
  readonly timed?: boolean;
}

/** Something that must still come, and that nothing proves missing yet. */
export interface Open {
  readonly rule: string;
  readonly pointer: DocumentPointer;
  /** The connection that waits for it. */
  readonly connection: number;
  readonly expected: string;
  /** When the clock alone decides it, in ms of the history; undefined: something must come. */
  readonly decidedAtMs?: number;
}

export interface EvaluationResult {
  /** In the order of the last event that shows them. */
  readonly findings: readonly ModelFinding[];
  /** Empty when everything promised came. What is open at the end of a run is inconclusive. */
  readonly open: readonly Open[];
  /** Rule id -> how many times it was decided. A rule that is missing here observed nothing. */
  readonly decided: ReadonlyMap<string, number>;
  /** Pointer of a requirement, effect or error code -> how many certain obligations it had. */
  readonly coverage: ReadonlyMap<DocumentPointer, number>;
  /** Why something could not be decided. */
  readonly inconclusive: readonly string[];
}

/** Collects what the checkers find. */
export class ResultCollector {
  readonly findings: ModelFinding[] = [];
  readonly open: Open[] = [];
  readonly decided = new Map<string, number>();
  readonly coverage = new Map<DocumentPointer, number>();
  readonly inconclusive: string[] = [];

  /** The rule was decided once, whichever way. */
  decide(rule: string) {
    this.decided.set(rule, (this.decided.get(rule) ?? 0) + 1);
  }

  cover(pointer: DocumentPointer) {
    this.coverage.set(pointer, (this.coverage.get(pointer) ?? 0) + 1);
  }

  fail(rule: string, pointer: DocumentPointer, expected: string, actual: string, events: readonly number[]) {
    this.findings.push({ rule, pointer, expected, actual, events: ascending(events) });
  }

  /** A finding that a clock alone decided. */
  failByClock(rule: string, pointer: DocumentPointer, expected: string, actual: string, events: readonly number[]) {
    this.decide(rule);
    this.findings.push({ rule, pointer, expected, actual, events: ascending(events), timed: true });
  }

  /** Decides the rule: a finding unless `holds`. */
  check(holds: boolean, rule: string, pointer: DocumentPointer, expected: string, actual: string, events: readonly number[]) {
    this.decide(rule);
    if (!holds) this.fail(rule, pointer, expected, actual, events);
  }

  wait(open: Open) {
    this.open.push(open);
  }
}

function ascending(events: readonly number[]): number[] {
  return [...new Set(events)].sort((a, b) => a - b);
}
