// A load run for a terminal: autocannon's own tables, and around them what only a checked run knows. Pure: data in, text out.
import { stripVTControlCharacters } from "node:util";
import autocannon from "autocannon";
import Table from "cli-table3";
import type { CapacityStep, LoadProbe } from "../../load/capacity.ts";
import { type Change, type Comparison, changeText, ratioText } from "../../load/compare.ts";
import { bytesText, codesText, countText, msText, shareText } from "../../load/figures.ts";
import type { LoadResult, Second, Statistics } from "../../load/load-result.ts";
import { scenarioOf } from "../../load/scenarios.ts";
import { median, medianInterval } from "../../load/statistics.ts";
import { type LoadVerdict, loadVerdict } from "../../load/verdict.ts";
import { escapeLine } from "../escape.ts";
import type { Palette } from "../terminal.ts";

/** The type package of autocannon leaves it out. */
const { printResult } = autocannon as unknown as {
  printResult(
    result: object,
    options: { outputStream: object; renderLatencyTable: boolean; renderStatusCodes: boolean; verbose?: boolean },
  ): string;
};

export interface ResultOptions {
  /** Fifteen percentiles below the tables. Default false. */
  readonly latencyTable?: boolean;
  /** The sentences of failedThresholds. Default none. */
  readonly failed?: readonly string[];
}

/** The whole result: what was asked, the tables, what was checked, how the generator did, and the verdict last. Ends with a newline. */
export function emitResult(
  result: LoadResult,
  palette: Palette,
  { latencyTable = false, failed = [] }: ResultOptions = {},
): string {
  const lines = [
    `${palette.bold("wsproof bench")}  ${result.scenario}, ${result.url}`,
    line("load", settingsOf(result).join(", ")),
    ...(result.requests.total === 0 || result.latency.totalCount === 0 ? [] : [emitTables(result, palette, latencyTable)]),
    line("Req/Sec", `counts each ${result.unit}`),
    line("operations", `${countText(result.sent)} sent, ${countText(result.replied)} replied`),
    ...deliveryLines(result, palette),
    codesLine("refused", result.refused, palette),
    codesLine("closed", result.closed, palette),
    ...generatorLines(result),
    ...machineLines(result),
    ...repeatLines(result),
    ...memoryLines(result),
    ...(result.findings?.lines ?? []).map((one) => line(result.scenario, escapeLine(one))),
    ...httpLines(result, palette),
    ...result.notes.map((note) => palette.dim(line("note", note))),
    "",
    emitVerdict(loadVerdict(result, failed), palette),
    "",
  ];
  return lines.join("\n");
}

/**
 * One line, without a newline at its end, for the second that has just passed.
 * @param seconds of the run, without the warm-up
 */
export function emitProgress(second: Second, seconds: number, palette: Palette): string {
  const width = String(seconds).length;
  const latency = second.p99 === undefined ? "" : `  p99 ${msText(second.p99)}`;
  const errors = `${countText(second.errors)} errors`;
  const passed = `${String(Math.min(second.second + 1, seconds)).padStart(width)} of ${seconds} s`;
  return `  ${passed}  ${countText(second.done).padStart(9)} done/s${latency}  ${second.errors > 0 ? palette.red(errors) : errors}`;
}

/** One line for a run of the search for capacity; those that did not hold, or do not count, with a line for each reason. */
export function emitCapacityStep({ rate, purpose, probe }: CapacityStep<LoadProbe>, palette: Palette): string {
  const { result, holds, invalid, unmet } = probe;
  const says = invalid.length > 0 ? palette.magenta("INVALID") : holds ? palette.green("holds") : palette.red("does not hold");
  const latency = result.latency.totalCount > 0 ? `p99 ${msText(result.latency.p99)}` : "nothing measured";
  const reasons = [...invalid, ...unmet].map((reason) => `\n${" ".repeat(11)}${reason}`);
  return `  ${purpose.padEnd(8)} ${countText(rate).padStart(9)} per second  ${latency.padEnd(14)}  ${says}${palette.dim(reasons.join(""))}\n`;
}

/** Both runs in one table. Ends with a newline. */
export function emitComparison({ metrics, notes }: Comparison, palette: Palette): string {
  const colors: Record<Change, (text: string) => string> = {
    better: palette.green,
    worse: palette.red,
    same: String,
    unknown: palette.dim,
  };
  const table = new Table({ head: ["Metric", "Before", "After", "Ratio", ""], style: { head: [], border: [] } });
  for (const { name, before, after, beforeInterval, afterInterval, ratio, change } of metrics) {
    const within = (value: string, interval: string | undefined) => (interval === undefined ? value : `${value} (${interval})`);
    const word = colors[change](changeText[change]);
    table.push([name, within(before, beforeInterval), within(after, afterInterval), ratioText(ratio), word]);
  }
  return `${[table.toString(), ...notes.map((note) => palette.yellow(line("note", note)))].join("\n")}\n`;
}

