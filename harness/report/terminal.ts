// The report for a terminal. Pure: data in, text out.

import picocolors from "picocolors";
import type { Colors } from "picocolors/types.js";
import type { ContractUnderTest } from "../client/context.ts";
import type { Failure, RuleResult, Verdict } from "../conformance/phase.ts";
import type { Rule } from "../conformance/rule.ts";
import { notDeclared } from "../conformance/rule-result.ts";
import type { PhaseReport } from "../conformance/run-phases.ts";
import type { Summary } from "../conformance/verdict.ts";
import { type Cause, causesOf } from "./causes.ts";
import { escapeLine, escapeTerminal } from "./escape.ts";
import { frameLines } from "./frames.ts";
import type { Opening } from "./reported-run.ts";

/** picocolors, or its colourless twin. */
export type Palette = Colors;

/** Frames of one failure that are shown; the rest is in the other reports. */
const maxFrames = 12;
const maxFramesInFile = 40;
/** Causes that are shown in full. */
const maxCauses = 8;
const maxLine = 140;

const marks: Record<
  Verdict,
  { readonly mark: string; readonly counted: string; readonly color: (palette: Palette) => (text: string) => string }
> = {
  pass: { mark: "pass", counted: "passed", color: ({ green }) => green },
  fail: { mark: "FAIL", counted: "failed", color: ({ red }) => red },
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

/** The line of one phase. */
export function emitPhase({ name, results, sent, received, judged, durationMs }: PhaseReport, palette: Palette): string {
  const bad = results.filter(({ verdict }) => verdict === "fail" || verdict === "inconclusive").length;
  const line = `${name.padEnd(11)} ${pad(results.length)} rules ${pad(sent, 6)} sent ${pad(received, 6)} received ${pad(judged, 6)} checks ${pad(Math.round(durationMs), 6)} ms`;
  return `${bad > 0 ? palette.red(`${line}  ${bad} failed`) : line}\n`;
}

export interface ResultsOptions {
  /** A line for every rule; else for those alone that did not pass. Default false. */
  readonly verbose?: boolean;
  /** The HTML report, where one was written. */
  readonly html?: string | undefined;
}

/** Rules that did not pass, a block for each cause, then the answer: verdict, failed rules, what to run next. */
export function emitResults(
  results: readonly RuleResult[],
  summary: Summary,
  palette: Palette,
  { verbose = false, html }: ResultsOptions = {},
): string {
  const lines: string[] = [""];
  for (const phase of new Set(results.map((one) => one.phase))) {
    const ofPhase = results.filter((one) => one.phase === phase);
    const isQuiet = ({ verdict, known }: RuleResult) =>
      (verdict === "pass" && known === undefined) || verdict === "not-applicable" || verdict === "fail";
    const shown = ofPhase.filter((one) => one.reason !== notDeclared && (verbose || !isQuiet(one) || one.known !== undefined));
    const notes = [...new Set(ofPhase.flatMap((one) => one.notes))];
    const rest = ofPhase.filter(({ reason }) => reason === notDeclared).length;
    if (shown.length === 0 && (!verbose || notes.length + rest === 0)) continue;
    lines.push(palette.bold(phase), ...shown.flatMap((one) => resultLines(one, palette)));
    if (!verbose) continue;
    for (const note of notes) lines.push(palette.dim(`  note         ${escapeLine(note)}`));
    if (rest > 0) lines.push(palette.gray(`  n/a          ${rest} more not applicable (not declared in the document)`));
  }
  const causes = causesOf(results);
  for (const cause of causes.slice(0, maxCauses)) lines.push("", emitCause(cause, palette));
  if (causes.length > maxCauses) lines.push("", `(${causes.length - maxCauses} more causes; see --json or --html)`);
  const counts = (Object.entries(summary.counts) as [Verdict, number][])
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => marks[verdict].color(palette)(`${count} ${marks[verdict].counted}`));
  lines.push(...(lines.length > 1 ? [""] : []), counts.join(", "));
  lines.push(palette.bold((summary.exitCode === 0 ? palette.green : palette.red)(escapeLine(summary.text))));
  lines.push(...emitAnswer(causes, palette, html), "");
  return lines.join("\n");
}

/** Failed rules, each cause in one line, and the two commands to run next. */
function emitAnswer(causes: readonly Cause[], palette: Palette, html: string | undefined): string[] {
  const [first] = causes;
  if (first === undefined) return [];
  const lines = causes.slice(0, maxCauses).flatMap(({ rules, failure }) => {
    const ids = rules.map(({ id }) => id);
    const others = ids.length > 3 ? ` and ${ids.length - 3} more` : "";
    return [`  ${palette.red(`${ids.slice(0, 3).join(", ")}${others}`)}`, `    ${cut(escapeLine(failure.actual), maxLine)}`];
  });
  return [
    "",
    ...lines,
    "",
    `  reproduce  ${escapeLine(first.failure.replay)}`,
    html === undefined ? "  details    add --html report.html" : `  details    open ${escapeLine(html)}`,
  ];
}

