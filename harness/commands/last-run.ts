// The failed rules of the last run, under .wsproof: what `verify --last-failed` runs again.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RuleResult } from "../conformance/result.ts";
import { UsageError } from "../schema/errors.ts";
import type { VerifySettings } from "./settings/verify-settings.ts";

const folder = ".wsproof";
const file = join(folder, "last-run.json");

/** A folder that cannot be written costs only --last-failed. */
export function storeLastRun(results: readonly RuleResult[]): void {
  const failed = results.filter(({ verdict }) => verdict === "fail" || verdict === "inconclusive").map(({ id }) => id);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, `${JSON.stringify({ failed }, undefined, 2)}\n`);
  } catch {
    // Said where somebody asks for it.
  }
}

/** @throws UsageError where there was no run here, or nothing failed in it */
export function withLastFailed(settings: VerifySettings): VerifySettings {
  let failed: unknown;
  try {
    failed = (JSON.parse(readFileSync(file, "utf8")) as { failed?: unknown }).failed;
  } catch {
    throw new UsageError(`--last-failed: no earlier run in this folder (${file} cannot be read). Run \`wsproof verify\` first.`);
  }
  if (!Array.isArray(failed) || !failed.every((id) => typeof id === "string"))
    throw new UsageError(`--last-failed: ${file} is damaged. Run \`wsproof verify\` again.`);
  if (failed.length === 0)
    throw new UsageError("--last-failed: no rule failed in the last run. Leave the option out to run all.");
  return { ...settings, only: failed };
}