/** What was asked for, each a phrase such as `500 per second`. */
export function settingsOf(result: LoadResult): readonly string[] {
  const { scenario, rate, connections, rooms, members, payloadBytes, duration, workers } = result;
  return [
    !scenarioOf(scenario).uses.includes("rate")
      ? "idle connections"
      : rate === undefined
        ? "as fast as replies come (closed model)"
        : `${countText(rate)} per second (open model)`,
    plural(connections, "connection"),
    ...(rooms === undefined ? [] : [plural(rooms, "room")]),
    ...(members === undefined ? [] : [plural(members, "member")]),
    ...(payloadBytes === undefined ? [] : [`${bytesText(payloadBytes)} of payload`]),
    `${countText(duration)} s`,
    plural(workers, "worker"),
  ];
}

function emitTables(result: LoadResult, palette: Palette, renderLatencyTable: boolean): string {
  return printTables(
    {
      ...result,
      latency: rounded(result.latency),
      // "sent" is printed as the number of requests, which the tables count as done.
      requests: { ...rounded(result.requests), sent: result.requests.total },
    },
    palette,
    { renderLatencyTable, renderStatusCodes: Object.keys(result.statusCodeStats).length > 0 },
  );
}

/** What autocannon did beside, printed by autocannon. */
function httpLines({ http }: LoadResult, palette: Palette): string[] {
  if (http === undefined) return [];
  return [
    "",
    `${palette.bold("autocannon")}  ${http.title}`,
    printTables(http.result, palette, { renderLatencyTable: false, renderStatusCodes: true }),
  ];
}

function printTables(
  printable: object,
  palette: Palette,
  how: { readonly renderLatencyTable: boolean; readonly renderStatusCodes: boolean },
): string {
  // chalk looks at the stream it is told of, not at the palette.
  const outputStream = { isTTY: palette.isColorSupported };
  const text = printResult(printable, { outputStream, ...how });
  return palette.isColorSupported ? text : stripVTControlCharacters(text);
}

/** autocannon prints every digit that it is given. */
function rounded<T extends Statistics>(statistics: T): T {
  return Object.fromEntries(
    Object.entries(statistics).map(([key, value]) => [key, Math.round(value * 100) / 100]),
  ) as unknown as T;
}

function deliveryLines({ deliveries }: LoadResult, palette: Palette): string[] {
  if (deliveries === undefined) return [];
  const { expected, received, ...faults } = deliveries;
  const parts = Object.entries(faults).map(([what, count]) => {
    const text = `${countText(count)} ${what === "disordered" ? "out of order" : what}`;
    return count > 0 ? palette.red(text) : text;
  });
  return [line("deliveries", [`${countText(expected)} expected`, `${countText(received)} received`, ...parts].join(", "))];
}

function codesLine(name: string, counts: Readonly<Record<string, number>>, palette: Palette): string {
  const text = line(name, escapeLine(codesText(counts)));
  return Object.keys(counts).length > 0 ? palette.yellow(text) : text;
}

function generatorLines({ generator: { lag, busy, checking, cpuSeconds } }: LoadResult): string[] {
  return [
    line("generator", `sends were late by ${msText(lag.p50)} at p50, ${msText(lag.p99)} at p99, ${msText(lag.max)} at most`),
    line(
      "",
      `busy ${shareText(busy)} of the time; ${shareText(checking)} of generator CPU spent verifying deliveries; ${cpuSeconds.toFixed(1)} s of CPU`,
    ),
  ];
}

function machineLines({ machine }: LoadResult): string[] {
  if (machine === undefined) return [];
  const { cpus, model, memoryBytes, node, loadBefore, loadAfter } = machine;
  const load = `load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after`;
  return [line("machine", `${cpus} x ${escapeLine(model)}, ${bytesText(memoryBytes)}, Node ${node}; ${load}`)];
}

function repeatLines({ repeats }: LoadResult): string[] {
  if (repeats === undefined) return [];
  const shown = (name: string, text: (value: number) => string) => {
    const values = repeats.flatMap((one) => one[name] ?? []);
    const [low, high] = medianInterval(values);
    return values.length === 0 ? [] : [`${name} ${text(median(values))} (${text(low)} to ${text(high)})`];
  };
  const figures = [
    ...shown("throughput per second", countText),
    ...shown("latency p50", msText),
    ...shown("latency p99", msText),
  ];
  return [line("repeats", `${repeats.length} runs, median and its 95 % interval: ${figures.join(", ")}`)];
}

function memoryLines({ memory }: LoadResult): string[] {
  if (memory === undefined) return [];
  const { beforeBytes, afterBytes, perConnectionBytes } = memory;
  return [
    line(
      "memory",
      `${bytesText(perConnectionBytes)} per connection (${bytesText(beforeBytes)} before, ${bytesText(afterBytes)} after)`,
    ),
  ];
}

/** Loud where the figures do not count or the run failed. */
function emitVerdict({ state, says, reasons }: LoadVerdict, palette: Palette): string {
  const good = reasons.length > 0 ? palette.yellow : palette.green;
  const color = state === "held" ? good : state === "invalid" ? palette.magenta : palette.red;
  return [palette.bold(color(says)), ...reasons.map((reason) => color(`  ${reason}`))].join("\n");
}

function line(name: string, text: string): string {
  return `  ${name.padEnd(11)} ${text}`;
}

function plural(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
}
