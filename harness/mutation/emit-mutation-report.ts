// The text of generated/MUTATION.md: rules with the mutants they kill, the planted faults, and promises without a rule. Pure.
import type { Fault } from "../conformance/faults/plan.ts";
import { cell, code } from "./markdown.ts";
import type { Coverage } from "./promises.ts";
import type { RuleUnderTest } from "./rules-under-test.ts";

/** Why a promise has no rule, by its pointer. */
export type Reasons = ReadonlyMap<string, string>;

/** Holds only what is the same at every run. */
export function emitMutationReport(
  tested: readonly RuleUnderTest[],
  faults: readonly Fault[],
  coverage: readonly Coverage[],
  reasons: Reasons,
): string {
  const rules = [...new Set(tested.map(({ rule }) => rule))];
  const covered = coverage.filter(({ rules }) => rules.length > 0);
  const naming = new Map(faults.map(({ id }) => [id, rules.filter((rule) => faultsNamedBy(tested, rule.id).includes(id))]));
  return [
    "# Mutation testing of the rules",
    "",
    "<!-- Written by `npm run mutation`. Do not edit. -->",
    "",
    `${rules.length} rules are checked for ${tested.length} clauses. Each passes on the honest server and kills each mutant that it names: it fails`,
    `when the fault is planted (${faults.length} faults). Of ${coverage.length} promises of the document, ${covered.length} have a rule.`,
    "[KILL-MATRIX.md](KILL-MATRIX.md) shows which mutants have one killer alone, [DOCUMENT-MUTANTS.md](DOCUMENT-MUTANTS.md) which changes of the",
    "document are detected.",
    "",
    "## Rules and the mutants that they kill",
    "",
    "| rule | level | planted faults |",
    "|---|---|---|",
    ...rules.map(({ id, level }) => `| \`${id}\` | ${level} | ${faultsNamedBy(tested, id).map(code).join("<br>")} |`),
    "",
    "## Planted faults",
    "",
    "| fault | what the server does wrong | rules that name it |",
    "|---|---|---|",
    ...faults.map(({ id, breaks }) => `| ${code(id)} | ${cell(breaks)} | ${naming.get(id)!.length} |`),
    "",
    "## Promises without a rule",
    "",
    "| promise | kind | why |",
    "|---|---|---|",
    ...coverage
      .filter(({ rules }) => rules.length === 0)
      .map(({ pointer, kind, text }) => `| ${code(pointer)} ${cell(text)} | ${kind} | ${cell(reasons.get(pointer) ?? "")} |`),
    "",
  ].join("\n");
}

function faultsNamedBy(tested: readonly RuleUnderTest[], rule: string): readonly string[] {
  return [...new Set(tested.filter((one) => one.rule.id === rule).flatMap(({ faults }) => faults.map(({ id }) => id)))];
}
