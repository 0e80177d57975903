// The report for a terminal. Pure: data in, text out.
import type { Level, RuleResult, Verdict } from "../conformance/result.ts";
import { notDeclared } from "../conformance/rule-result.ts";
import type { Summary } from "../conformance/verdict.ts";
import { type Cause, causesOf } from "./causes.ts";
import { escapeLine } from "./escape.ts";
import { emitFailure, type Palette } from "./failure-text.ts";
import type { Opening } from "./reported-run.ts";
import type { PhaseEnd } from "./run-event.ts";

export type { Palette } from "./failure-text.ts";

/** Lines for the blocks of all causes; the first is shown whatever its length. */
const maxBlockLines = 52;
/** Causes that the answer names. */
const maxNamed = 6;
/** Groups of rules without a verdict. */
const maxGroups = 8;
const maxLine = 140;
const columns = 100;

const marks: Record<
  Verdict,
  { readonly mark: string; readonly counted: string; readonly color: (palette: Palette) => (text: string) => string }
> = {
  pass: { mark: "passed", counted: "passed", color: ({ green }) => green },
  fail: { mark: "FAILED", counted: "failed", color: ({ red }) => red },
  warn: { mark: "warning", counted: "warnings", color: ({ yellow }) => yellow },
  "not-testable": { mark: "not testable", counted: "not testable", color: ({ red }) => red },
  "not-applicable": { mark: "n/a", counted: "not applicable", color: ({ gray }) => gray },
  inconclusive: { mark: "inconclusive", counted: "inconclusive", color: ({ magenta }) => magenta },
};

/** What is tested, against what. */
export function emitOpening(opening: Opening, palette: Palette): string {
  const { title, file, targets, embedded, perspective, seed } = opening;
  return [
    `${palette.bold("wsproof verify")}  ${escapeLine(title)} (${escapeLine(file)}, ${perspective} perspective)`,
    `  target    ${escapeLine(targets.join(" "))}${embedded ? " (reference server, started for this run)" : ""}`,
    "  role      client",
    `  seed      ${seed}`,
    "",
    "",
  ].join("\n");
}

/** Said before a phase that takes its time. */
export function emitWait(name: string, waitsMs: number): string {
  return `${name}: waiting for declared timeouts (up to ${Math.ceil(waitsMs / 1000)} s)...\n`;
}

/** A failure in one line, as soon as it is known. */
export function emitFinding(
  { rule, level, actual }: { readonly rule: string; readonly level: Level; readonly actual: string },
  palette: Palette,
): string {
  const what = level === "MUST" ? palette.red(`failed  ${rule}`) : palette.yellow(`warning ${rule}`);
  return `  ${what}: ${cut(escapeLine(actual), columns)}\n`;
}

/** The line of one phase. */
export function emitPhase({ name, results, sent, received, judged, durationMs }: PhaseEnd, palette: Palette): string {
  const count = (wanted: Verdict) => results.filter(({ verdict }) => verdict === wanted).length;
  const failed = count("fail");
  const open = count("inconclusive");
  const line = `${name.padEnd(11)} ${pad(results.length)} rules ${pad(sent, 6)} sent ${pad(received, 6)} received ${pad(judged, 6)} checks ${pad(Math.round(durationMs), 6)} ms`;
  const bad = [...(failed > 0 ? [`${failed} failed`] : []), ...(open > 0 ? [`${open} inconclusive`] : [])].join(", ");
  return `${bad === "" ? line : (failed > 0 ? palette.red : palette.magenta)(`${line}  ${bad}`)}\n`;
}

/** A line a rule, and the remarks of the phase. */
export function emitRules(results: readonly RuleResult[], palette: Palette): string {
  const notes = [...new Set(results.flatMap((one) => one.notes))];
  const rest = results.filter(({ reason }) => reason === notDeclared).length;
  const lines = [
    ...results.filter(({ reason }) => reason !== notDeclared).flatMap((one) => resultLines(one, palette)),
    ...notes.map((note) => palette.dim(`  note         ${escapeLine(note)}`)),
    ...(rest > 0 ? [palette.gray(`  n/a          ${rest} more not applicable (not declared in the document)`)] : []),
  ];
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

export interface ResultsOptions {
  /** Every cause in full. Default: as many as fit on a few screens. */
  readonly verbose?: boolean;
  /** The HTML report, where one was written. */
  readonly html?: string | undefined;
}

/** What did not pass, by its reason; a block for each cause; then the answer: verdict, failed rules, what to run next. */
export function emitResults(
  results: readonly RuleResult[],
  summary: Summary,
  palette: Palette,
  { verbose = false, html }: ResultsOptions = {},
): string {
  const causes = causesOf(results);
  const groups = emitGroups(results, palette);
  const blocks = emitBlocks(causes, palette, verbose ? Number.POSITIVE_INFINITY : maxBlockLines);
  const counts = (Object.entries(summary.counts) as [Verdict, number][])
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => marks[verdict].color(palette)(`${count} ${marks[verdict].counted}`));
  const answer = [
    counts.join(", "),
    palette.bold((summary.exitCode === 0 ? palette.green : palette.red)(escapeLine(summary.text))),
    ...emitAnswer(causes, palette, html),
  ];
  const parts = [groups, blocks, answer].filter((part) => part.length > 0);
  return `\n${parts.map((part) => part.join("\n")).join("\n\n")}\n`;
}

