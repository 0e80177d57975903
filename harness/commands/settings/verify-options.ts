// The options of `wsproof verify`, in the order in which --help shows them.
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

const file = { type: "string", minLength: 1, path: true, expected: "a path", transient: true } as const;

export const verifyOptions = {
  url: urlOption,
  ...specOptions,
  config: configOption,
  ...accessOptions,
  pid: pidOption,
  stopCommand: {
    type: "string",
    minLength: 1,
    flag: "--stop-command <command>",
    description: "command that asks the server to stop; enables the shutdown phase",
  },
  only: {
    type: "array",
    items: { type: "string", minLength: 1 },
    default: [],
    flag: "--only <id>",
    description: "only rules whose id starts with this, or matches a glob such as '*-expired*' (repeatable)",
    transient: true,
  },
  exclude: {
    type: "array",
    items: { type: "string", minLength: 1 },
    default: [],
    flag: "--exclude <id>",
    description: "skip rules whose id starts with this, or matches a glob (repeatable)",
    transient: true,
  },
  phases: {
    type: "array",
    items: { type: "string", minLength: 1 },
    flag: "--phase <name>",
    description: "only this phase (repeatable)",
    transient: true,
  },
  seed: seedOption,
  runs: {
    type: "integer",
    minimum: 1,
    maximum: 1_000_000,
    default: 100,
    flag: "--runs <count>",
    description: "generated cases per phase",
  },
  timeoutMs: timeoutOption,
  nodes: nodesOption,
  faults: {
    type: "integer",
    minimum: 1,
    maximum: 100_000,
    bare: 12,
    flag: "--faults [count]",
    description: "kill, pause and cut off nodes during the cluster phase (12 times unless given; 3 nodes unless --nodes)",
  },
  messages: {
    type: "integer",
    minimum: 1,
    maximum: 10_000_000,
    flag: "--messages <count>",
    description: "messages to publish while faults are injected (default: 5000)",
  },
  strict: {
    type: "boolean",
    default: false,
    flag: "--strict",
    description: "treat SHOULD violations and untestable rules as failures",
    transient: true,
  },
  verbose: {
    type: "boolean",
    default: false,
    flag: "--verbose",
    description: "print a line for every rule",
    transient: true,
  },
  list: { type: "boolean", default: false, flag: "--list", description: "list the rules and exit", transient: true },
  baseline: {
    ...file,
    flag: "--baseline <file>",
    description: "YAML list of known failures { id, reason }: they run but do not fail the build",
  },
  reports: {
    type: "object",
    description: "files to write",
    expected: "an object with json, junit, html, history",
    properties: {
      json: { ...file, flag: "--json <file>", description: "write the report as JSON" },
      junit: { ...file, flag: "--junit <file>", description: "write the report as JUnit XML, for CI" },
      html: { ...file, flag: "--html <file>", description: "write a self-contained HTML report" },
      history: { ...file, flag: "--history <file>", description: "write a full trace of all connections as NDJSON" },
    },
  },
} as const satisfies Options;
