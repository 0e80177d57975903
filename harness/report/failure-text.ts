// One failure as a block of lines: rule, clause, expected, actual, sequence, frames, replay. Pure.
import picocolors from "picocolors";
import type { Colors } from "picocolors/types.js";
import type { Failure, RuleResult } from "../conformance/result.ts";
import { escapeLine, escapeTerminal } from "./escape.ts";
import { frameLines } from "./frames.ts";

/** picocolors, or its colourless twin. */
export type Palette = Colors;

export interface BlockLimits {
  /** Frames that are shown, the last ones. */
  readonly frames: number;
  /** Steps that are shown. */
  readonly steps: number;
  /** Lines of an expected or actual value. */
  readonly lines: number;
}

export const screenLimits: BlockLimits = { frames: 12, steps: 16, lines: 6 };
export const fileLimits: BlockLimits = { frames: 40, steps: 400, lines: 200 };

/** Rule and level, the sentence, expected and actual, the sequence, the frames, the seed, how to run it again. */
export function emitFailure(
  result: Pick<RuleResult, "id" | "level" | "title">,
  failure: Failure,
  palette: Palette,
  limits: BlockLimits = screenLimits,
): string {
  const indented = (text: string) => firstLines(escapeTerminal(text), limits.lines).replaceAll("\n", "\n            ");
  const steps = failure.steps.slice(0, limits.steps);
  const moreSteps = failure.steps.length - steps.length;
  const lines = [
    `${palette.red(palette.bold(result.id))}  ${result.level}  ${steadiness(failure)}`,
    `  ${result.title}`,
    `  clause    ${escapeLine(failure.pointer)}`,
    ...(failure.text === "" ? [] : [`            ${palette.italic(indented(failure.text))}`]),
    `  expected  ${indented(failure.expected)}`,
    `  actual    ${indented(failure.actual)}`,
    ...(steps.length > 0 ? ["  sequence", ...steps.map((step, at) => emitStep(step, at, failure.timeline !== undefined))] : []),
    ...(moreSteps > 0 ? [palette.dim(`    (${moreSteps} more lines; see --json or --html)`)] : []),
  ];
  const frames = frameLines(failure.frames);
  if (frames.length > 0) lines.push("  frames");
  const skipped = frames.length - limits.frames;
  if (skipped > 0) lines.push(palette.dim(`    (${skipped} earlier frames omitted; see --json or --html)`));
  for (const { atMs, connection, arrow, text } of frames.slice(-limits.frames)) {
    lines.push(`    ${atMs.toFixed(1).padStart(9)} ms  ${connection.padEnd(4)} ${arrow} ${escapeLine(text)}`);
  }
  lines.push(`  seed      ${failure.seed}`, `  replay    ${escapeLine(failure.replay)}`);
  return lines.join("\n");
}

function emitStep(step: string, at: number, inPicture: boolean): string {
  return inPicture ? `    ${escapeLine(step)}` : `    ${at + 1}. ${escapeLine(step)}`;
}

function firstLines(text: string, count: number): string {
  const lines = text.split("\n");
  return lines.length <= count ? text : [...lines.slice(0, count), `(${lines.length - count} more lines)`].join("\n");
}

/** How often it failed again. */
export function steadiness({ failed, runs }: Pick<Failure, "failed" | "runs">): string {
  return runs === 1 ? "observed once (not retried)" : `${failed === runs ? "reproduced" : "flaky"} ${failed}/${runs}`;
}

/** Without colours, for files. */
export function emitFailureText(result: Pick<RuleResult, "id" | "level" | "title">, failure: Failure): string {
  return emitFailure(result, failure, picocolors.createColors(false), fileLimits);
}