/** Rules that neither passed nor failed, and known failures: one entry for all that share verdict and reason. */
function emitGroups(results: readonly RuleResult[], palette: Palette): string[] {
  const groups = new Map<string, RuleResult[]>();
  for (const result of results) {
    const { verdict, known, reason, id } = result;
    const isQuiet = verdict === "pass" || verdict === "not-applicable" || verdict === "fail" || verdict === "warn";
    if (isQuiet && known === undefined) continue;
    const key = known === undefined ? `${verdict}\n${reason ?? id}` : `known\n${known}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  const lines = [...groups.values()].slice(0, maxGroups).flatMap((group) => emitGroup(group, palette));
  const more = groups.size - maxGroups;
  return more > 0 ? [...lines, palette.dim(`  (${more} more reasons; see --verbose, --json or --html)`)] : lines;
}

function emitGroup(group: readonly RuleResult[], palette: Palette): string[] {
  const [first] = group;
  if (first === undefined) return [];
  if (group.length === 1) return resultLines(first, palette);
  const { mark, color } = marks[first.verdict];
  const shown = first.known === undefined ? color(palette)(mark.padEnd(12)) : palette.yellow("known".padEnd(12));
  const why = escapeLine(first.known ?? first.reason ?? "");
  return [
    `  ${shown} ${group.length} rules: ${cut(why, maxLine)}`,
    palette.dim(
      wrapped(
        " ".repeat(15),
        named(
          group.map(({ id }) => id),
          4,
        ),
        columns,
      ),
    ),
  ];
}

function emitBlocks(causes: readonly Cause[], palette: Palette, maxLines: number): string[] {
  const shown: string[] = [];
  let left = maxLines;
  for (const cause of causes) {
    const block = emitCause(cause, palette);
    left -= block.split("\n").length + 1;
    if (shown.length > 0 && left < 0) break;
    shown.push(shown.length === 0 ? block : `\n${block}`);
  }
  const more = causes.length - shown.length;
  return more > 0 ? [...shown, "", `(${more} more ${more === 1 ? "cause" : "causes"}; see --verbose, --json or --html)`] : shown;
}

/** Failed rules, each cause in one line, and the two commands to run next. */
function emitAnswer(causes: readonly Cause[], palette: Palette, html: string | undefined): string[] {
  const [first] = causes;
  if (first === undefined) return [];
  const lines = causes.slice(0, maxNamed).flatMap(({ rules, failure }) => {
    const ids = named(
      rules.map(({ id }) => id),
      3,
    );
    return [`  ${palette.red(ids.join(", "))}`, `    ${cut(escapeLine(failure.actual), maxLine)}`];
  });
  const more = causes.length - maxNamed;
  return [
    "",
    ...lines,
    ...(more > 0 ? [`  and ${more} more ${more === 1 ? "cause" : "causes"}`] : []),
    "",
    `  reproduce  ${escapeLine(first.failure.replay)}`,
    html === undefined ? "  details    add --html report.html" : `  details    open ${escapeLine(html)}`,
  ];
}

function emitCause({ result, failure, more, rules }: Cause, palette: Palette): string {
  const others = rules.filter(({ id }) => id !== result.id).map(({ id }) => id);
  const beside = [
    ...(more > 0 ? [`  and ${more} more with the same cause`] : []),
    ...(others.length > 0 ? [wrapped("  also fails  ", named(others, 12), columns)] : []),
  ];
  return [emitFailure(result, failure, palette), ...beside.map((line) => palette.dim(line))].join("\n");
}

function resultLines(result: RuleResult, palette: Palette): string[] {
  const { mark, color } = marks[result.verdict];
  const shown = result.known === undefined ? color(palette)(mark.padEnd(12)) : palette.yellow("known".padEnd(12));
  const why = result.reason === undefined ? "" : palette.dim(` (${escapeLine(result.reason)})`);
  const remarks = result.known === undefined ? [] : [`known failure: ${escapeLine(result.known)}`];
  return [
    `  ${shown} ${result.level.padEnd(6)} ${result.id}: ${result.title}${why}`,
    ...remarks.map((remark) => palette.dim(`                      ${remark}`)),
  ];
}

/** The first of them, and how many more there are. */
function named(ids: readonly string[], most: number): readonly string[] {
  return ids.length <= most + 1 ? ids : [...ids.slice(0, most), `${ids.length - most} more`];
}

export function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 3)}...` : text;
}

/** Words after a head, in lines of at most `width`. */
function wrapped(head: string, words: readonly string[], width: number): string {
  const lines = [head];
  for (const [at, word] of words.entries()) {
    const text = at === words.length - 1 ? word : `${word}, `;
    if (lines.at(-1)!.length + text.length > width && lines.at(-1)!.trim() !== "") lines.push(" ".repeat(head.length));
    lines.push(lines.pop()! + text);
  }
  return lines.map((line) => line.trimEnd()).join("\n");
}

function pad(count: number, width = 3): string {
  return String(count).padStart(width);
}
