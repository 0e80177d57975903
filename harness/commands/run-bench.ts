// A run of `bench` from settings to what it prints: the edge where files, processes and the terminal are touched.

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import picocolors from "picocolors";
import type { ContractUnderTest } from "../client/context.ts";
import { createMask, credentialsOfUrls } from "../client/mask.ts";
import { logRoles } from "../cluster/log-roles.ts";
import { expectContractUnderTest, targetUrls, withPath } from "../conformance/load-contract-under-test.ts";
import { aggregate } from "../load/aggregate.ts";
import {
  type Capacity,
  capacitySentence,
  findCapacity,
  type LoadProbe,
  parseCapacityConditions,
  probeOf,
} from "../load/capacity.ts";
import { nowMs } from "../load/clock.ts";
import { compareResults, repeatFigures } from "../load/compare.ts";
import { parseEarlierResult } from "../load/earlier-result.ts";
import { msText } from "../load/figures.ts";
import type { LoadResult, Memory } from "../load/load-result.ts";
import { scenarioOf } from "../load/scenarios.ts";
import { memoryByMetrics, residentBytes, sampleMemory } from "../load/server-memory.ts";
import { mergeShards, type ShardResult } from "../load/shards.ts";
import { type LoadTarget, openTarget } from "../load/target.ts";
import { failedThresholds, type Threshold } from "../load/thresholds.ts";
import { loadVerdict } from "../load/verdict.ts";
import type { LoadProfile } from "../load/worker-context.ts";
import { runWorkers } from "../load/worker-pool.ts";
import { emitCsv, emitK6Summary, emitOpenMetrics } from "../report/load/exports.ts";
import { emitLoadHtml, type LoadPage } from "../report/load/html.ts";
import { emitCapacityStep, emitComparison, emitProgress, emitResult } from "../report/load/terminal.ts";
import type { Palette } from "../report/terminal.ts";
import { exitCode, TargetLost, UsageError, Violation } from "../schema/errors.ts";
import { type BenchProgress, benchOptions } from "./settings/bench-options.ts";
import type { BenchSettings } from "./settings/bench-settings.ts";
import { emitCommandLine, programName } from "./settings/command-line.ts";

