// The document mutants as text: how many are killed, of which kinds, and why the others survive. Pure.
import { cell } from "./markdown.ts";
import type { DocumentMutantSummary } from "./run-document-mutants.ts";

/** The counts in one sentence. */
export function figureOf({ killed, explained, unexplained }: DocumentMutantSummary): string {
  const all = killed.length + explained.length + unexplained.length;
  const open = unexplained.length === 0 ? "" : `, ${unexplained.length} survive without a reason`;
  return `${killed.length} of ${all} document mutants are killed, ${explained.length} survive for a known reason${open}`;
}

/** For generated/DOCUMENT-MUTANTS.md: only what is the same at every run, so not which of several rules failed first. */
export function emitDocumentMutants(summary: DocumentMutantSummary): string {
  const kinds = new Map<string, number>();
  for (const { mutant } of summary.killed) kinds.set(mutant.kind, (kinds.get(mutant.kind) ?? 0) + 1);
  const byReason = new Map<string, string[]>();
  for (const { mutant, reason } of summary.explained) byReason.set(reason, [...(byReason.get(reason) ?? []), mutant.id]);
  return [
    "# Document mutants",
    "",
    "<!-- Written by `npm run mutation -- --part documents`. Do not edit. -->",
    "",
    "Each mutant is the document with one statement changed, so that the honest server contradicts it: some rule must fail.",
    "Changes that only allow the server more are left out, because a server that conforms to the document conforms to them too.",
    "",
    `${figureOf(summary)}.`,
    "",
    "## Killed",
    "",
    "| what was changed | mutants |",
    "|---|---|",
    ...[...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `| \`${kind}\` | ${count} |`),
    "",
    "## Survived for a known reason",
    "",
    "| mutant | why no rule fails |",
    "|---|---|",
    ...[...byReason].map(([reason, ids]) => `| ${ids.map((id) => `\`${cell(id)}\``).join("<br>")} | ${cell(reason)} |`),
    "",
  ].join("\n");
}

/** The same of one run, with the rule that failed first. */
export function documentMutantLines({ killed, explained, unexplained }: DocumentMutantSummary): readonly string[] {
  return [
    ...killed.map(({ mutant, rule }) => `    ${mutant.id}: ${rule}`),
    ...(explained.length > 0 ? ["Survived for a known reason:"] : []),
    ...explained.map(({ mutant, reason }) => `    ${mutant.id}: ${reason}`),
    ...(unexplained.length > 0 ? ["Survived:"] : []),
    ...unexplained.map(({ mutant }) => `    ${mutant.id}`),
  ];
}
