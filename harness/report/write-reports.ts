// Writes the reports of a run to the files that were asked for.
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import type { HistoryEvent } from "../model/history.ts";
import { UsageError } from "../schema/errors.ts";
import { emitEvent, emitHeader } from "../traffic/history-file.ts";
import { emitBadge } from "./badge.ts";
import { emitCtrf } from "./ctrf.ts";
import { emitHtml } from "./html.ts";
import { emitJson } from "./json.ts";
import { emitJunit } from "./junit.ts";
import type { ReportedRun } from "./reported-run.ts";
import { emitSarif } from "./sarif.ts";

/** Paths. What is undefined is not written. */
export interface ReportFiles {
  readonly json?: string | undefined;
  readonly junit?: string | undefined;
  readonly html?: string | undefined;
  readonly sarif?: string | undefined;
  readonly ctrf?: string | undefined;
  readonly badge?: string | undefined;
  /** Every event of the run as it happens, one JSON object a line (NDJSON). */
  readonly history?: string | undefined;
}

export interface ReportWriter {
  /** To be called with each event of the run. */
  event(event: HistoryEvent): void;
  /** @param run without credentials: what is cut later must have been masked before */
  end(run: ReportedRun): void;
}

/**
 * Opens every file, so that one that cannot be written fails the run before it starts.
 * @param hide takes the credentials out of an event
 * @throws UsageError that names the option
 */
export function openReports(files: ReportFiles, hide: (text: string) => string): ReportWriter {
  for (const [option, file] of Object.entries(files)) {
    if (file !== undefined) attempt(option, file, () => closeSync(openSync(file, "w")));
  }
  let history = files.history === undefined ? undefined : attempt("history", files.history, () => openSync(files.history!, "w"));
  if (history !== undefined) writeSync(history, emitHeader());
  return {
    event(event) {
      if (history !== undefined) writeSync(history, hide(emitEvent(event)));
    },
    end(run) {
      if (history !== undefined) closeSync(history);
      history = undefined;
      const html = (one: ReportedRun) => emitHtml([one]);
      const emitters = { json: emitJson, junit: emitJunit, html, sarif: emitSarif, ctrf: emitCtrf, badge: emitBadge };
      for (const [option, emit] of Object.entries(emitters)) {
        const file = files[option as keyof typeof emitters];
        if (file !== undefined) attempt(option, file, () => writeFileSync(file, emit(run)));
      }
    },
  };
}

function attempt<T>(option: string, file: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new UsageError(
      `--${option} ${file} cannot be written (${(error as NodeJS.ErrnoException).code}). Does its folder exist?`,
    );
  }
}
