// A run of `verify` from settings to its report: the edge where files, processes and the terminal are touched.

import { readFileSync } from "node:fs";
import picocolors from "picocolors";
import type { ContractUnderTest } from "../client/context.ts";
import { applyBaseline, type KnownFailure, parseBaseline } from "../conformance/baseline.ts";
import type { Target } from "../conformance/context.ts";
import { expectContractUnderTest, loadEndpoints, targetUrls, withPath } from "../conformance/load-contract-under-test.ts";
import { type OwnTarget, startOwnNodes, startOwnServer } from "../conformance/managed-target.ts";
import { openRun } from "../conformance/open-run.ts";
import type { Phase } from "../conformance/phase.ts";
import { phases } from "../conformance/rules.ts";
import { runPhases } from "../conformance/run-phases.ts";
import { selectRules } from "../conformance/selection.ts";
import { summarise } from "../conformance/verdict.ts";
import { bounded } from "../report/bounded.ts";
import { loadClauses } from "../report/clauses.ts";
import { escapeLine } from "../report/escape.ts";
import type { Opening, ReportedRun } from "../report/reported-run.ts";
import { createReporter } from "../report/reporters.ts";
import { emitList } from "../report/rule-list.ts";
import type { RunEvent } from "../report/run-event.ts";
import { openReports } from "../report/write-reports.ts";
import { exitCode, UsageError } from "../schema/errors.ts";
import { storeLastRun, withLastFailed } from "./last-run.ts";
import { loadCa } from "./load-ca.ts";
import { withoutSecrets } from "./settings/command-line.ts";
import { replayCommand, replayStoredCommand } from "./settings/replay-command.ts";
import type { VerifySettings } from "./settings/verify-settings.ts";
import { exitSoon, stopAfter, stopAtSignals } from "./stop-signals.ts";
import { restart, stopper } from "./target-process.ts";
import { tellGitHub } from "./tell-github.ts";
import { watchAndRerun } from "./watch-verify.ts";

/** What a run tells while it goes on, and what ends it early. */
export interface Listener {
  event(event: RunEvent): void;
  /** Aborted, with the reason, where the run is to end early. */
  readonly stop?: AbortSignal | undefined;
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
  if (settings.list) {
    const asked = selectRules(phases, settings.only, settings.phases, settings.exclude);
    const rules = asked.flatMap((one) => one.rules);
    write(emitList(rules, await loadEndpoints(settings), palette));
    return exitCode.ok;
  }
  const { reporter: name, verbose, reports } = settings;
  const stop = stopAtSignals();
  const isWatching = settings.watch || settings.watchPaths.length > 0;
  const once = async () => {
    const event = createReporter(name, { write, live, palette, verbose, html: reports.html });
    const reported = await runVerification(settings.lastFailed ? withLastFailed(settings) : settings, { event, stop });
    storeLastRun(reported.report.results);
    if (reported.report.interrupted !== undefined && !isWatching) exitSoon();
    if (process.env.GITHUB_ACTIONS === "true") tellGitHub(reported, name === "github" ? undefined : write);
    return reported.summary.exitCode;
  };
  return isWatching ? watchAndRerun(settings, once, stop, write) : once();
}

/** @throws UsageError, TargetLost: what kept it from running, in one paragraph */
export async function runVerification(given: VerifySettings, listener: Listener): Promise<ReportedRun> {
  const settings = { ...given, urls: await targetUrls(given) };
  const asked = selectRules(phases, settings.only, settings.phases, settings.exclude);
  const known = loadBaseline(settings.baseline);
  const loading = expectContractUnderTest(settings);
  if (settings.urls.length > 0) return judge({ settings, subject: await loading, asked, listener, known, own: undefined });
  const path = loading.then(({ channel }) => channel.address);
  const say = (text: string) => listener.event({ type: "note", text });
  const own = await (settings.nodes === undefined
    ? startOwnServer(path)
    : startOwnNodes({ ...settings, nodes: settings.nodes, path: await path, say }));
  try {
    return await judge({ settings, subject: await loading, asked, listener, known, own });
  } finally {
    await own.stop();
  }
}

interface RunInput {
  readonly settings: VerifySettings;
  readonly subject: ContractUnderTest;
  readonly asked: readonly Phase[];
  readonly listener: Listener;
  readonly known: readonly KnownFailure[];
}

async function judge({
  settings,
  subject,
  asked,
  listener: { event, stop },
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
    replayStored: (id) => replayStoredCommand(settings, id),
    embedded: own !== undefined,
  };
  const opening: Opening = {
    title: `${subject.contract.title} ${subject.contract.version}`,
    file: settings.spec ?? "bundled spec",
    targets: target.urls.map(withoutSecrets),
    embedded: own !== undefined,
    perspective: subject.contract.perspective,
    seed: settings.seed,
  };
  const startedAt = new Date();
  event({ type: "start", opening });
  const auth = own === undefined ? settings.auth : { secret: own.secret };
  const { seed, runs, timeoutMs, insecure } = settings;
  // What rules derive from the document is made now: later it would keep open connections waiting, and a server may take that for death.
  for (const rule of asked.flatMap(({ rules }) => rules)) rule.from(subject);
  const ca = loadCa(settings.ca);
  const { run, probe, end } = await openRun({ ...subject, target, auth, seed, runs, timeoutMs, insecure, ca });
  const { hide } = run.mask;
  const masked = <T>(value: T): T => JSON.parse(hide(JSON.stringify(value)), revived);
  const reports = openReports(settings.reports, hide);
  run.recorder.onEvent(reports.event);
  const stopping = stopAfter(settings.maxTimeSeconds, stop);
  let failed = 0;
  let isOver = false;
  try {
    const outcome = await runPhases(run, probe, asked, {
      replay: (id) => replayCommand(settings, id),
      phaseStarts: (phase, waitsMs) => event({ type: "phase-start", phase, waitsMs }),
      progress: (text) => isOver || event({ type: "progress", text: escapeLine(hide(text)) }),
      failed: ({ id, level, title }, { expected, actual }) => {
        // Nobody is blamed for a MAY, nor for what the baseline explains.
        if (isOver || level === "MAY") return;
        if (known.some((one) => one.id === id && expected.includes(one.expected ?? ""))) return;
        event(masked({ type: "finding", rule: id, level, title, expected, actual }));
        failed += level === "MUST" ? 1 : 0;
        if (failed === settings.maxFailures) stopping.abort(`stopped after ${plural(failed, "failed rule")} (--max-failures)`);
      },
      phaseEnds: (phase) => event(masked({ type: "phase-end", phase })),
      revive: async () => (own === undefined ? restart(settings.restartCommand, target.urls[0] ?? "") : own.revive()),
      stop: stopping.signal,
    });
    isOver = true; // what was under way when the run was stopped is told to nobody
    const { results, stale } = applyBaseline(outcome.results, known);
    const report = { ...outcome, results: bounded(masked(results)) };
    const summary = summarise(results, { interrupted: report.interrupted, strict: settings.strict, stale });
    const pointers = results.flatMap(({ failures }) => failures.map(({ pointer }) => pointer));
    const clauses = settings.spec === undefined || pointers.length === 0 ? undefined : loadClauses(settings.spec, pointers);
    // Reports cut long texts: what they get has no credential any more.
    const reported: ReportedRun = masked({ opening, report, summary, startedAt, strict: settings.strict, clauses });
    event({ type: "end", run: reported });
    reports.end(reported);
    return reported;
  } finally {
    await end();
  }
}

/** Times survive JSON as texts. */
function revived(key: string, value: unknown): unknown {
  return key === "startedAt" ? new Date(String(value)) : value;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
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
