// What a load run says in one sentence: whether its figures count, whether the server was correct, and how fast.
import { codesText, countText, msText } from "./figures.ts";
import { type LoadResult, unanswered } from "./load-result.ts";
import { scenarioOf } from "./scenarios.ts";
import { achievedPerSecond } from "./thresholds.ts";

export interface LoadVerdict {
  /**
   * invalid: the figures are not the server's; failed: a threshold of `--fail-on`; wrong: deliveries were lost, doubled, disordered
   * or nobody's, or requests were never answered; nothing: nothing was done; held: none of these, though requests may have been refused (reasons say so).
   */
  readonly state: "invalid" | "failed" | "wrong" | "nothing" | "held";
  readonly says: string;
  /** Each with its figures. */
  readonly reasons: readonly string[];
}

/** @param failed the sentences of failedThresholds */
export function loadVerdict(result: LoadResult, failed: readonly string[]): LoadVerdict {
  const faults = deliveryFaults(result);
  const silence = silences(result);
  const { invalid } = result;
  // A generator that is late may miss what still comes; what came doubled or disordered did so whatever it measured.
  if (invalid.length > 0 && !isCertain(result))
    return {
      state: "invalid",
      says: "INVALID: these figures are not the server's",
      reasons: [...invalid, ...failed, ...faults, ...silence],
    };
  if (failed.length > 0)
    return {
      state: "failed",
      says: "FAILED: a --fail-on condition is met",
      reasons: [...failed, ...faults, ...silence, ...invalid],
    };
  if (faults.length > 0)
    return {
      state: "wrong",
      says: "WRONG: deliveries were lost, duplicated, out of order or unexpected",
      reasons: [...faults, ...silence, ...invalid],
    };
  const wrong = result.findings?.wrong ?? [];
  if (wrong.length > 0)
    return { state: "wrong", says: `WRONG: ${result.scenario} found a fault`, reasons: [...wrong, ...troubles(result)] };
  if (silence.length > 0)
    return { state: "wrong", says: "WRONG: some requests were never answered", reasons: [...silence, ...troubles(result)] };
  if (result.requests.total === 0)
    return { state: "nothing", says: "NOTHING: no request was completed, so nothing was measured", reasons: [] };
  const says = scenarioOf(result.scenario).held?.(countText(result.requests.total)) ?? `${checked(result)}${speed(result)}`;
  return { state: "held", says, reasons: troubles(result) };
}

const isCertain = ({ deliveries }: LoadResult) =>
  deliveries !== undefined && deliveries.duplicated + deliveries.disordered + deliveries.unexpected > 0;

function silences({ timeouts, refused }: LoadResult): readonly string[] {
  const closed = refused[unanswered.closed] ?? 0;
  const unsent = refused[unanswered.noneLeft] ?? 0;
  return [
    ...(timeouts > 0 ? [`${countText(timeouts)} requests were never answered`] : []),
    ...(closed > 0 ? [`${countText(closed)} requests were not answered before their connection was closed`] : []),
    ...(unsent > 0 ? [`${countText(unsent)} requests could not be sent: no connection was left`] : []),
  ];
}

function deliveryFaults({ deliveries }: LoadResult): readonly string[] {
  if (deliveries === undefined) return [];
  const { expected, lost, duplicated, disordered, unexpected } = deliveries;
  return Object.entries({ lost, duplicated, disordered, unexpected })
    .filter(([, count]) => count > 0)
    .map(
      ([what, count]) =>
        `${countText(count)} ${what === "disordered" ? "out of order" : what} of ${countText(expected)} expected`,
    );
}

function troubles({ errors, refused, closed }: LoadResult): readonly string[] {
  return [
    ...(errors > 0 ? [`${countText(errors)} errors`] : []),
    ...(Object.keys(refused).length > 0 ? [`refused: ${codesText(refused)}`] : []),
    ...(Object.keys(closed).length > 0 ? [`closed: ${codesText(closed)}`] : []),
  ];
}

function checked({ deliveries }: LoadResult): string {
  return deliveries === undefined ? "" : `${countText(deliveries.received)} deliveries, each exactly once and in order; `;
}

function speed(result: LoadResult): string {
  const perSecond = achievedPerSecond(result);
  const rate = perSecond === undefined ? "" : `${countText(perSecond)} per second`;
  return result.latency.totalCount === 0 ? rate : `${rate}${rate === "" ? "" : ", "}p99 ${msText(result.latency.p99)}`;
}
