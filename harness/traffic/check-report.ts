// Findings of `check`, collected by rule and cause, bounded; and the results that reports are made of.
import type { Contract, DocumentPointer } from "../../spec/contract.ts";
import { clauseText } from "../conformance/clause-text.ts";
import type { Level, RuleResult } from "../conformance/result.ts";
import type { HistoryEvent } from "../model/history.ts";
import type { TrafficEvent } from "./traffic-event.ts";

export interface CheckRule {
  /** Permanent. The same as in verify where the promise is the same. */
  readonly id: string;
  readonly level: Level;
  readonly title: string;
  readonly side: "server" | "client";
}

/** Findings of one rule that are kept; more are counted. */
const keptFindings = 20;
const shownEvents = 40;

interface Kept {
  readonly pointer: DocumentPointer;
  readonly expected: string;
  readonly actual: string;
  readonly events: readonly TrafficEvent[];
}

export class CheckReport {
  readonly #counts = new Map<string, { observed: number; failed: number }>();
  readonly #kept = new Map<string, Kept[]>();
  /** Called with each finding as it is made. */
  onFinding: (rule: string, actual: string) => void = () => undefined;

  /** The rule was decided once. */
  decide(rule: string): void {
    this.#countOf(rule).observed += 1;
  }

  #countOf(rule: string): { observed: number; failed: number } {
    let count = this.#counts.get(rule);
    if (count === undefined) {
      count = { observed: 0, failed: 0 };
      this.#counts.set(rule, count);
    }
    return count;
  }

  fail(rule: string, pointer: DocumentPointer, expected: string, actual: string, events: readonly TrafficEvent[]): void {
    this.decide(rule);
    this.#countOf(rule).failed += 1;
    this.onFinding(rule, actual);
    const kept = this.#kept.get(rule) ?? [];
    this.#kept.set(rule, kept);
    if (kept.length < keptFindings) kept.push({ pointer, expected, actual, events: events.slice(-shownEvents) });
  }

  /** How many findings each rule has. */
  get findings(): ReadonlyMap<string, number> {
    return new Map([...this.#counts].flatMap(([rule, { failed }]) => (failed > 0 ? [[rule, failed]] : [])));
  }

  results(contract: Contract, rules: readonly CheckRule[], replay: string): RuleResult[] {
    return rules.map(({ id, level, title }) => {
      const { observed, failed } = this.#counts.get(id) ?? { observed: 0, failed: 0 };
      const failures = (this.#kept.get(id) ?? []).map(({ pointer, expected, actual, events }) => ({
        ...{ pointer, expected, actual, text: clauseText(contract, pointer), failed: 1, runs: 1, steps: [] },
        ...{ frames: events.filter(isHistoryEvent), seed: 0, replay },
      }));
      const verdict = failed > 0 ? (level === "MUST" ? "fail" : "warn") : observed > 0 ? "pass" : "not-applicable";
      return {
        ...{ id, level, title, verdict, observed, failures, phase: "traffic", vacuous: false, durationMs: 0 },
        reason: verdict === "not-applicable" ? "nothing in the history decides it" : undefined,
        notes: failed > failures.length ? [`${failed} findings of ${id}, of which ${failures.length} are kept`] : [],
      };
    });
  }
}

function isHistoryEvent(event: TrafficEvent): event is HistoryEvent {
  return event.kind !== "refused";
}
