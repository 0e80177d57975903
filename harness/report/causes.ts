// Failures by their cause: what the target did wrong in the same way is one cause, whichever rules and cases saw it. Pure.
import type { Failure, RuleResult } from "../conformance/result.ts";

export interface Cause {
  /** The failure with the shortest sequence, and its rule. */
  readonly result: RuleResult;
  readonly failure: Failure;
  /** Failures beside it. */
  readonly more: number;
  /** Rules that saw it, in their order. */
  readonly rules: readonly RuleResult[];
}

/** In the order in which the rules stand. Known failures of a baseline are left out. */
export function causesOf(results: readonly RuleResult[]): readonly Cause[] {
  const causes = new Map<string, { result: RuleResult; failure: Failure }[]>();
  for (const result of results) {
    if (result.known !== undefined) continue;
    for (const failure of result.failures) {
      const key = `${triggerOf(failure)}\n${generalised(failure.actual)}`;
      causes.set(key, [...(causes.get(key) ?? []), { result, failure }]);
    }
  }
  return [...causes.values()].map((all) => {
    const shortest = all.reduce((best, one) => (sizeOf(one.failure) < sizeOf(best.failure) ? one : best));
    return { ...shortest, more: all.length - 1, rules: [...new Set(all.map(({ result }) => result))] };
  });
}

function sizeOf({ steps, frames }: Failure): number {
  return steps.length * 10_000 + frames.length;
}

/** What the target was given when it failed: the same kind of frame, or the same end. */
function triggerOf({ frames, actual }: Failure): string {
  // The end of a connection, or silence, has the same cause whatever was sent in the case.
  if (/^(close \d+|the end of the connection|an idle connection|silence|nothing|only )/.test(actual)) return "";
  const sent = frames.findLast((event) => event.kind === "send");
  if (sent === undefined) return "";
  const { frame } = sent as { readonly frame: unknown };
  return typeof frame === "object" && frame !== null ? Object.keys(frame).sort().join(" ") : typeof frame;
}

/** Without what differs from case to case: numbers, ids, quoted values. */
function generalised(text: string): string {
  return text
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/[\w-]*\d[\w-]*/g, "0")
    .replaceAll(/\s+/g, " ")
    .slice(0, 120);
}
