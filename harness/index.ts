// What programs import from "wsproof": a verification as a function, for vitest, node:test or a script of one's own.
import picocolors from "picocolors";
import { runVerification } from "./commands/run-verify.ts";
import { drawSeed, loadVerifySettings, type VerifyGiven } from "./commands/settings/verify-settings.ts";
import type { Report } from "./conformance/result.ts";
import { createReport } from "./report/json.ts";
import { createReporter } from "./report/reporters.ts";

export type { Failure, Level, PhaseName, Report, RuleResult, Verdict } from "./conformance/result.ts";
export { exitCode, TargetLost, UsageError } from "./schema/errors.ts";

/**
 * The options of `wsproof verify`, by name: COMMANDS.md and `wsproof verify --help` describe each with its default and range.
 * What is given here overrides wsproof.config.yaml in the current folder.
 */
export interface VerifyOptions extends Omit<VerifyGiven, "list"> {
  /** Gets what the command would print, piece by piece. Default: nothing is printed. */
  readonly print?: ((text: string) => void) | undefined;
}

/**
 * Tests a server against its AsyncAPI document, as `wsproof verify` does, and returns what `--json` writes.
 * A server that breaks its contract is a report with `exitCode` 1 and the failures in `rules`, not an exception.
 * @throws UsageError where an option cannot be used, TargetLost where there is nothing to test
 */
export async function verify(options: VerifyOptions = {}): Promise<Report> {
  const { print, ...given } = options;
  const settings = loadVerifySettings(given, "key", drawSeed());
  const { verbose, reports, reporter } = settings;
  const output = { write: print ?? (() => undefined), live: false, palette: picocolors.createColors(false), verbose };
  const event = createReporter(reporter, { ...output, html: reports.html });
  return createReport(await runVerification(settings, { event }));
}
