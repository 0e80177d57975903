// The report for a terminal. Pure: data in, text out.

import picocolors from "picocolors";
import type { Colors } from "picocolors/types.js";
import type { ContractUnderTest } from "../client/context.ts";
import type { Failure, RuleResult, Verdict } from "../conformance/phase.ts";
import type { Rule } from "../conformance/rule.ts";
import { notDeclared } from "../conformance/rule-result.ts";
import type { PhaseReport } from "../conformance/run-phases.ts";
import type { Summary } from "../conformance/verdict.ts";
import { frameLines } from "./frames.ts";
import type { Opening } from "./reported-run.ts";

/** picocolors, or its colourless twin. */
export type Palette = Colors;

/** Frames of one failure that are shown; the rest is in the other reports. */
const maxFrames = 40;

const marks: Record<Verdict, { readonly mark: string; readonly color: (palette: Palette) => (text: string) => string }> = {
  pass: { mark: "pass", color: ({ green }) => green },
  fail: { mark: "FAIL", color: ({ red }) => red },
  warn: { mark: "warn", color: ({ yellow }) => yellow },
  "not-testable": { mark: "not testable", color: ({ red }) => red },
  "not-applicable": { mark: "n/a", color: ({ gray }) => gray },
  inconclusive: { mark: "inconclusive", color: ({ magenta }) => magenta },
};

/** Which side the run takes, of what, against what. */
export function emitOpening(opening: Opening, palette: Palette): string {
  const target = opening.embedded
    ? `${opening.targets.join(" ")} (the reference server, started for this run)`
    : opening.targets.join(" ");
  return [
    `${palette.bold("wsproof verify")}  ${opening.title}, ${opening.file} (written from the ${opening.perspective}'s side)`,
    `  judges    the server at ${target}`,
    "  plays     the client",
    `  seed      ${opening.seed}`,
    "",
    "",
  ].join("\n");
}

/** Said before a phase that takes its time. */
export function emitWait(name: string, waitsMs: number): string {
  return `${name.padEnd(11)} waits up to ${Math.ceil(waitsMs / 1000)} s for times that the document declares\n`;
}

/** The line of one phase. */
export function emitPhase({ name, results, sent, received, judged, durationMs }: PhaseReport, palette: Palette): string {
  const bad = results.filter(({ verdict }) => verdict === "fail" || verdict === "inconclusive").length;
  const line = `${name.padEnd(11)} ${pad(results.length)} rules ${pad(sent, 6)} sent ${pad(received, 6)} received ${pad(judged, 6)} judged ${pad(Math.round(durationMs), 6)} ms`;
  return `${bad > 0 ? palette.red(line) : line}\n`;
}

/** A line for each rule, then a block for each failure, then the verdict. */
export function emitResults(results: readonly RuleResult[], summary: Summary, palette: Palette): string {
  const lines: string[] = [""];
  for (const phase of new Set(results.map((one) => one.phase))) {
    const ofPhase = results.filter((one) => one.phase === phase);
    lines.push(palette.bold(phase));
    for (const result of ofPhase) if (result.reason !== notDeclared) lines.push(...resultLines(result, palette));
    for (const note of new Set(ofPhase.flatMap(({ notes }) => notes))) lines.push(palette.dim(`  note         ${note}`));
    const rest = ofPhase.filter(({ reason }) => reason === notDeclared).length;
    if (rest > 0)
      lines.push(palette.gray(`  n/a          ${rest} more, for promises that this document does not make (see --list)`));
  }
  for (const result of results) for (const failure of result.failures) lines.push("", emitFailure(result, failure, palette));
  const counts = (Object.entries(summary.counts) as [Verdict, number][])
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => marks[verdict].color(palette)(`${count} ${marks[verdict].mark.toLowerCase()}`));
  lines.push("", counts.join(", "), palette.bold((summary.exitCode === 0 ? palette.green : palette.red)(summary.text)), "");
  return lines.join("\n");
}

function resultLines(result: RuleResult, palette: Palette): string[] {
  const { mark, color } = marks[result.verdict];
  const shown = result.known === undefined ? color(palette)(mark.padEnd(12)) : palette.yellow("known".padEnd(12));
  const why = result.reason === undefined ? "" : palette.dim(` (${result.reason})`);
  const remarks = result.known === undefined ? [] : [`known failure: ${result.known}`];
  return [
    `  ${shown} ${result.level.padEnd(6)} ${result.id}: ${result.title}${why}`,
    ...remarks.map((remark) => palette.dim(`                      ${remark}`)),
  ];
}

/** Rule and level, the sentence, expected and actual, the sequence, the frames, the seed, how to run it again. */
export function emitFailure(result: Pick<RuleResult, "id" | "level" | "title">, failure: Failure, palette: Palette): string {
  const lines = [
    `${palette.red(palette.bold(result.id))}  ${result.level}  ${steadiness(failure)}`,
    `  ${result.title}`,
    `  clause    ${failure.pointer}`,
    ...(failure.text === "" ? [] : [`            ${palette.italic(failure.text.replaceAll("\n", "\n            "))}`]),
    `  expected  ${failure.expected}`,
    `  actual    ${failure.actual}`,
    ...(failure.steps.length > 0 ? ["  sequence", ...failure.steps.map((step, at) => `    ${at + 1}. ${step}`)] : []),
  ];
  const frames = frameLines(failure.frames);
  if (frames.length > 0) lines.push("  frames");
  const skipped = frames.length - maxFrames;
  if (skipped > 0) lines.push(palette.dim(`    (the first ${skipped} are left out; --json and --html have them)`));
  for (const { atMs, connection, arrow, text } of frames.slice(-maxFrames)) {
    lines.push(`    ${atMs.toFixed(1).padStart(9)} ms  ${connection.padEnd(4)} ${arrow} ${text}`);
  }
  lines.push(`  seed      ${failure.seed}`, `  replay    ${failure.replay}`);
  return lines.join("\n");
}

/** How often it failed again. */
export function steadiness({ failed, runs }: Pick<Failure, "failed" | "runs">): string {
  return runs === 1 ? "seen once" : `${failed === runs ? "stable" : "flaky"} ${failed}/${runs}`;
}

const plain = picocolors.createColors(false);

/** The same without colours, for files. */
export function emitFailureText(result: Pick<RuleResult, "id" | "level" | "title">, failure: Failure): string {
  return emitFailure(result, failure, plain);
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
    lines.push(promises > 0 ? line : palette.gray(`${line} (not promised by this document)`));
  }
  const applying = [...subjects].map(([path, subject]) => {
    const count = rules.filter((rule) => rule.from(subject).length > 0).length;
    return subjects.size === 1 ? `${count} apply to this document` : `${count} apply to ${path}`;
  });
  const summary = subjects.size === 0 ? "none applies: no channel of this document is a WebSocket's" : applying.join(", ");
  return `${lines.join("\n")}\n\n${rules.length} rules, ${summary}\n`;
}

function pad(count: number, width = 3): string {
  return String(count).padStart(width);
}
