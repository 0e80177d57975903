// The options of `wsproof bench`, in the order in which --help shows them.
import { scenarioNames } from "../../load/scenarios.ts";
import type { Options } from "./option.ts";
import {
  accessOptions,
  configOption,
  nodesOption,
  pidOption,
  seedOption,
  specOptions,
  timeoutOption,
  urlOption,
} from "./target-options.ts";

const count = { type: "integer", minimum: 1, maximum: 1_000_000 } as const;
const file = { type: "string", minLength: 1, path: true, expected: "a path" } as const;

export const benchOptions = {
  url: urlOption,
  scenario: {
    type: "string",
    enum: scenarioNames,
    flag: "--scenario <name>",
    description: "load scenario, see below (default: fanout if the document has a log, else echo)",
  },
  connections: {
    ...count,
    default: 100,
    flag: "--connections <count>",
    description: "number of connections (all scenarios but fanout)",
  },
  rooms: { ...count, default: 1, flag: "--rooms <count>", description: "rooms (logs) that members join" },
  members: { ...count, default: 100, flag: "--members <count>", description: "members per room" },
  rate: {
    type: "number",
    minimum: 0.1,
    maximum: 1_000_000,
    flag: "--rate <perSecond>",
    description: "open model: operations sent per second, in total (default: 50)",
  },
  inFlight: {
    type: "integer",
    minimum: 1,
    maximum: 100_000,
    flag: "--in-flight <count>",
    description: "closed loop: N outstanding requests per room/connection, instead of --rate",
  },
  durationMs: {
    type: "integer",
    unit: "time",
    minimum: 1_000,
    maximum: 86_400_000,
    default: 10_000,
    flag: "--duration <time>",
    description: "measured duration, e.g. 30s, 2m",
  },
  warmUpMs: {
    type: "integer",
    unit: "time",
    minimum: 0,
    maximum: 3_600_000,
    default: 2_000,
    flag: "--warm-up <time>",
    description: "unmeasured time before it",
  },
  workers: {
    type: "integer",
    minimum: 1,
    maximum: 64,
    default: 1,
    flag: "--workers <count>",
    description: "threads of the load generator",
  },
  payloadBytes: {
    type: "integer",
    minimum: 0,
    maximum: 16_777_216,
    default: 64,
    flag: "--payload <bytes>",
    description: "free text per message, in bytes",
  },
  weights: {
    type: "object",
    additionalProperties: { type: "number", minimum: 0.000_001, maximum: 1_000_000 },
    default: {},
    flag: "--weight <operation=number>",
    description: "relative frequency of an operation in mixed (repeatable)",
    expected: "OPERATION=NUMBER such as chat=5",
  },
  operation: {
    type: "string",
    minLength: 1,
    flag: "--operation <name>",
    description: "operation to send, by id or message name (default: chosen from the document)",
  },
  stages: {
    type: "string",
    minLength: 1,
    flag: "--stages <stages>",
    description: "connections over time for ramp, e.g. 10s:100,30s:500,10s:0",
    expected: "DURATION:CONNECTIONS such as 10s:100,30s:500",
  },
  restartCommand: {
    type: "string",
    minLength: 1,
    flag: "--restart-command <command>",
    description: "for storm: restarts the server (default: drop all connections)",
  },
  findCapacity: {
    type: "string",
    minLength: 1,
    flag: "--find-capacity <conditions>",
    description: "find the highest rate that meets conditions such as 'p99<50ms'; confirmed by a second run",
  },
  failOn: {
    type: "string",
    minLength: 1,
    flag: "--fail-on <conditions>",
    description: "exit 1 if any condition is met, e.g. 'p99>50ms,lost>0'",
  },
  percentiles: {
    type: "boolean",
    default: false,
    flag: "--percentiles",
    description: "print fifteen percentiles of the latency",
  },
  ...specOptions,
  config: configOption,
  ...accessOptions,
  pid: { ...pidOption, description: "server PID, to measure its memory" },
  metricsUrl: {
    type: "string",
    minLength: 1,
    flag: "--metrics-url <url>",
    description: "Prometheus page of the server with process_resident_memory_bytes, instead of --pid",
    expected: "an http: or https: URL",
  },
  nodes: { ...nodesOption, description: "start N reference-server nodes on a private Redis" },
  seed: seedOption,
  timeoutMs: timeoutOption,
  shard: {
    type: "string",
    minLength: 1,
    flag: "--shard <i/n>",
    description: "do only this part of the load; with n alone, i comes from JOB_COMPLETION_INDEX",
    expected: "I/N such as 2/4",
  },
  startAt: {
    type: "string",
    minLength: 1,
    flag: "--start-at <time>",
    description: "when all shards begin to send, e.g. 2030-01-01T12:00:00Z",
  },
  repeat: { ...count, maximum: 100, default: 1, flag: "--repeat <count>", description: "runs, for intervals and --compare" },
  csv: { ...file, flag: "--csv <file>", description: "write the seconds of the run as CSV" },
  openmetrics: { ...file, flag: "--openmetrics <file>", description: "write the figures as OpenMetrics text" },
  k6: { ...file, flag: "--k6 <file>", description: "write the figures as k6's --summary-export" },
  json: { ...file, flag: "--json <file>", description: "write the result as JSON, in autocannon's format" },
  html: { ...file, flag: "--html <file>", description: "write a self-contained HTML report with plots" },
  compare: { ...file, flag: "--compare <file>", description: "compare with the --json of an earlier run" },
} as const satisfies Options;

/** How far a run is. */
export interface BenchProgress {
  readonly step: "setup" | "playing" | "settling";
  /** Connections that are set up. */
  readonly ready: number;
  /** What was done in the last second, and what went wrong. */
  readonly done: number;
  readonly errors: number;
  /** Of the last second, in ms. */
  readonly p99: number | undefined;
}
