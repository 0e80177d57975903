// The report as JSON: everything that a run found, for programs.
import type { Report } from "../conformance/result.ts";
import type { ReportedRun } from "./reported-run.ts";

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
    rules: report.results,
  };
}

export function emitJson(run: ReportedRun): string {
  return `${JSON.stringify(createReport(run), null, 2)}\n`;
}
