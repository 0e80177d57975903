// What a run prints while it goes on: a reporter takes the events of a run and writes text.

import { escapeLine } from "./escape.ts";
import type { Palette } from "./failure-text.ts";
import { emitAnnotations } from "./github.ts";
import { emitJson } from "./json.ts";
import type { RunEvent } from "./run-event.ts";
import { emitFinding, emitOpening, emitPhase, emitResults, emitRules, emitWait } from "./terminal.ts";

export const reporterNames = ["line", "list", "dot", "github", "json"] as const;
export type ReporterName = (typeof reporterNames)[number];

export interface ReporterOutput {
  write(text: string): void;
  /** True where a line may be overwritten by the next. */
  readonly live: boolean;
  readonly palette: Palette;
  /** Every rule, its remarks, and every cause in full. */
  readonly verbose: boolean;
  /** The HTML report, where one is written. */
  readonly html: string | undefined;
}

export type Reporter = (event: RunEvent) => void;

/** A phase that waits longer says so before. */
const tellWaitMs = 2_000;
/** Findings that are told before the end. */
const maxFindings = 6;

/** `line`: a line a phase. `list`: a line a rule. `dot`: a character a rule. `github`: annotations at the end. `json`: the report alone. */
export function createReporter(name: ReporterName, output: ReporterOutput): Reporter {
  if (name === "json") return ({ ...event }) => (event.type === "end" ? output.write(emitJson(event.run)) : undefined);
  const { write, live, palette, html } = output;
  const verbose = output.verbose || name === "list";
  const clear = live ? "\r\x1b[K" : "";
  let findings = 0;
  return (event) => {
    switch (event.type) {
      case "start":
        return write(emitOpening(event.opening, palette));
      case "phase-start":
        return event.waitsMs < tellWaitMs || name === "dot" ? undefined : write(emitWait(event.phase, event.waitsMs));
      case "progress":
        return live ? write(`${clear}${palette.dim(event.text)}`) : undefined;
      case "note":
        return write(`${clear}  ${escapeLine(event.text)}\n`);
      case "finding":
        findings++;
        return findings > maxFindings ? undefined : write(`${clear}${emitFinding(event, palette)}`);
      case "phase-end":
        if (name === "dot") return write(`${clear}${emitDots(event.phase, palette)}`);
        return write(`${clear}${emitPhase(event.phase, palette)}${verbose ? emitRules(event.phase.results, palette) : ""}`);
      case "end": {
        const { report, summary } = event.run;
        write(emitResults(report.results, summary, palette, { verbose: output.verbose, html }));
        return name === "github" ? write(emitAnnotations(event.run)) : undefined;
      }
    }
  };
}

const dots = { pass: ".", fail: "F", warn: "w", "not-testable": "t", "not-applicable": "-", inconclusive: "?" } as const;

function emitDots({ name, results }: Extract<RunEvent, { type: "phase-end" }>["phase"], palette: Palette): string {
  const text = results.map(({ verdict }) => (verdict === "fail" ? palette.red(dots.fail) : dots[verdict])).join("");
  return `${name.padEnd(11)} ${text}\n`;
}
