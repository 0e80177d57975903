// The report as JSON: everything that a run found, for programs.
import type { ReportedRun } from "./reported-run.ts";

/** Stable: members are only ever added. Times in ms. */
export function emitJson({ opening, report, summary, startedAt }: ReportedRun): string {
  const { title, file, targets, perspective, seed } = opening;
  return `${JSON.stringify(
    {
      wsproof: 1,
      document: { title, file, perspective },
      targets,
      seed,
      startedAt: startedAt.toISOString(),
      exitCode: summary.exitCode,
      verdict: summary.says,
      counts: summary.counts,
      interrupted: report.interrupted ?? null,
      durationMs: Math.round(report.durationMs),
      rules: report.results,
    },
    null,
    2,
  )}\n`;
}
