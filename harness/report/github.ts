// For GitHub Actions: an annotation for each cause, and the job summary in Markdown. Pure.
import type { Failure } from "../conformance/result.ts";
import { causesOf } from "./causes.ts";
import { escapeLine, escapeMarkdown } from "./escape.ts";
import type { ReportedRun } from "./reported-run.ts";

/** GitHub shows ten annotations of a kind and step. */
const maxAnnotations = 10;
const maxCauses = 50;

/** Workflow commands, one a line: an error for each cause of a MUST, else a warning. */
export function emitAnnotations(run: ReportedRun): string {
  const { report, clauses } = run;
  const lines = causesOf(report.results)
    .slice(0, maxAnnotations)
    .map(({ result, failure }) => {
      const command = result.verdict === "fail" || run.strict ? "error" : "warning";
      const file = clauses === undefined ? "" : `file=${property(clauses.file)},line=${clauses.lines[failure.pointer] ?? 1},`;
      return `::${command} ${file}title=${property(`${result.level} ${result.id}`)}::${data(messageOf(failure))}`;
    });
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function messageOf({ expected, actual, replay }: Failure): string {
  return [`expected ${expected}`, `actual ${actual}`, `reproduce: ${replay}`].map(escapeLine).join("\n");
}

const data = (text: string) => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const property = (text: string) => data(escapeLine(text)).replaceAll(":", "%3A").replaceAll(",", "%2C");

/** The verdict, the counts, and a table of the causes. */
export function emitJobSummary({ opening, summary, report }: ReportedRun): string {
  const mark = summary.exitCode === 0 ? "✅" : summary.exitCode === 1 ? "❌" : "⚠️";
  const counts = Object.entries(summary.counts).filter(([, count]) => count > 0);
  const causes = causesOf(report.results);
  const rows = causes.slice(0, maxCauses).map(({ rules, failure, more }) => {
    const ids = rules.map(({ id, level }) => `${cell(id)} (${level})`).join("<br>");
    return `| ${ids} | ${cell(failure.expected)} | ${cell(failure.actual)}${more > 0 ? ` and ${more} more` : ""} | ${cell(failure.replay)} |`;
  });
  const table = rows.length === 0 ? [] : ["", "| rule | expected | actual | reproduce |", "|---|---|---|---|", ...rows];
  return [
    `## ${mark} ${escapeMarkdown(opening.title)}`,
    "",
    `**${escapeMarkdown(summary.text)}** Target ${cell(opening.targets.join(" "))}, seed ${opening.seed}.`,
    "",
    `| ${counts.map(([verdict]) => verdict).join(" | ")} |`,
    `|${counts.map(() => "---").join("|")}|`,
    `| ${counts.map(([, count]) => count).join(" | ")} |`,
    ...table,
    ...(causes.length > maxCauses ? ["", `${causes.length - maxCauses} more causes are in the report.`] : []),
    "",
  ].join("\n");
}

/** As code, within a cell of a table. */
function cell(text: string): string {
  const flat = escapeLine(text).replaceAll("|", "\\|");
  const shown = flat.length > 240 ? `${flat.slice(0, 240)}…` : flat;
  const ticks = "`".repeat(1 + Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length)));
  return ticks.length === 1 ? `\`${shown}\`` : `${ticks} ${shown} ${ticks}`;
}
