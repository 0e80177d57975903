// A run of `verify` from settings to its report: the edge where files, processes and the terminal are touched.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import net from "node:net";
import picocolors from "picocolors";
import type { ContractUnderTest } from "../client/context.ts";
import { applyBaseline, type KnownFailure, parseBaseline } from "../conformance/baseline.ts";
import type { Target } from "../conformance/context.ts";
import { expectContractUnderTest, loadEndpoints, targetUrls, withPath } from "../conformance/load-contract-under-test.ts";
import { type OwnTarget, startOwnNodes, startOwnServer } from "../conformance/managed-target.ts";
import { openRun } from "../conformance/open-run.ts";
import { phases } from "../conformance/rules.ts";
import { runPhases } from "../conformance/run-phases.ts";
import { type Selection, selectRules } from "../conformance/selection.ts";
import { summarise } from "../conformance/verdict.ts";
import { escapeLine } from "../report/escape.ts";
import type { Opening, ReportedRun } from "../report/reported-run.ts";
import { emitList, emitOpening, emitPhase, emitResults, emitWait, type Palette } from "../report/terminal.ts";
import { openReports } from "../report/write-reports.ts";
import { exitCode, UsageError } from "../schema/errors.ts";
import { emitCommandLine, programName } from "./settings/command-line.ts";
import { replayOptions } from "./settings/replay-options.ts";
import { verifyOptions } from "./settings/verify-options.ts";
import type { VerifySettings } from "./settings/verify-settings.ts";

/** A phase that waits longer says so before. */
const tellWaitMs = 2_000;

/** Where a run is told while it goes on. */
export interface Listener {
  write(text: string): void;
  /** True where a line may be overwritten by the next. */
  readonly live: boolean;
  readonly palette: Palette;
  /** Aborted, with the reason, where the run is to end early. */
  readonly stop?: AbortSignal;
}

/**
 * Runs `wsproof verify` in a terminal.
 * @returns the exit code
 * @throws UsageError, TargetLost: what kept it from running, in one paragraph
 */
export async function verify(settings: VerifySettings): Promise<number> {
  const live = process.stdout.isTTY === true;
  const palette = picocolors.createColors(live && process.env.NO_COLOR === undefined);
  const write = (text: string) => process.stdout.write(text);
  if (!settings.list) return (await runVerification(settings, { write, live, palette, stop: stopAtSignals() })).summary.exitCode;
  const asked = selectRules(phases, settings.only, settings.phases, settings.exclude);
  const rules = asked.flatMap((one) => one.rules);
  write(emitList(rules, await loadEndpoints(settings), palette));
  return exitCode.ok;
}

/** @throws UsageError, TargetLost: what kept it from running, in one paragraph */
export async function runVerification(given: VerifySettings, listener: Listener): Promise<ReportedRun> {
  const settings = { ...given, urls: await targetUrls(given) };
  const asked = selectRules(phases, settings.only, settings.phases, settings.exclude);
  const subject = await expectContractUnderTest(settings);
  const known = loadBaseline(settings.baseline);
  return settings.urls.length > 0
    ? judge({ settings, subject, asked, listener, known, own: undefined })
    : judgeOwn({ settings, subject, asked, listener, known });
}

interface RunInput {
  readonly settings: VerifySettings;
  readonly subject: ContractUnderTest;
  readonly asked: readonly Selection[];
  readonly listener: Listener;
  readonly known: readonly KnownFailure[];
}

async function judgeOwn(job: RunInput): Promise<ReportedRun> {
  const { settings, listener } = job;
  const path = job.subject.channel.address;
  const say = (line: string) => listener.write(`${listener.live ? "\r\x1b[K" : ""}  ${line}\n`);
  const own = await (settings.nodes === undefined
    ? startOwnServer(path)
    : startOwnNodes({ ...settings, nodes: settings.nodes, path, say }));
  try {
    return await judge({ ...job, own });
  } finally {
    await own.stop();
  }
}

