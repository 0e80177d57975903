// The file of `--compare`: what `bench --json` wrote earlier, checked before anything is made of it.
import { UsageError } from "../schema/errors.ts";
import type { LoadResult } from "./load-result.ts";
import { scenarioNames } from "./scenarios.ts";

/** A check of one value; gives the path of the first thing that is not as it should be. */
type Check = (value: unknown, path: string) => string | undefined;

const number: Check = (value, path) => (typeof value === "number" && Number.isFinite(value) ? undefined : path);
const string: Check = (value, path) => (typeof value === "string" ? undefined : path);
const optional =
  (check: Check): Check =>
  (value, path) =>
    value === undefined ? undefined : check(value, path);
const list =
  (check: Check): Check =>
  (value, path) =>
    Array.isArray(value) ? first(value.map((one, at) => check(one, `${path}[${at}]`))) : path;
const pair: Check = (value, path) => (Array.isArray(value) && value.length === 2 ? list(number)(value, path) : path);
const table =
  (check: Check): Check =>
  (value, path) =>
    isObject(value) ? first(Object.entries(value).map(([key, one]) => check(one, `${path}.${key}`))) : path;
const object =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, path) =>
    isObject(value) ? first(Object.entries(checks).map(([key, check]) => check(value[key], `${path}.${key}`))) : path;
const numbers = (...keys: string[]) => Object.fromEntries(keys.map((key) => [key, number]));

const statistics = numbers("mean", "min", "max", "p50", "p75", "p90", "p97_5", "p99", "p99_9");
const shape = object({
  url: string,
  start: string,
  unit: string,
  ...numbers("connections", "workers", "duration", "errors", "sent", "replied"),
  latency: object({ ...statistics, totalCount: number }),
  requests: object({ ...statistics, total: number }),
  throughput: object({ ...statistics, total: number }),
  rate: optional(number),
  rooms: optional(number),
  members: optional(number),
  payloadBytes: optional(number),
  refused: table(number),
  closed: table(number),
  deliveries: optional(object(numbers("expected", "received", "lost", "duplicated", "disordered", "unexpected"))),
  generator: object({ lag: object(numbers("p50", "p99", "max")), ...numbers("busy", "checking", "cpuSeconds") }),
  memory: optional(object(numbers("beforeBytes", "afterBytes", "perConnectionBytes"))),
  repeats: optional(list(table(number))),
  invalid: list(string),
  notes: list(string),
  series: list(
    object({
      ...numbers("second", "sent", "done", "errors"),
      p50: optional(number),
      p99: optional(number),
      ...{ max: optional(number), mean: optional(number), p90: optional(number), p99_9: optional(number) },
    }),
  ),
  curve: list(pair),
});

/**
 * Reads a result that an earlier run wrote.
 * @param text of the file
 * @param file its path, for messages
 * @param scenario of this run
 * @throws UsageError where it is no JSON, no result of ours, or of another scenario
 */
export function parseEarlierResult(text: string, file: string, scenario: string): LoadResult {
  const option = `--compare ${file}`;
  const wanted = "Give the file that an earlier `wsproof bench --json FILE` wrote.";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${option} is not JSON. ${wanted}`);
  }
  if (!isObject(value) || !scenarioNames.some((name) => name === value.scenario)) {
    throw new UsageError(`${option} is not a result of bench: it names no scenario (${scenarioNames.join(", ")}). ${wanted}`);
  }
  if (value.scenario !== scenario) {
    throw new UsageError(
      `${option} is a run of the scenario ${String(value.scenario)}, this is one of ${scenario}: their figures mean different things. Compare two runs of one scenario.`,
    );
  }
  const wrong = shape(value, "");
  if (wrong !== undefined) {
    throw new UsageError(`${option} is not a result of this bench: ${wrong.slice(1)} is missing or invalid. ${wanted}`);
  }
  return value as unknown as LoadResult;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function first(found: readonly (string | undefined)[]): string | undefined {
  return found.find((one) => one !== undefined);
}
