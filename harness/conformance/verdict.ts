// From results to one verdict and the exit code. A run that proved nothing is never green.
import { exitCode } from "../schema/errors.ts";
import type { RuleResult, Verdict } from "./result.ts";

export interface Summary {
  readonly exitCode: number;
  /** One sentence for a person. */
  readonly text: string;
  readonly counts: Readonly<Record<Verdict, number>>;
}

export interface Circumstances {
  /** Why the whole run cannot be trusted, or that it was cut short. */
  readonly interrupted?: string | undefined;
  /** SHOULD violations and untestable rules count as failures. */
  readonly strict?: boolean;
  /** Entries of the baseline whose rule passes. */
  readonly stale?: readonly { readonly id: string; readonly at: string }[];
}

const verdicts: readonly Verdict[] = ["pass", "fail", "warn", "not-testable", "not-applicable", "inconclusive"];

export function summarise(results: readonly RuleResult[], circumstances: Circumstances = {}): Summary {
  const { interrupted, strict = false, stale = [] } = circumstances;
  const counts = Object.fromEntries(
    verdicts.map((verdict) => [verdict, results.filter((one) => one.verdict === verdict).length]),
  ) as Record<Verdict, number>;
  const of = (code: number, text: string): Summary => ({ exitCode: code, text, counts });
  const broken = results.filter(
    ({ verdict, known }) => known === undefined && (verdict === "fail" || (strict && verdict === "warn")),
  );
  if (broken.length > 0) return of(exitCode.findings, `Not conformant: ${plural(broken.length, "rule")} failed.`);
  if (stale.length > 0) {
    const entries = stale.map(({ id, at }) => `${id} (${at})`).join(", ");
    return of(exitCode.findings, `The baseline is stale: ${entries} passes now. Remove it from the list.`);
  }
  const internal = results.filter((one) => one.internalError).length;
  if (internal > 0)
    return of(
      exitCode.couldNotRun,
      `wsproof failed: ${plural(internal, "rule")} ended with an internal error. Please report it.`,
    );
  if (interrupted !== undefined) return of(exitCode.inconclusive, `Inconclusive: ${interrupted}`);
  if (counts.inconclusive > 0) {
    return of(exitCode.inconclusive, `Inconclusive: ${plural(counts.inconclusive, "rule")} could not be decided.`);
  }
  const vacuous = results.filter((one) => one.vacuous).length;
  if (vacuous > 0) return of(exitCode.inconclusive, `Inconclusive: ${plural(vacuous, "rule")} observed nothing.`);
  const judged = results.reduce((sum, { observed }) => sum + observed, 0);
  if (counts.pass === 0 || judged === 0) {
    return of(exitCode.inconclusive, "Nothing was proven: no rule that applies was tested and passed.");
  }
  const untested = counts["not-testable"];
  if (strict && untested > 0)
    return of(exitCode.inconclusive, `Inconclusive (--strict): ${plural(untested, "rule")} not testable.`);
  const known = results.filter((one) => one.known !== undefined).length;
  const but = [
    known > 0 ? `${plural(known, "known failure")} excepted` : "",
    untested > 0 ? `${plural(untested, "rule")} could not be tested` : "",
  ].filter((one) => one !== "");
  return of(exitCode.ok, `Conformant: ${[`${plural(counts.pass, "rule")} passed`, ...but].join(", ")}.`);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
