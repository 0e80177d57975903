// The altered documents as text: how many the honest server breaks, by which rules, and why the others go unnoticed. Pure.
import type { MutantResult } from "./run-document-mutants.ts";

/** How many, said in one sentence. */
export function figureOf({ noticed, explained, unexplained }: MutantResult): string {
  const all = noticed.length + explained.length + unexplained.length;
  const open = unexplained.length === 0 ? "" : `, ${unexplained.length} go unnoticed without a reason`;
  return `${noticed.length} of ${all} altered documents make the honest server fail, ${explained.length} are explained${open}`;
}

/** For generated/ALTERED.md: what is the same at every run, so not which of several rules saw it first. */
export function emitAltered(result: MutantResult): string {
  const kinds = new Map<string, number>();
  for (const { mutant } of result.noticed) kinds.set(mutant.kind, (kinds.get(mutant.kind) ?? 0) + 1);
  const byReason = new Map<string, string[]>();
  for (const { mutant, reason } of result.explained) byReason.set(reason, [...(byReason.get(reason) ?? []), mutant.id]);
  return [
    "# Altered documents",
    "",
    "<!-- Written by `npm run mutation -- --part mutants`. Do not edit. -->",
    "",
    "Each document says one thing that the honest server does not do, and leaves the rest as it was: some rule must fail then.",
    "What only loosens what the server must do is not among them, because a server that keeps the document cannot break it.",
    "",
    `${figureOf(result)}.`,
    "",
    "## Noticed",
    "",
    "| what was altered | documents |",
    "|---|---|",
    ...[...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `| \`${kind}\` | ${count} |`),
    "",
    "## Explained",
    "",
    "| document | why nobody notices |",
    "|---|---|",
    ...[...byReason].map(([reason, ids]) => `| ${ids.map((id) => `\`${cell(id)}\``).join("<br>")} | ${cell(reason)} |`),
    "",
  ].join("\n");
}

/** The same of one run, with the rule that failed first. */
export function alteredLines({ noticed, explained, unexplained }: MutantResult): readonly string[] {
  return [
    ...noticed.map(({ mutant, rule }) => `    ${mutant.id}: ${rule}`),
    ...(explained.length > 0 ? ["Explained:"] : []),
    ...explained.map(({ mutant, reason }) => `    ${mutant.id}: ${reason}`),
    ...(unexplained.length > 0 ? ["Survivors:"] : []),
    ...unexplained.map(({ mutant }) => `    ${mutant.id}`),
  ];
}

/** In a table's cell, no pipe and no line break. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
}
