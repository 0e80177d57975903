// From results to one verdict and the exit code. A run that proved nothing is never green.
import { exitCode } from "../errors.ts";
import type { RuleResult, Verdict } from "./phase.ts";

export interface Summary {
  readonly exitCode: number;
  /** One sentence for a person. */
  readonly says: string;
  readonly counts: Readonly<Record<Verdict, number>>;
}

const verdicts: readonly Verdict[] = ["pass", "fail", "warn", "not-testable", "not-applicable", "inconclusive"];

/**
 * @param interrupted why the run as a whole cannot be trusted, or that it was cut short
 * @param strict makes SHOULD and MAY count, and what could not be tested
 */
export function summarise(
  results: readonly RuleResult[],
  { interrupted, strict }: { interrupted?: string | undefined; strict?: boolean | undefined } = {},
): Summary {
  const counts = Object.fromEntries(
    verdicts.map((verdict) => [verdict, results.filter((one) => one.verdict === verdict).length]),
  ) as Record<Verdict, number>;
  const judged = results.reduce((sum, { observed }) => sum + observed, 0);
  const of = (code: number, says: string): Summary => ({ exitCode: code, says, counts });
  const findings = counts.fail + (strict === true ? counts.warn : 0);
  if (findings > 0) return of(exitCode.findings, `Not conformant: ${plural(findings, "rule")} broken.`);
  if (interrupted !== undefined) return of(exitCode.inconclusive, `Inconclusive: ${interrupted}`);
  if (counts.inconclusive > 0)
    return of(exitCode.inconclusive, `Inconclusive: ${plural(counts.inconclusive, "rule")} could not be judged.`);
  const vacuous = results.filter((one) => one.vacuous).length;
  if (vacuous > 0) return of(exitCode.inconclusive, `Inconclusive: ${plural(vacuous, "rule")} observed nothing.`);
  if (counts.pass === 0 || judged === 0) return of(exitCode.inconclusive, "Nothing was proven: no rule that applies was judged.");
  if (strict === true && counts["not-testable"] > 0) {
    return of(exitCode.inconclusive, `Inconclusive (--strict): ${plural(counts["not-testable"], "rule")} not testable.`);
  }
  const untested = counts["not-testable"] > 0 ? `, but ${plural(counts["not-testable"], "rule")} could not be tested` : "";
  return of(exitCode.ok, `Conformant: ${plural(counts.pass, "rule")} kept${untested}.`);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
