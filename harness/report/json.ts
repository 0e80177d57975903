// The report as JSON: everything that a run found, for programs.
import type { Report, RuleResult } from "../conformance/result.ts";
import { causesOf } from "./causes.ts";
import type { ReportedRun } from "./reported-run.ts";

const fewFailures = 20;

export function createReport({ opening, report, summary, startedAt }: ReportedRun): Report {
  const { title, file, targets, perspective, seed } = opening;
  return {
    wsproof: 1,
    document: { title, file, perspective },
    targets,
    seed,
    startedAt: startedAt.toISOString(),
    exitCode: summary.exitCode,
    verdict: summary.text,
    counts: summary.counts,
    interrupted: report.interrupted ?? null,
    durationMs: Math.round(report.durationMs),
    rules: condensed(report.results),
  };
}

/** Frames are kept once for each rule and cause, and for all failures where there are few. */
function condensed(results: readonly RuleResult[]): readonly RuleResult[] {
  const failures = results.reduce((sum, result) => sum + result.failures.length, 0);
  if (failures <= fewFailures) return results;
  return results.map((result) => {
    const shown = new Set(causesOf([{ ...result, known: undefined }]).map(({ failure }) => failure));
    return { ...result, failures: result.failures.map((one) => (shown.has(one) ? one : { ...one, frames: [] })) };
  });
}

export function emitJson(run: ReportedRun): string {
  return `${JSON.stringify(createReport(run), null, 2)}\n`;
}
