// Reads a report or a history and writes its page.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Report } from "../conformance/result.ts";
import { escapeLine } from "../report/escape.ts";
import { emitHtml } from "../report/html.ts";
import type { ReportedRun } from "../report/reported-run.ts";
import { emitTracePage } from "../report/trace-page.ts";
import { UsageError } from "../schema/errors.ts";
import { readTraffic } from "../traffic/history-file.ts";
import type { TrafficEvent } from "../traffic/traffic-event.ts";

/** @throws UsageError where the file is neither, or the page cannot be written */
export async function show(file: string, out: string | undefined): Promise<void> {
  const html = /\.(ndjson|jsonl|har)$/.test(file) ? await tracePage(file) : reportPage(file);
  const target = out ?? path.join(mkdtempSync(path.join(tmpdir(), "wsproof-show-")), `${path.basename(file)}.html`);
  try {
    writeFileSync(target, html);
  } catch (error) {
    throw new UsageError(`--out ${target} cannot be written (${(error as NodeJS.ErrnoException).code}). Does its folder exist?`);
  }
  process.stdout.write(`wrote ${escapeLine(target)}\n`);
  if (process.stdout.isTTY && process.env.CI === undefined) open(target);
}

async function tracePage(file: string): Promise<string> {
  const events: TrafficEvent[] = [];
  for await (const event of readTraffic(file)) events.push(event);
  return emitTracePage(events, path.basename(file));
}

function reportPage(file: string): string {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(
      `${file} cannot be read: ${(error as Error).message}. Give a file that verify --json or --history wrote.`,
    );
  }
  if (report?.wsproof !== 1 || !Array.isArray(report.rules))
    throw new UsageError(`${file} is not a report of wsproof verify. Give a file that verify --json or --history wrote.`);
  return emitHtml([reportedRun(report)]);
}

function reportedRun({
  document,
  targets,
  seed,
  startedAt,
  exitCode,
  verdict,
  counts,
  interrupted,
  durationMs,
  rules,
}: Report): ReportedRun {
  return {
    opening: { ...document, targets, embedded: false, seed },
    report: { results: rules, interrupted: interrupted ?? undefined, durationMs },
    summary: { exitCode, text: verdict, counts },
    startedAt: new Date(startedAt),
    strict: false,
  };
}

/** By the program of the desktop; where there is none, the printed path has to do. */
function open(target: string): void {
  const opener = process.platform === "darwin" ? "open" : process.platform === "win32" ? "explorer" : "xdg-open";
  spawn(opener, [target], { stdio: "ignore", detached: true })
    .on("error", () => undefined)
    .unref();
}
