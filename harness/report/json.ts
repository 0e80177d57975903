// The report as JSON: everything that a run found, for programs.
import type { RunReport } from "../verify/run-phases.ts";
import type { Summary } from "../verify/verdict.ts";
import type { Opening } from "./terminal.ts";

/** Stable: members are only ever added. Times in ms. */
export function emitJson(opening: Opening, report: RunReport, summary: Summary): string {
  const { title, file, targets, perspective, seed } = opening;
  return `${JSON.stringify(
    {
      wsproof: 1,
      document: { title, file, perspective },
      targets,
      seed,
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
