// From results to one verdict and the exit code. A run that proved nothing is never green.
import { exitCode } from "../schema/errors.ts";
import type { RuleResult, Verdict } from "./phase.ts";

export interface Summary {
  readonly exitCode: number;
  /** One sentence for a person. */
  readonly text: string;
  readonly counts: Readonly<Record<Verdict, number>>;
}

export interface Circumstances {
  /** Why the run as a whole cannot be trusted, or that it was cut short. */
  readonly interrupted?: string | undefined;
  /** SHOULD and MAY count, and so does what could not be tested. */
  readonly strict?: boolean;
  /** Entries of the baseline whose rule is kept. */
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
  if (broken.length > 0) return of(exitCode.findings, `Not conformant: ${plural(broken.length, "rule")} broken.`);
  if (stale.length > 0) {
    const entries = stale.map(({ id, at }) => `${id} (${at})`).join(", ");
    return of(exitCode.findings, `The baseline is stale: ${entries} is kept now. Take it out of the list.`);
  }
  if (interrupted !== undefined) return of(exitCode.inconclusive, `Inconclusive: ${interrupted}`);
  if (counts.inconclusive > 0) {
    return of(exitCode.inconclusive, `Inconclusive: ${plural(counts.inconclusive, "rule")} could not be judged.`);
  }
  const vacuous = results.filter((one) => one.vacuous).length;
  if (vacuous > 0) return of(exitCode.inconclusive, `Inconclusive: ${plural(vacuous, "rule")} observed nothing.`);
  const judged = results.reduce((sum, { observed }) => sum + observed, 0);
  if (counts.pass === 0 || judged === 0) {
    return of(exitCode.inconclusive, "Nothing was proven: no rule that applies was judged and kept.");
  }
  const untested = counts["not-testable"];
  if (strict && untested > 0)
    return of(exitCode.inconclusive, `Inconclusive (--strict): ${plural(untested, "rule")} not testable.`);
  const known = results.filter((one) => one.known !== undefined).length;
  const but = [
    known > 0 ? `${plural(known, "known failure")} apart` : "",
    untested > 0 ? `${plural(untested, "rule")} could not be tested` : "",
  ].filter((one) => one !== "");
  return of(exitCode.ok, `Conformant: ${[`${plural(counts.pass, "rule")} kept`, ...but].join(", ")}.`);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
