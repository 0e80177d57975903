// What programs import from "wsproof": the commands as functions, for vitest, node:test or a script of one's own.
import picocolors from "picocolors";
import type { Finding } from "../spec/contract.ts";
import type { Change } from "../spec/diff/change.ts";
import type { Difference } from "../spec/diff/diff.ts";
import { runVerification } from "./commands/run-verify.ts";
import type { BenchProgress, benchOptions } from "./commands/settings/bench-options.ts";
import type { checkOptions } from "./commands/settings/check-options.ts";
import type { Given } from "./commands/settings/option.ts";
import { drawSeed, loadVerifySettings, type VerifyGiven } from "./commands/settings/verify-settings.ts";
import type { Report } from "./conformance/result.ts";
import { createReport } from "./report/json.ts";
import { createReporter } from "./report/reporters.ts";
import type { RunEvent } from "./report/run-event.ts";

export { type DescribeContractOptions, describeContract, type TestRunner } from "./commands/describe-contract.ts";
export type { Failure, Level, PhaseName, Report, RuleResult, Verdict } from "./conformance/result.ts";
export type { RunEvent } from "./report/run-event.ts";
export { exitCode, TargetLost, UsageError } from "./schema/errors.ts";
export type { BenchProgress, Change, Difference, Finding };

/**
 * The options of `wsproof verify`, by name: COMMANDS.md and `wsproof verify --help` describe each with its default and range.
 * What is given here overrides wsproof.config.yaml in the current folder.
 */
