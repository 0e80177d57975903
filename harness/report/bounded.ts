// Keeps reports small, whatever failed: frames, texts and failures are cut, step by step, until what is left fits.
import type { Failure, RuleResult } from "../conformance/result.ts";
import type { HistoryEvent } from "../model/history.ts";
import { causesOf } from "./causes.ts";

/** Of all rules, as JSON: the file adds white space, about as much again. */
const maxBytes = 800_000;
const fewFailures = 20;

interface Cut {
  /** Of a failure: the last ones. */
  readonly frames: number;
  /** Of a frame, and of any other text. */
  readonly characters: number;
  /** Of a rule. */
  readonly failures: number;
}

const cuts: readonly Cut[] = [
  { frames: 500, characters: 20_000, failures: 200 },
  { frames: 100, characters: 2_000, failures: 50 },
  { frames: 30, characters: 500, failures: 10 },
  { frames: 10, characters: 200, failures: 3 },
  { frames: 0, characters: 100, failures: 1 },
];

/** What reports hold of the results. The first cut is always made: one frame may be as long as the target likes. */
export function bounded(results: readonly RuleResult[]): readonly RuleResult[] {
  const condensed = withoutRepeatedFrames(results);
  for (const cut of cuts) {
    const smaller = condensed.map((result) => cutResult(result, cut));
    if (cut === cuts.at(-1) || sizeOf(smaller) <= maxBytes) return smaller;
  }
  return condensed;
}

/** Frames are kept once for each rule and cause, and for all failures where there are few. */
function withoutRepeatedFrames(results: readonly RuleResult[]): readonly RuleResult[] {
  const failures = results.reduce((sum, result) => sum + result.failures.length, 0);
  if (failures <= fewFailures) return results;
  return results.map((result) => {
    const shown = new Set(causesOf([{ ...result, known: undefined }]).map(({ failure }) => failure));
    return { ...result, failures: result.failures.map((one) => (shown.has(one) ? one : { ...one, frames: [] })) };
  });
}

function cutResult(result: RuleResult, cut: Cut): RuleResult {
  const { reason, notes } = result;
  return {
    ...result,
    reason: reason === undefined ? undefined : shortened(reason, cut.characters),
    notes: notes.slice(0, 5 * cut.failures).map((note) => shortened(note, cut.characters)),
    failures: result.failures.slice(0, cut.failures).map((failure) => cutFailure(failure, cut)),
  };
}

function cutFailure(failure: Failure, { frames, characters }: Cut): Failure {
  const { text, expected, actual, steps } = failure;
  return {
    ...failure,
    text: shortened(text, characters),
    expected: shortened(expected, characters),
    actual: shortened(actual, characters),
    steps: steps.slice(0, 100).map((step) => shortened(step, characters)),
    frames: frames === 0 ? [] : failure.frames.slice(-frames).map((event) => cutEvent(event, characters)),
  };
}

function cutEvent(event: HistoryEvent, characters: number): HistoryEvent {
  if (event.kind === "note") return { ...event, text: shortened(event.text, characters) };
  if (event.kind !== "send" && event.kind !== "receive") return event;
  const text = event.json ? JSON.stringify(event.frame) : String(event.frame);
  return text.length <= characters ? event : { ...event, frame: shortened(text, characters), json: false };
}

function shortened(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters)}... (${text.length} characters)`;
}

function sizeOf(results: readonly RuleResult[]): number {
  return results.reduce((sum, result) => sum + Buffer.byteLength(JSON.stringify(result)), 0);
}
