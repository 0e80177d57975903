// The kill matrix as text: which rules kill each mutant, and which mutants have one killer alone. Pure.
import type { Fault } from "../conformance/faults/plan.ts";
import { documentMutantLines, figureOf } from "./emit-document-mutants.ts";
import { observer } from "./kill-matrix.ts";
import { cell, code } from "./markdown.ts";
import type { RuleUnderTest } from "./rules-under-test.ts";
import type { DocumentMutantSummary } from "./run-document-mutants.ts";
import type { MutationResult } from "./run-mutant.ts";

/** More killers than this are counted, not named. */
const namedKillers = 4;

/**
 * For generated/KILL-MATRIX.md. The killers of a mutant are the rules that name its fault and the quick ones that failed on it.
 * @param results of a whole kill matrix
 */
export function emitKillMatrix(
  rules: readonly RuleUnderTest[],
  faults: readonly Fault[],
  results: readonly MutationResult[],
): string {
  const misled = new Set(
    results.filter(({ fault, outcome }) => fault === observer.id && outcome === "killed").map(({ rule }) => rule),
  );
  const quick = new Set(results.map(({ rule }) => rule));
  const tried = new Set(results.map(({ fault }) => fault).filter((fault) => fault !== observer.id));
  const rows = faults.map(({ id, breaks }) => {
    const naming = rules.filter((tested) => tested.faults.some((fault) => fault.id === id)).map(({ rule }) => rule.id);
    const failing = results
      .filter(({ fault, outcome, rule }) => fault === id && outcome === "killed" && !misled.has(rule))
      .map(({ rule }) => rule);
    return { id, breaks, killers: [...new Set([...naming, ...failing])], isTried: tried.has(id) };
  });
  const lonely = rows.filter(({ killers, isTried }) => isTried && killers.length === 1);
  const untried = rows.filter(({ isTried }) => !isTried);
  return [
    "# Kill matrix",
    "",
    "<!-- Written by `npm run mutation -- --part matrix`. Do not edit. -->",
    "",
    `Each of the ${quick.size} quick rules against each of the ${tried.size} mutants that the proxy makes, for one clause a rule. Rules that wait,`,
    "that read the evidence of a prepared phase or that must run alone count where they name the fault. Where a mutant has one killer alone,",
    "only that rule stands between the fault and a green run.",
    ...(misled.size === 0
      ? []
      : [
          "",
          "Counted only where they name the fault, because they fail behind a proxy that reads all frames and changes none:",
          `${[...misled].map(code).join(", ")}.`,
        ]),
    "",
    `## One killer alone: ${lonely.length} of ${tried.size}`,
    "",
    "| fault | what the server does wrong | the rule |",
    "|---|---|---|",
    ...lonely.map(({ id, breaks, killers }) => `| ${code(id)} | ${cell(breaks)} | ${code(killers[0]!)} |`),
    "",
    "## Several killers",
    "",
    "| fault | rules | killers |",
    "|---|---|---|",
    ...rows
      .filter(({ killers, isTried }) => isTried && killers.length > 1)
      .map(({ id, killers }) => {
        const more = killers.length > namedKillers ? ` and ${killers.length - namedKillers} more` : "";
        return `| ${code(id)} | ${killers.length} | ${killers.slice(0, namedKillers).map(code).join(" ")}${more} |`;
      }),
    "",
    `## Not in the matrix: ${untried.length} switches of the test server`,
    "",
    "| fault | named by |",
    "|---|---|",
    ...untried.map(({ id, killers }) => `| ${code(id)} | ${killers.map(code).join(" ")} |`),
    "",
  ].join("\n");
}

/** All results of one run, fault by fault, for the terminal's companion file. */
export function emitRun(results: readonly MutationResult[], documents: DocumentMutantSummary | undefined): string {
  const byFault = new Map<string, Set<string>>();
  for (const { fault, rule, outcome } of results) {
    if (fault === undefined) continue;
    const rules = byFault.get(fault) ?? new Set();
    byFault.set(fault, rules);
    if (outcome === "killed") rules.add(rule);
  }
  const lines = [...byFault].map(([fault, rules]) => {
    const only = rules.size === 1 ? "  <- one killer alone" : "";
    return `${fault}\n${[...rules].map((rule) => `    ${rule}`).join("\n") || "    (survived)"}${only}`;
  });
  const ofDocuments = documents === undefined ? [] : [`${figureOf(documents)}.`, ...documentMutantLines(documents)];
  return ["Killers of each mutant", "", ...lines, "", ...ofDocuments, ""].join("\n");
}
