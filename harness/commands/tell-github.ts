// Within GitHub Actions: annotations on stdout, and the job summary in the file that the runner names.
import { appendFileSync } from "node:fs";
import { emitAnnotations, emitJobSummary } from "../report/github.ts";
import type { ReportedRun } from "../report/reported-run.ts";

/** @param write for the annotations; undefined where they are printed already */
export function tellGitHub(run: ReportedRun, write: ((text: string) => void) | undefined): void {
  write?.(emitAnnotations(run));
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (file !== undefined && file !== "") appendFileSync(file, emitJobSummary(run));
}