export interface VerifyOptions extends Omit<VerifyGiven, "list" | "watch" | "watchPaths" | "lastFailed"> {
  /** Gets what the command would print, piece by piece. Default: nothing is printed. */
  readonly print?: ((text: string) => void) | undefined;
  /** Gets what happens in the run, as it happens. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  /** Aborted: the run ends and returns what was tested so far, with `interrupted` set. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Tests a server against its AsyncAPI document, as `wsproof verify` does, and returns what `--json` writes.
 * A server that breaks its contract is a report with `exitCode` 1 and the failures in `rules`, not an exception.
 * @throws UsageError where an option cannot be used, TargetLost where there is nothing to test
 */
export async function verify(options: VerifyOptions = {}): Promise<Report> {
  const { print, onEvent, signal, ...given } = options;
  const settings = loadVerifySettings(given, "key", drawSeed());
  const { verbose, reports, reporter } = settings;
  const output = { write: print ?? (() => undefined), live: false, palette: picocolors.createColors(false), verbose };
  const report = createReporter(reporter, { ...output, html: reports.html });
  const event = (one: RunEvent) => {
    report(one);
    onEvent?.(one);
  };
  return createReport(await runVerification(settings, { event, stop: signal }));
}

/** The document of `lint`, `generate`: its path, and what the options of the same names on the command line say. */
export interface DocumentOptions {
  /** Path of the AsyncAPI document. Default: the bundled rooms.v1. */
  readonly spec?: string | undefined;
  readonly perspective?: "server" | "client" | undefined;
  readonly overlay?: string | undefined;
  readonly server?: string | undefined;
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** Aborted: the call rejects with the signal's reason, before it writes anything. */
  readonly signal?: AbortSignal | undefined;
  /** Gets each finding, file or change before the call resolves. */
  readonly onEvent?: ((event: DocumentEvent) => void) | undefined;
}

/** What `lint`, `generate` and `diff` meet, in the order of their results. */
export type DocumentEvent =
  | { readonly type: "finding"; readonly finding: Finding }
  /** Written or removed, or with `check` what would be; by path below `out`. */
  | { readonly type: "file"; readonly name: string }
  | { readonly type: "change"; readonly change: Change };

/** Checks a document as `wsproof lint` does. @returns all findings, those of severity info too, by file and line */
export async function lint(options: DocumentOptions = {}): Promise<readonly Finding[]> {
  const { lint: run } = await import("../spec/lint/lint.ts");
  const { findings } = await run(await withFile(options));
  options.signal?.throwIfAborted();
  for (const finding of findings) options.onEvent?.({ type: "finding", finding });
  return findings;
}

export interface GenerateOptions extends DocumentOptions {
  /** Output folder, such as `generated`. */
  readonly out: string;
  /** Write nothing, and return what would change. Default false. */
  readonly check?: boolean | undefined;
}

export interface GenerateResult {
  /** Blocking ones say why nothing was written. */
  readonly findings: readonly Finding[];
  /** Files that were written or removed, by path below `out`. */
  readonly changed: readonly string[];
  /** How many files the document gives. */
  readonly files: number;
}

/** Writes types, validators, constants and docs as `wsproof generate` does. @throws an error of the file system */
export async function generate({ out, check: dry = false, ...options }: GenerateOptions): Promise<GenerateResult> {
  const { generateFiles } = await import("./commands/generate.ts");
  const { findings, changed, files } = await generateFiles({ ...(await withFile(options)), out, check: dry });
  for (const finding of findings) options.onEvent?.({ type: "finding", finding });
  for (const { name } of changed) options.onEvent?.({ type: "file", name });
  return { findings, changed: changed.map(({ name }) => name), files };
}

/** The options of `wsproof check`, by name. */
export interface CheckOptions extends Omit<Given<typeof checkOptions>, "files" | "verbose"> {
  /** Histories (NDJSON) or HAR files. */
  readonly files: readonly string[];
  /** Aborted: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Gets how far the check is, each rule that failed once all files are read, and the end. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
}

/**
 * Checks recorded traffic as `wsproof check` does, and returns what `--json` writes.
 * @throws UsageError where an option or a file cannot be used
 */
export async function check({ signal, onEvent, ...given }: CheckOptions): Promise<Report> {
  const [{ checkTraffic }, { checkOptions: options }, { checkValues }] = await Promise.all([
    import("./commands/run-check.ts"),
    import("./commands/settings/check-options.ts"),
    import("./commands/settings/check-values.ts"),
  ]);
  checkValues(options, given, { naming: "key" });
  return createReport((await checkTraffic(given, { signal, event: onEvent })).run);
}

/** Compares two versions of a document as `wsproof diff` does. @throws UsageError where one cannot be loaded */
export async function diff(
  oldFile: string,
  newFile: string,
  options: Pick<DocumentOptions, "perspective" | "overlay" | "signal" | "onEvent"> = {},
): Promise<Difference> {
  const [{ diff: compare }, { loadVersion }] = await Promise.all([import("../spec/diff/diff.ts"), import("./commands/diff.ts")]);
  const [before, after] = await Promise.all([loadVersion(oldFile, options), loadVersion(newFile, options)]);
  options.signal?.throwIfAborted();
  const difference = compare(before, after);
  for (const change of difference.changes) options.onEvent?.({ type: "change", change });
  return difference;
}

/** The options of `wsproof bench`, by name. What is given here overrides wsproof.config.yaml in the current folder. */
export interface BenchOptions extends Given<typeof benchOptions> {
  /** Gets what the command would print, piece by piece. Default: nothing is printed. */
  readonly print?: ((text: string) => void) | undefined;
  /** Gets how far the run is, twice a second. */
  readonly onProgress?: ((progress: BenchProgress) => void) | undefined;
  /** Aborted: the connections are closed, and the call rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface BenchReport {
  /** 0 held, 1 a threshold or a delivery failed, 3 invalid or nothing measured. */
  readonly exitCode: number;
  /** What `--json` writes; of a search for capacity the best run. Undefined where nothing was measured. */
  readonly result: BenchResult | undefined;
}

/** The part of a result that stays; `--json` has more. Times in ms. */
export interface BenchResult {
  readonly scenario: string;
  readonly url: string;
  readonly sent: number;
  readonly replied: number;
  readonly latency: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number };
  /** Why the run says nothing, such as a generator that was the bottleneck; empty where it counts. */
  readonly invalid: readonly string[];
}

/** Loads a server as `wsproof bench` does. @throws UsageError where an option cannot be used, TargetLost where there is nothing to load */
export async function bench({ print, onProgress, signal, ...given }: BenchOptions = {}): Promise<BenchReport> {
  const [{ bench: run }, { loadBenchSettings }] = await Promise.all([
    import("./commands/run-bench.ts"),
    import("./commands/settings/bench-settings.ts"),
  ]);
  let result: BenchResult | undefined;
  const code = await run(loadBenchSettings(given, "key", drawSeed()), {
    write: print ?? (() => undefined),
    onProgress,
    signal,
    onResult: (one) => {
      result = one;
    },
  });
  return { exitCode: code, result };
}

async function withFile({ spec, signal, onEvent: _, ...options }: DocumentOptions) {
  signal?.throwIfAborted();
  const { defaultSpecFile } = await import("../spec/load-contract.ts");
  return { file: spec ?? defaultSpecFile, ...options };
}