function emitCause({ result, failure, more, rules }: Cause, palette: Palette): string {
  const others = rules.filter(({ id }) => id !== result.id).map(({ id }) => id);
  const beside = [
    ...(more > 0 ? [`  and ${more} more with the same cause`] : []),
    ...(others.length > 0 ? [wrapped("  also fails  ", others, 100)] : []),
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

/** Rule and level, the sentence, expected and actual, the sequence, the frames, the seed, how to run it again. */
export function emitFailure(
  result: Pick<RuleResult, "id" | "level" | "title">,
  failure: Failure,
  palette: Palette,
  shownFrames = maxFrames,
): string {
  const indented = (text: string) => escapeTerminal(text).replaceAll("\n", "\n            ");
  const lines = [
    `${palette.red(palette.bold(result.id))}  ${result.level}  ${steadiness(failure)}`,
    `  ${result.title}`,
    `  clause    ${escapeLine(failure.pointer)}`,
    ...(failure.text === "" ? [] : [`            ${palette.italic(indented(failure.text))}`]),
    `  expected  ${indented(failure.expected)}`,
    `  actual    ${indented(failure.actual)}`,
    ...(failure.steps.length > 0 ? ["  sequence", ...failure.steps.map((step, at) => `    ${at + 1}. ${escapeLine(step)}`)] : []),
  ];
  const frames = frameLines(failure.frames);
  if (frames.length > 0) lines.push("  frames");
  const skipped = frames.length - shownFrames;
  if (skipped > 0) lines.push(palette.dim(`    (${skipped} earlier frames omitted; see --json or --html)`));
  for (const { atMs, connection, arrow, text } of frames.slice(-shownFrames)) {
    lines.push(`    ${atMs.toFixed(1).padStart(9)} ms  ${connection.padEnd(4)} ${arrow} ${escapeLine(text)}`);
  }
  lines.push(`  seed      ${failure.seed}`, `  replay    ${escapeLine(failure.replay)}`);
  return lines.join("\n");
}

/** How often it failed again. */
export function steadiness({ failed, runs }: Pick<Failure, "failed" | "runs">): string {
  return runs === 1 ? "observed once (not retried)" : `${failed === runs ? "reproduced" : "flaky"} ${failed}/${runs}`;
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 3)}...` : text;
}

/** Words after a head, in lines of at most `columns`. */
function wrapped(head: string, words: readonly string[], columns: number): string {
  const lines = [head];
  for (const [at, word] of words.entries()) {
    const text = at === words.length - 1 ? word : `${word}, `;
    if (lines.at(-1)!.length + text.length > columns && lines.at(-1)!.trim() !== "") lines.push(" ".repeat(head.length));
    lines.push(lines.pop()! + text);
  }
  return lines.map((line) => line.trimEnd()).join("\n");
}

const plain = picocolors.createColors(false);

/** The same without colours, for files. */
export function emitFailureText(result: Pick<RuleResult, "id" | "level" | "title">, failure: Failure): string {
  return emitFailure(result, failure, plain, maxFramesInFile);
}

/** Every rule with level, phase and title, and whether an endpoint of this document promises what it checks. */
export function emitList(rules: readonly Rule[], subjects: ReadonlyMap<string, ContractUnderTest>, palette: Palette): string {
  const lines: string[] = [];
  let phase = "";
  for (const rule of rules) {
    if (rule.phase !== phase) {
      phase = rule.phase;
      lines.push(...(lines.length > 0 ? [""] : []), palette.bold(phase));
    }
    const promises = [...subjects.values()].reduce((count, subject) => count + rule.from(subject).length, 0);
    const line = `  ${rule.level.padEnd(6)} ${rule.id}: ${rule.title}`;
    lines.push(promises > 0 ? line : palette.gray(`${line} (not declared in this document)`));
  }
  const applying = [...subjects].map(([path, subject]) => {
    const count = rules.filter((rule) => rule.from(subject).length > 0).length;
    return subjects.size === 1 ? `${count} apply to this document` : `${count} apply to ${path}`;
  });
  const summary = subjects.size === 0 ? "none applies: this document has no WebSocket channel" : applying.join(", ");
  return `${lines.join("\n")}\n\n${rules.length} rules, ${summary}\n`;
}

function pad(count: number, width = 3): string {
  return String(count).padStart(width);
}