async function judge({
  settings,
  subject,
  asked,
  listener: { write, live, palette, stop },
  known,
  own,
}: RunInput & { readonly own: OwnTarget | undefined }): Promise<ReportedRun> {
  // Our own server may be started again, on another port: the target is what it is at the moment.
  const target: Target = {
    get urls() {
      return own?.urls ?? settings.urls.map((url) => withPath(url, subject));
    },
    origin: settings.origin,
    get pid() {
      return own?.pid ?? settings.pid;
    },
    get askToStop() {
      return stopper(own?.pid ?? settings.pid, settings.stopCommand);
    },
    nodeNames: own?.nodeNames,
    ...(own?.runCluster === undefined ? {} : { runCluster: own.runCluster }),
    ...(settings.nodes === undefined ? {} : { flags: nodesFlags(settings) }),
    replayStored: (id) => replayStoredCommand(settings, id),
    embedded: own !== undefined,
  };
  const opening: Opening = {
    title: `${subject.contract.title} ${subject.contract.version}`,
    file: settings.spec ?? "bundled spec",
    targets: target.urls,
    embedded: own !== undefined,
    perspective: subject.contract.perspective,
    seed: settings.seed,
  };
  const startedAt = new Date();
  write(emitOpening(opening, palette));
  const auth = own === undefined ? settings.auth : { secret: own.secret };
  const { seed, runs, timeoutMs, insecure } = settings;
  // What rules derive from the document is made now: later it would keep open connections waiting, and a server may take that for death.
  for (const rule of asked.flatMap(({ rules }) => rules)) rule.from(subject);
  const { run, probe, end } = await openRun({ ...subject, target, auth, seed, runs, timeoutMs, insecure });
  const { hide } = run.mask;
  const reports = openReports(settings.reports, hide);
  run.recorder.onEvent(reports.event);
  try {
    const outcome = await runPhases(run, probe, asked, {
      replay: (id) => replayCommand(settings, id),
      phaseStarts: (name, waitsMs) => (waitsMs < tellWaitMs ? undefined : write(emitWait(name, waitsMs))),
      progress: (text) => (live ? write(`\r\x1b[K${palette.dim(escapeLine(text))}`) : undefined),
      phaseEnds: (phase) => write(`${live ? "\r\x1b[K" : ""}${hide(emitPhase(phase, palette))}`),
      revive: async () => (own === undefined ? restart(settings.restartCommand, target.urls[0] ?? "") : own.revive()),
      stop: stopAfter(settings.maxTimeSeconds, stop),
    });
    const { results, stale } = applyBaseline(outcome.results, known);
    const report = { ...outcome, results };
    const summary = summarise(results, { interrupted: report.interrupted, strict: settings.strict, stale });
    write(hide(emitResults(results, summary, palette, { verbose: settings.verbose, html: settings.reports.html })));
    const reported = { opening, report, summary, startedAt, strict: settings.strict };
    reports.end(reported);
    return JSON.parse(hide(JSON.stringify(reported)), revived);
  } finally {
    await end();
  }
}

/** Times survive JSON as texts. */
function revived(key: string, value: unknown): unknown {
  return key === "startedAt" ? new Date(String(value)) : value;
}

function replayStoredCommand({ given }: VerifySettings, id: string): string {
  const { url, spec, perspective, overlay, auth, origin, insecure } = given;
  const values = { url, spec, perspective, overlay, auth, origin, insecure };
  return emitCommandLine(
    { program: programName(process.argv[1]), command: `replay ${id}`, env: process.env },
    replayOptions,
    values,
  );
}

/** What a replay of the cluster needs beside the rest. */
function nodesFlags({ nodes, faults, messages }: VerifySettings): string {
  return `--nodes ${nodes}${faults === undefined ? "" : ` --faults ${faults} --messages ${messages}`}`;
}

/** Aborted at SIGINT and SIGTERM: what was tested so far is reported, then the process ends, whatever is still under way. */
function stopAtSignals(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.once(name, () => {
      stop.abort(`stopped by ${name}`);
      setTimeout(() => process.exit(), endMs).unref();
    });
  return stop.signal;
}

/** How long writing reports may take after a signal. */
const endMs = 3_000;

/** Aborted with `signal`, or when the time of the run is over. */
function stopAfter(maxTimeSeconds: number | undefined, signal: AbortSignal | undefined): AbortSignal {
  const stop = new AbortController();
  if (signal?.aborted) stop.abort(signal.reason);
  signal?.addEventListener("abort", () => stop.abort(signal.reason));
  if (maxTimeSeconds !== undefined)
    setTimeout(() => stop.abort(`stopped after ${maxTimeSeconds} s (--max-time)`), maxTimeSeconds * 1000).unref();
  return stop.signal;
}

const restartMs = 15_000;

/** Starts a server that is not ours again. @returns how it had ended; undefined where no command is given, or it does not listen */
async function restart(command: string | undefined, url: string): Promise<string | undefined> {
  if (command === undefined) return undefined;
  spawn(command, { shell: true, stdio: "ignore", detached: true }).unref();
  const { hostname, port, protocol } = new URL(url);
  const target = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (protocol === "wss:" ? 443 : 80)) };
  for (const end = Date.now() + restartMs; Date.now() < end; ) {
    const socket = net.connect(target);
    const listens = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.setTimeout(1_000, () => resolve(false));
    });
    socket.destroy();
    if (listens) return "the server ended, or did not answer any more";
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}

/** The command where one is given, else SIGTERM to the process. */
function stopper(pid: number | undefined, command: string | undefined): (() => void) | undefined {
  if (command !== undefined) return () => void spawn(command, { shell: true, stdio: "ignore", detached: true }).unref();
  return pid === undefined ? undefined : () => process.kill(pid, "SIGTERM");
}

/** Never with a secret in it. */
function replayCommand({ given, seed, faults }: VerifySettings, id: string): string {
  const { phases: _phases, exclude: _exclude, reports: _reports, ...rest } = given;
  const values = { ...rest, list: false, only: [id], seed, ...(faults === undefined ? {} : { faults }) };
  return emitCommandLine({ program: programName(process.argv[1]), command: "verify", env: process.env }, verifyOptions, values);
}

function loadBaseline(file: string | undefined): readonly KnownFailure[] {
  if (file === undefined) return [];
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(
      `--baseline ${file} cannot be read (${(error as NodeJS.ErrnoException).code}). Give the path of a list of { id, reason }.`,
    );
  }
  const ids = phases.flatMap(({ rules }) => rules.map(({ id }) => id));
  return parseBaseline(text, file, ids);
}
