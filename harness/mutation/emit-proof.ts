// The proof as text: rules by fault, what only one rule sees, mutants that survived, and promises without a rule. Pure.
import type { Fault } from "../conformance/faults/plan.ts";
import { alteredLines, figureOf } from "./emit-document-mutants.ts";
import { lookOnly } from "./kill-matrix.ts";
import type { Claim } from "./mutants.ts";
import type { Coverage } from "./promises.ts";
import type { MutantResult } from "./run-document-mutants.ts";
import type { Proof } from "./run-mutant.ts";

/** A promise that no rule is checked for, or a mutant that survives, and why that is so. */
export type Reasons = ReadonlyMap<string, string>;

/** What is the same at every run: for generated/PROOF.md. */
export function emitProof(
  claims: readonly Claim[],
  faults: readonly Fault[],
  coverage: readonly Coverage[],
  reasons: Reasons,
): string {
  const rules = [...new Set(claims.map(({ rule }) => rule))];
  const covered = coverage.filter(({ rules }) => rules.length > 0);
  const seers = new Map(faults.map(({ id }) => [id, rules.filter((rule) => namedBy(claims, rule.id).some((one) => one === id))]));
  return [
    "# Proof of the judge",
    "",
    "<!-- Written by `npm run mutation`. Do not edit. -->",
    "",
    `${rules.length} rules are checked for ${claims.length} promises. Each fails behind each of the planted faults that it names`,
    `(${faults.length} faults), and passes on the honest server. Of ${coverage.length} promises of the document, ${covered.length} have a rule.`,
    "Which faults one rule alone sees stands in [CROSS.md](CROSS.md), and what altered documents show in [ALTERED.md](ALTERED.md).",
    "",
    "## Rules and the faults that they convict",
    "",
    "| rule | level | fails behind |",
    "|---|---|---|",
    ...rules.map(({ id, level }) => `| \`${id}\` | ${level} | ${namedBy(claims, id).map(code).join("<br>")} |`),
    "",
    "## Faults",
    "",
    "| fault | what the server does wrong | rules that name it |",
    "|---|---|---|",
    ...faults.map(({ id, breaks }) => `| ${code(id)} | ${cell(breaks)} | ${seers.get(id)!.length} |`),
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

/** More rules than this are counted, not named. */
const namedSeers = 4;

/**
 * Who sees each fault, for generated/CROSS.md: the rules that name it, and the quick ones that convicted behind it.
 * @param proofs of a whole cross, so that what nobody names is known to be seen by nobody else
 */
export function emitCross(claims: readonly Claim[], faults: readonly Fault[], proofs: readonly Proof[]): string {
  const misled = new Set(
    proofs.filter(({ fault, verdict }) => fault === lookOnly.id && verdict === "convicts").map(({ rule }) => rule),
  );
  const quick = new Set(proofs.map(({ rule }) => rule));
  const tried = new Set(proofs.map(({ fault }) => fault).filter((fault) => fault !== lookOnly.id));
  const rows = faults.map(({ id, breaks }) => {
    const naming = claims.filter((claim) => claim.faults.some((fault) => fault.id === id)).map(({ rule }) => rule.id);
    const convicting = proofs
      .filter(({ fault, verdict, rule }) => fault === id && verdict === "convicts" && !misled.has(rule))
      .map(({ rule }) => rule);
    return { id, breaks, seers: [...new Set([...naming, ...convicting])], isTried: tried.has(id) };
  });
  const lonely = rows.filter(({ seers, isTried }) => isTried && seers.length === 1);
  const untried = rows.filter(({ isTried }) => !isTried);
  return [
    "# Who sees each fault",
    "",
    "<!-- Written by `npm run mutation -- --part cross`. Do not edit. -->",
    "",
    `Each of the ${quick.size} quick rules behind each of the ${tried.size} faults of the proxy, for one promise a rule. Rules that wait, that`,
    "judge a whole phase or that must run alone count where they name the fault. Behind a fault that one rule alone sees,",
    "that rule is all that stands between the fault and a green run.",
    ...(misled.size === 0
      ? []
      : [
          "",
          "Counted only where they name the fault, because they fail behind a proxy that reads what passes and changes nothing:",
          `${[...misled].map(code).join(", ")}.`,
        ]),
    "",
    `## Seen by one rule alone: ${lonely.length} of ${tried.size}`,
    "",
    "| fault | what the server does wrong | the rule |",
    "|---|---|---|",
    ...lonely.map(({ id, breaks, seers }) => `| ${code(id)} | ${cell(breaks)} | ${code(seers[0]!)} |`),
    "",
    "## Seen by more",
    "",
    "| fault | rules | they are |",
    "|---|---|---|",
    ...rows
      .filter(({ seers, isTried }) => isTried && seers.length > 1)
      .map(({ id, seers }) => {
        const more = seers.length > namedSeers ? ` and ${seers.length - namedSeers} more` : "";
        return `| ${code(id)} | ${seers.length} | ${seers.slice(0, namedSeers).map(code).join(" ")}${more} |`;
      }),
    "",
    `## Not tried: ${untried.length} switches of the test server`,
    "",
    "| fault | named by |",
    "|---|---|",
    ...untried.map(({ id, seers }) => `| ${code(id)} | ${seers.map(code).join(" ")} |`),
    "",
  ].join("\n");
}

function namedBy(claims: readonly Claim[], rule: string): readonly string[] {
  return [...new Set(claims.filter((claim) => claim.rule.id === rule).flatMap(({ faults }) => faults.map(({ id }) => id)))];
}

function code(text: string): string {
  return `\`${cell(text).replaceAll("`", "'")}\``;
}

/** In a table's cell, no pipe and no line break. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
}

/** The matrix of one run, as text: fault by fault, who convicts. */
export function emitMatrix(proofs: readonly Proof[], altered: MutantResult | undefined): string {
  const byFault = new Map<string, Set<string>>();
  for (const { fault, rule, verdict } of proofs) {
    if (fault === undefined) continue;
    const rules = byFault.get(fault) ?? new Set();
    byFault.set(fault, rules);
    if (verdict === "convicts") rules.add(rule);
  }
  const lines = [...byFault].map(([fault, rules]) => {
    const only = rules.size === 1 ? "  <- one rule alone" : "";
    return `${fault}\n${[...rules].map((rule) => `    ${rule}`).join("\n") || "    (nobody)"}${only}`;
  });
  const ofDocuments = altered === undefined ? [] : [`${figureOf(altered)}.`, ...alteredLines(altered)];
  return ["Who convicts behind each fault", "", ...lines, "", ...ofDocuments, ""].join("\n");
}
