// A run of `record` in a terminal: starts the proxy, writes the history, and stops at a signal.
import { readFileSync } from "node:fs";
import picocolors from "picocolors";
import { createClock } from "../client/clock.ts";
import { summarise } from "../conformance/verdict.ts";
import { escapeLine } from "../report/escape.ts";
import { emitResults } from "../report/terminal.ts";
import { exitCode, UsageError } from "../schema/errors.ts";
import { onSignals } from "../testbed/server-process.ts";
import { TrafficChecker } from "../traffic/check.ts";
import { checkRules } from "../traffic/check-rules.ts";
import { serveFindings } from "../traffic/findings-metrics.ts";
import { createHistoryWriter } from "../traffic/history-writer.ts";
import { startRecording } from "../traffic/record.ts";
import { subjectOf } from "./run-check.ts";
import { checkValues } from "./settings/check-values.ts";
import { type Given, withDefaults } from "./settings/option.ts";
import { recordOptions } from "./settings/record-options.ts";
import { checkUrls } from "./settings/urls.ts";

/** Findings that are told at once. */
const toldFindings = 100;

/** @throws UsageError: what kept it from running, in one paragraph */
export async function runRecord(url: string, values: Record<string, unknown>): Promise<number> {
  checkValues(recordOptions, values, { naming: "flag" });
  const settings = withDefaults(recordOptions, values as Given<typeof recordOptions>);
  const [target = url] = checkUrls([url]);
  const subject = settings.check ? await subjectOf(settings) : undefined;
  const checker = subject === undefined ? undefined : new TrafficChecker(subject.contract, subject.channel);
  const say = (line: string) => process.stdout.write(`${escapeLine(line)}\n`);
  if (settings.prometheus !== undefined && checker === undefined)
    throw new UsageError("--prometheus counts what --check finds: give --check as well");
  const metrics =
    settings.prometheus === undefined
      ? undefined
      : await serveFindings(checkRules, settings.prometheus).catch((error: NodeJS.ErrnoException) => {
          throw new UsageError(`--prometheus ${settings.prometheus} is not available (${error.code}). Give another port, or 0.`);
        });
  let told = 0;
  if (checker !== undefined)
    checker.report.onFinding = (rule, actual) => {
      metrics?.finding(rule);
      if (++told <= toldFindings) say(`finding ${rule}: ${actual.slice(0, 200)}`);
    };
  const tls = tlsFrom(settings.tlsCert, settings.tlsKey);
  const { output, mask, rotateMb, rotateMinutes = Number.POSITIVE_INFINITY } = settings;
  const writer = createHistoryWriter(output, mask, rotateMb * 1_000_000, rotateMinutes * 60_000);
  const clock = createClock();
  let messages = 0;
  let isWriting = true;
  const proxy = await startRecording({
    ...{ target: new URL(target), port: settings.listen, host: settings.host, insecure: settings.insecure, tls },
    nowMs: clock.nowMs,
    event(event) {
      if (event.kind === "send" || event.kind === "receive") messages += 1;
      metrics?.event(event);
      // The traffic goes on whatever becomes of the history.
      try {
        if (isWriting) writer.write(event);
      } catch (error) {
        isWriting = false;
        say(`${output} cannot be written any more (${(error as NodeJS.ErrnoException).code}): traffic passes, unrecorded`);
      }
      checker?.take(event);
    },
  }).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `--listen ${settings.listen} is not available (${error.code}). Give another port, or 0 for any free one.`,
    );
  });
  if (metrics !== undefined) say(`metrics on http://127.0.0.1:${metrics.port}/metrics`);
  say(`recording ${target} on ${tls === undefined ? "ws" : "wss"}://${settings.host}:${proxy.port} to ${settings.output}`);
  await new Promise<void>((resolve) => {
    onSignals(() => resolve());
  });
  await proxy.stop();
  await metrics?.stop();
  writer.close();
  say(`${messages} messages recorded`);
  if (!isWriting) return exitCode.couldNotRun;
  if (checker === undefined || subject === undefined) return exitCode.ok;
  checker.end();
  const rules = checkRules.filter(({ side }) => side === "server");
  const results = checker.report.results(subject.contract, rules, `wsproof check ${settings.output}`);
  const summary = summarise(results);
  process.stdout.write(emitResults(results, summary, picocolors.createColors(false)));
  return summary.exitCode;
}

function tlsFrom(cert: string | undefined, key: string | undefined) {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new UsageError("--tls-cert and --tls-key belong together: give both, or neither");
  const read = (option: string, file: string) => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new UsageError(`${option} ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
    }
  };
  return { cert: read("--tls-cert", cert), key: read("--tls-key", key) };
}