/** Where a run is told while it goes on. */
export interface Listener {
  write(text: string): void;
  /** True where a line may be overwritten by the next. */
  readonly live: boolean;
  readonly palette: Palette;
  /** Gets the result that the files of --json and --html hold. */
  readonly onResult?: ((result: LoadResult) => void) | undefined;
  /** Called twice a second. */
  readonly onProgress?: ((progress: BenchProgress) => void) | undefined;
  /** Aborted: the run throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The most runs of a search; 12 double from 50 to 100 000 per second, the rest narrow and confirm. */
const mostRuns = 24;
const mostPerSecond = 1_000_000;

/**
 * Runs `wsproof bench` in a terminal.
 * @returns the exit code: 0 held, 1 a threshold or a delivery failed, 3 invalid or nothing measured
 * @throws UsageError, TargetLost: what kept it from running, in one paragraph
 */
export async function bench(
  given: BenchSettings,
  api?: Pick<Listener, "write" | "onResult" | "onProgress" | "signal">,
): Promise<number> {
  const settings = { ...given, urls: await targetUrls(given) };
  const live = api === undefined && process.stdout.isTTY === true;
  const palette = picocolors.createColors(live && process.env.NO_COLOR === undefined);
  const listener: Listener = { write: (text) => process.stdout.write(text), ...api, live, palette };
  const subject = await expectContractUnderTest(settings);
  const { address } = subject.channel;
  const scenario = settings.scenario ?? (logRoles(subject.contract, subject.channel) === undefined ? "echo" : "fanout");
  const before = settings.compare === undefined ? undefined : readEarlier(settings.compare, scenario);
  // A file that cannot be written fails the run before it starts, not after it.
  if (settings.json !== undefined) attempt("--json", settings.json, () => closeSync(openSync(settings.json!, "a")));
  if (settings.html !== undefined) attempt("--html", settings.html, () => closeSync(openSync(settings.html!, "a")));
  for (const { option, file } of exportsOf(settings)) attempt(option, file, () => closeSync(openSync(file, "a")));
  const target = await openTarget(settings, address);
  try {
    const reached = { ...target, urls: target.urls.map((url) => withPath(url, subject)) };
    const shell = { program: programName(process.argv[1]), command: "bench", env: process.env };
    const command = emitCommandLine(shell, benchOptions, settings.given);
    const job: BenchInput = { settings, scenario, subject, listener, target: reached, before, command };
    return settings.findCapacity === undefined ? await benchOnce(job) : await benchCapacity(job);
  } finally {
    await target.stop();
  }
}

/** The files of `--csv`, `--openmetrics` and `--k6`, where they are asked for. */
function exportsOf({ csv, openmetrics, k6 }: BenchSettings) {
  const all = [
    { option: "--csv", file: csv, emit: emitCsv },
    { option: "--openmetrics", file: openmetrics, emit: emitOpenMetrics },
    { option: "--k6", file: k6, emit: emitK6Summary },
  ];
  return all.flatMap(({ file, ...rest }) => (file === undefined ? [] : [{ file, ...rest }]));
}

/** What `wsproof bench merge` takes beside the files. */
export interface MergeSettings {
  readonly files: readonly string[];
  readonly failOn: readonly Threshold[];
  /** Where the merged result is written. */
  readonly json: string | undefined;
}

/**
 * Adds up the shards of a run.
 * @returns the exit code, as of `bench`
 * @throws UsageError that names the file or the missing shard
 */
export function mergeBench({ files, failOn, json }: MergeSettings): number {
  const texts = new Map<string, string>();
  for (const file of files) attempt("file", file, () => texts.set(file, readFileSync(file, "utf8")), "read");
  const result = mergeShards(texts);
  const failed = failedThresholds(result, failOn);
  const isPlain = process.stdout.isTTY !== true || process.env.NO_COLOR !== undefined;
  process.stdout.write(emitResult(result, picocolors.createColors(!isPlain), { failed }));
  if (json !== undefined) attempt("--json", json, () => writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`));
  return exitCodeOf(result, failed);
}

function exitCodeOf(result: LoadResult, failed: readonly string[]): number {
  const { state } = loadVerdict(result, failed);
  if (state === "held") return exitCode.ok;
  return state === "failed" || state === "wrong" ? exitCode.findings : exitCode.inconclusive;
}

interface BenchInput {
  readonly settings: BenchSettings;
  readonly scenario: string;
  readonly subject: ContractUnderTest;
  readonly target: LoadTarget;
  readonly listener: Listener;
  /** The run of --compare. */
  readonly before: LoadResult | undefined;
  /** What made it, without secrets. */
  readonly command: string;
}

async function benchOnce(job: BenchInput): Promise<number> {
  const { settings, listener } = job;
  const runs: LoadResult[] = [];
  for (let run = 1; run <= settings.repeat; run++) {
    runs.push(await measure(job, settings.profile));
    if (settings.repeat > 1) listener.write(`  run ${run} of ${settings.repeat}: p99 ${msText(runs.at(-1)!.latency.p99)}\n`);
  }
  const codeOf = (one: LoadResult) => exitCodeOf(one, failedThresholds(one, settings.failOn));
  // The first that did not hold, else the one in the middle.
  const shown =
    runs.find((one) => codeOf(one) !== exitCode.ok) ??
    runs.toSorted((a, b) => a.latency.p99 - b.latency.p99)[Math.floor(runs.length / 2)]!;
  const result: LoadResult = runs.length === 1 ? shown : { ...shown, repeats: runs.map(repeatFigures) };
  const failed = failedThresholds(result, settings.failOn);
  listener.write(emitResult(result, listener.palette, { latencyTable: settings.percentiles, failed }));
  tell(job, { result, failed });
  return exitCodeOf(result, failed);
}

async function benchCapacity(job: BenchInput): Promise<number> {
  const { settings, listener } = job;
  const { palette, write } = listener;
  const conditions = parseCapacityConditions(settings.findCapacity!);
  const found: Capacity<LoadProbe> = await findCapacity({
    from: settings.profile.perSecond!,
    most: mostPerSecond,
    steps: mostRuns,
    probe: async (rate) => probeOf(await measure(job, { ...settings.profile, perSecond: rate }), conditions),
    onStep: (step) => write(emitCapacityStep(step, palette)),
  });
  const best = found.steps.filter(({ rate, probe }) => rate === found.rate && probe.holds).at(-1)?.probe.result;
  const shown = best ?? found.steps.at(-1)?.probe.result;
  const failed = best === undefined ? [] : failedThresholds(best, settings.failOn);
  if (best !== undefined) write(emitResult(best, palette, { latencyTable: settings.percentiles, failed }));
  if (shown !== undefined) tell(job, { result: shown, failed, capacity: { conditions: settings.findCapacity!, found } });
  write(`\n${palette.bold(capacitySentence(found))}\n`);
  if (found.rate !== undefined) return failed.length > 0 ? exitCode.findings : exitCode.ok;
  return found.end === "nothing" ? exitCode.findings : exitCode.inconclusive;
}

/** One run. */
async function measure({ settings, scenario, subject, target, listener }: BenchInput, profile: LoadProfile): Promise<LoadResult> {
  const { contract } = subject;
  const { spec, perspective, overlay, server, variables, origin, insecure, pid, metricsUrl, restartCommand } = settings;
  const serverPid = target.pid ?? pid;
  const memoryNow = async () => (metricsUrl === undefined ? residentBytes(serverPid) : memoryByMetrics(metricsUrl));
  const beforeBytes = await memoryNow();
  const sampler = sampleMemory({ pid: serverPid, metricsUrl }, profile.durationMs, nowMs);
  let memory: Memory | undefined;
  let cpuAtStart = process.cpuUsage();
  let cpuSeconds = 0;
  let isReady = false;
  const start = new Date();
  const loadBefore = loadavg()[0]!;
  const connections = scenarioOf(scenario).connections(profile);
  try {
    const { results, reached, window } = await runWorkers({
      ...{
        scenario,
        spec,
        perspective,
        overlay,
        server,
        variables,
        origin,
        insecure,
        profile,
        urls: target.urls,
        auth: target.auth,
      },
      // Shards must name the same logs.
      label: (settings.shard?.startAtMs ?? Date.now()).toString(36),
      shard: settings.shard,
      workers: settings.workers,
      async between() {
        if (isReady) {
          const { user, system } = process.cpuUsage(cpuAtStart);
          cpuSeconds = (user + system) / 1e6;
          return;
        }
        isReady = true;
        memory = memoryOf(beforeBytes, await memoryNow().catch(() => undefined), connections);
        cpuAtStart = process.cpuUsage();
      },
      begins() {
        if (restartCommand === undefined || (settings.shard?.index ?? 0) > 0) return;
        spawn(restartCommand, { shell: true, stdio: "ignore", detached: true }).unref();
      },
      signal: listener.signal,
      progress(step, now, window) {
        const { ready, done, errors, p99 } = now;
        listener.onProgress?.({ step, ready, done, errors, p99 });
        if (!listener.live) return;
        const text =
          step === "setup"
            ? `  ${now.ready} of ${connections} connections ready`
            : step === "settling" || window === undefined
              ? "  waiting for outstanding messages"
              : progressLine(now, window, listener.palette);
        listener.write(`\r\x1b[K${text}`);
      },
    });
    const result = aggregate(results, {
      ...{ scenario, profile, start, memory, cpuSeconds },
      finish: new Date(),
      machine: {
        ...{ cpus: cpus().length, model: cpus()[0]?.model ?? "unknown", memoryBytes: totalmem(), node: process.version },
        ...{ loadBefore, loadAfter: loadavg()[0]! },
      },
      memorySamples: sampler.samples.flatMap(([atMs, bytes]) =>
        atMs >= window.startMs && atMs <= window.endMs ? [[(atMs - window.startMs) / 1000, bytes] as const] : [],
      ),
      title: `${contract.title} ${contract.version}: ${scenario}`,
      url: createMask(credentialsOfUrls(target.urls)).hide(target.urls.join(" ")),
      notes: target.notes,
    });
    const { shard } = settings;
    return shard === undefined ? result : ({ ...result, shard: { ...shard, profile, slices: results, reached } } as ShardResult);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    throw new TargetLost(
      `The load could not be set up: the harness waited for ${error.expected} and got ${error.actual}. Is it a limit of the server? Raise it for the run, or ask for less (--connections, --members, --rooms).`,
    );
  } finally {
    sampler.stop();
    if (listener.live) listener.write("\r\x1b[K");
  }
}

function progressLine(
  now: { done: number; errors: number; p99: number | undefined },
  window: { startMs: number; endMs: number },
  palette: Palette,
): string {
  const seconds = Math.round((window.endMs - window.startMs) / 1000);
  const second = Math.floor((nowMs() - window.startMs) / 1000) - 1;
  if (second < 0) return "  warming up";
  return emitProgress(
    { second, sent: 0, done: now.done, errors: now.errors, p50: undefined, p99: now.p99, max: undefined },
    seconds,
    palette,
  );
}

function memoryOf(beforeBytes: number | undefined, afterBytes: number | undefined, connections: number): Memory | undefined {
  if (beforeBytes === undefined || afterBytes === undefined || connections === 0) return undefined;
  return { beforeBytes, afterBytes, perConnectionBytes: Math.round((afterBytes - beforeBytes) / connections) };
}

function readEarlier(file: string, scenario: string): LoadResult {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(
      `--compare ${file} cannot be read (${(error as NodeJS.ErrnoException).code}). Give a file that --json wrote.`,
    );
  }
  return parseEarlierResult(text, file, scenario);
}

/** The comparison to the terminal, where one was asked for, and the run to its files. */
function tell({ settings, listener, before, command }: BenchInput, page: Omit<LoadPage, "command" | "earlier">): void {
  const { json, html, compare } = settings;
  listener.onResult?.(page.result);
  if (before !== undefined) listener.write(`\n${emitComparison(compareResults(before, page.result), listener.palette)}`);
  if (json !== undefined) attempt("--json", json, () => writeFileSync(json, `${JSON.stringify(page.result, null, 2)}\n`));
  for (const { option, file, emit } of exportsOf(settings))
    attempt(option, file, () => writeFileSync(file, emit(page.result, page.failed ?? [])));
  if (html === undefined) return;
  const earlier = before === undefined ? {} : { earlier: { file: compare!, result: before } };
  attempt("--html", html, () => writeFileSync(html, emitLoadHtml({ ...page, ...earlier, command })));
}

/** @throws UsageError that names the option */
function attempt(option: string, file: string, scenarioRun: () => void, verb = "written"): void {
  try {
    scenarioRun();
  } catch (error) {
    throw new UsageError(
      `${option} ${file} cannot be ${verb} (${(error as NodeJS.ErrnoException).code}). Give a path in a folder that exists.`,
    );
  }
}
