// A run of `check` from flags to its report: the edge where files and the terminal are touched.
import { readFileSync } from "node:fs";
import picocolors from "picocolors";
import type { ContractUnderTest } from "../client/context.ts";
import { applyBaseline, parseBaseline } from "../conformance/baseline.ts";
import { loadEndpoints } from "../conformance/load-contract-under-test.ts";
import { summarise } from "../conformance/verdict.ts";
import { escapeLine } from "../report/escape.ts";
import type { ReportedRun } from "../report/reported-run.ts";
import type { RunEvent } from "../report/run-event.ts";
import { emitResults } from "../report/terminal.ts";
import { openReports } from "../report/write-reports.ts";
import { UsageError } from "../schema/errors.ts";
import { checkRules } from "../traffic/check-rules.ts";
import { withoutCredentials } from "../traffic/mask-traffic.ts";
import { checkFiles } from "../traffic/run-check.ts";
import { checkOptions } from "./settings/check-options.ts";
import { checkValues } from "./settings/check-values.ts";
import { emitCommandLine, programName } from "./settings/command-line.ts";
import { type Given, withDefaults } from "./settings/option.ts";

/** @throws UsageError: what kept it from running, in one paragraph */
export async function runCheck(values: Record<string, unknown>): Promise<number> {
  checkValues(checkOptions, values, { naming: "flag" });
  const { run, counted, notes, verbose, html } = await checkTraffic(values as Given<typeof checkOptions>);
  const { opening, report, summary } = run;
  const palette = picocolors.createColors(process.stdout.isTTY === true && process.env.NO_COLOR === undefined);
  process.stdout.write(
    `${palette.bold("wsproof check")}  ${escapeLine(opening.title)}, ${counted}\n${emitResults(report.results, summary, palette, { verbose, html })}`,
  );
  for (const note of notes) process.stdout.write(`note: ${escapeLine(note)}\n`);
  return summary.exitCode;
}

/** Checks files and writes reports. @param given valid values @throws UsageError, or the reason of the listener's signal */
export async function checkTraffic(
  given: Given<typeof checkOptions>,
  listener: {
    readonly signal?: AbortSignal | undefined;
    readonly event?: ((event: RunEvent) => void) | undefined;
  } = {},
): Promise<{
  readonly run: ReportedRun;
  readonly counted: string;
  readonly notes: readonly string[];
  readonly verbose: boolean;
  readonly html: string | undefined;
}> {
  const settings = withDefaults(checkOptions, given);
  const { side, spec, files = [], reports: reportFiles = {} } = settings;
  const subject = await subjectOf(settings);
  const rules = checkRules.filter((rule) => rule.side === side);
  const known =
    settings.baseline === undefined
      ? []
      : parseBaseline(
          readBaseline(settings.baseline),
          settings.baseline,
          rules.map(({ id }) => id),
        );
  const reports = openReports(reportFiles, (text) => text);
  const startedAt = new Date();
  const startMs = performance.now();
  const { reports: _reports, ...again } = given;
  const replay = emitCommandLine(
    { program: programName(process.argv[1]), command: "check", env: process.env },
    checkOptions,
    again,
  );
  const checked = await checkFiles({
    ...{ ...subject, files, side, replay, signal: listener.signal },
    progress: (messages) => listener.event?.({ type: "progress", text: `messages checked: ${messages}` }),
  });
  const { results, stale } = applyBaseline(withoutCredentials(checked.results), known);
  const summary = summarise(results, { strict: settings.strict, stale });
  const { contract } = subject;
  const run: ReportedRun = {
    opening: {
      ...{ title: `${contract.title} ${contract.version}`, file: spec ?? "bundled spec", targets: files, embedded: false },
      ...{ perspective: contract.perspective, seed: 0 },
    },
    report: { results, interrupted: undefined, durationMs: performance.now() - startMs },
    summary,
    startedAt,
    strict: settings.strict,
  };
  for (const { id, level, title, verdict, failures } of results) {
    const [first] = failures;
    if (first === undefined || (verdict !== "fail" && verdict !== "warn")) continue;
    listener.event?.({ type: "finding", rule: id, level, title, expected: first.expected, actual: first.actual });
  }
  listener.event?.({ type: "end", run });
  reports.end(run);
  const counted = `the ${side}: ${checked.messages} messages of ${checked.connections} connections`;
  return { run, counted, notes: checked.notes, verbose: settings.verbose, html: reportFiles.html };
}

/** The only endpoint of the document. @throws UsageError where it has several, or none */
export async function subjectOf(choice: Omit<Parameters<typeof loadEndpoints>[0], "urls">): Promise<ContractUnderTest> {
  const endpoints = await loadEndpoints({ ...choice, urls: [] });
  const [only] = endpoints.values();
  if (only === undefined) throw new UsageError("the document has no WebSocket channel");
  if (endpoints.size > 1)
    throw new UsageError(
      `the document has ${endpoints.size} endpoints: ${[...endpoints.keys()].join(", ")}. Give one with --server or --var.`,
    );
  return only;
}

function readBaseline(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(
      `--baseline ${file} cannot be read (${(error as NodeJS.ErrnoException).code}). Give the path of a list of { id, reason }.`,
    );
  }
}
