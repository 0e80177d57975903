// The settings of a bench: flags with their units, checked before anything is started.

import {
  loadSettings as loadTargetSettings,
  type Flags as TargetFlags,
  type Settings as TargetSettings,
} from "../conformance/settings.ts";
import { UsageError } from "../schema/errors.ts";
import { parseCapacityConditions } from "./capacity.ts";
import { type ScenarioName, scenarioNames } from "./load-result.ts";
import { parseThresholds, type Threshold } from "./thresholds.ts";
import type { Demand } from "./worker-context.ts";

/** As commander gives them. */
export interface BenchFlags
  extends Pick<
    TargetFlags,
    | "config"
    | "spec"
    | "perspective"
    | "overlay"
    | "origin"
    | "authSecret"
    | "authToken"
    | "authCommand"
    | "insecure"
    | "pid"
    | "seed"
    | "timeout"
    | "nodes"
  > {
  readonly scenario?: string;
  readonly connections?: string;
  readonly rooms?: string;
  readonly members?: string;
  readonly rate?: string;
  readonly inFlight?: string;
  readonly duration?: string;
  readonly warmUp?: string;
  readonly workers?: string;
  readonly payload?: string;
  readonly weight?: readonly string[];
  readonly findCapacity?: string;
  readonly failOn?: string;
  readonly percentiles?: boolean;
  readonly json?: string;
  readonly html?: string;
  readonly compare?: string;
}

export interface BenchSettings {
  readonly target: TargetSettings;
  /** Undefined: fanout where the document has a log, else echo. */
  readonly scenario: ScenarioName | undefined;
  readonly demand: Demand;
  readonly workers: number;
  /** Conditions that must hold, as they were written. */
  readonly findCapacity: string | undefined;
  readonly failOn: readonly Threshold[];
  readonly percentiles: boolean;
  readonly json: string | undefined;
  readonly html: string | undefined;
  readonly compare: string | undefined;
}

export const benchDefaults = {
  connections: 100,
  rooms: 1,
  members: 100,
  perSecond: 50,
  inFlight: 1,
  durationSeconds: 10,
  warmUpSeconds: 2,
  payloadBytes: 64,
} as const;

/**
 * @param seed used where --seed is not given
 * @throws UsageError that names the option, echoes the value, and says what was expected
 */
export function loadBenchSettings(urls: readonly string[], flags: BenchFlags, seed: number): BenchSettings {
  const scenario = flags.scenario;
  if (scenario !== undefined && !scenarioNames.some((one) => one === scenario))
    throw new UsageError(`expected --scenario to be one of ${scenarioNames.join(", ")}, got "${scenario}"`);
  if (flags.rate !== undefined && flags.inFlight !== undefined)
    throw new UsageError("--rate says when to send, --in-flight sends as fast as answers come: leave out one of them");
  if (flags.findCapacity !== undefined) parseCapacityConditions(flags.findCapacity);
  if (flags.findCapacity !== undefined && flags.inFlight !== undefined)
    throw new UsageError("--find-capacity searches the rate, so that --in-flight has no meaning: leave out one of them");
  const inFlight = number("--in-flight", flags.inFlight, 1, 100_000);
  const perSecond =
    number("--rate", flags.rate, 0.1, 1_000_000) ?? (inFlight === undefined ? benchDefaults.perSecond : undefined);
  const durationMs = seconds("--duration", flags.duration, 1, 86_400) ?? benchDefaults.durationSeconds * 1000;
  const target = loadTargetSettings(urls, targetFlags(flags), seed);
  return {
    target,
    scenario: scenario as ScenarioName | undefined,
    demand: {
      connections: whole("--connections", flags.connections, 1, 1_000_000) ?? benchDefaults.connections,
      rooms: whole("--rooms", flags.rooms, 1, 1_000_000) ?? benchDefaults.rooms,
      members: whole("--members", flags.members, 1, 1_000_000) ?? benchDefaults.members,
      perSecond,
      inFlight: inFlight ?? benchDefaults.inFlight,
      payloadBytes: whole("--payload", flags.payload, 0, 16_777_216) ?? benchDefaults.payloadBytes,
      durationMs,
      warmUpMs: seconds("--warm-up", flags.warmUp, 0, 3600) ?? benchDefaults.warmUpSeconds * 1000,
      timeoutMs: target.timeoutMs,
      weights: weightsOf(flags.weight ?? []),
      seed: target.seed,
    },
    workers: whole("--workers", flags.workers, 1, 64) ?? 1,
    findCapacity: flags.findCapacity,
    failOn: flags.failOn === undefined ? [] : parseThresholds(flags.failOn),
    percentiles: flags.percentiles ?? false,
    json: flags.json,
    html: flags.html,
    compare: flags.compare,
  };
}

function targetFlags(flags: BenchFlags): TargetFlags {
  const { config, spec, perspective, overlay, origin, authSecret, authToken, authCommand, insecure, pid, seed, timeout, nodes } =
    flags;
  const wanted = {
    config,
    spec,
    perspective,
    overlay,
    origin,
    authSecret,
    authToken,
    authCommand,
    insecure,
    pid,
    seed,
    timeout,
    nodes,
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}

function weightsOf(texts: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, weight] = /^([^=]+)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
      if (name === undefined || Number(weight) <= 0)
        throw new UsageError(`expected --weight as OPERATION=NUMBER such as chat=5, got "${text}"`);
      return [name, Number(weight)];
    }),
  );
}

/** Seconds, or with a unit: 500ms, 30s, 2m. */
function seconds(option: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? [];
  const ms = Number(digits) * { ms: 1, s: 1000, m: 60_000 }[unit as "ms" | "s" | "m"];
  if (digits === undefined || ms < least * 1000 || ms > most * 1000)
    throw new UsageError(`expected ${option} from ${least} to ${most} seconds, such as 30, 30s, 1500ms or 2m, got "${text}"`);
  return ms;
}

function whole(option: string, text: string | undefined, least: number, most: number): number | undefined {
  const value = number(option, text, least, most);
  if (value !== undefined && !Number.isInteger(value))
    throw new UsageError(`expected ${option} from ${least} to ${most}, whole, got "${text}"`);
  return value;
}

function number(option: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= least && value <= most) || text.trim() === "") {
    const per = option === "--rate" ? " per second" : "";
    throw new UsageError(`expected ${option} from ${least} to ${most}${per}, got "${text}"`);
  }
  return value;
}
