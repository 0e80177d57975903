// The options of `wsproof mock`, in the order in which --help shows them.
import type { Options } from "./option.ts";
import { accessOptions, seedOption, specOptions } from "./target-options.ts";

const { secret, tokens } = accessOptions.auth.properties;

export const mockOptions = {
  ...specOptions,
  port: {
    type: "integer",
    minimum: 0,
    maximum: 65_535,
    default: 9000,
    flag: "--port <number>",
    description: "port to listen on, 0 for any free port",
  },
  host: { type: "string", minLength: 1, default: "127.0.0.1", flag: "--host <address>", description: "address to listen on" },
  secret: { ...secret, description: "accept JWTs signed with this shared secret only (default: any credential)" },
  tokens: { ...tokens, description: "accept this token only (repeatable)" },
  origins: {
    type: "array",
    items: { type: "string", minLength: 1 },
    default: [],
    flag: "--allow-origin <origin>",
    description: "also accept pages of this origin, '*' for all (repeatable)",
  },
  seed: seedOption,
  latencyMs: {
    type: "integer",
    minimum: 0,
    maximum: 60_000,
    default: 0,
    flag: "--latency <ms>",
    description: "delay everything sent by this time, in ms",
  },
  set: {
    type: "object",
    additionalProperties: { type: "string" },
    flag: "--set <name=number>",
    description: "override a number that the document advertises, such as heartbeat.intervalMs=1000 (repeatable)",
    expected: "NAME=NUMBER such as heartbeat.intervalMs=1000",
  },
  faults: {
    type: "array",
    items: { type: "string", minLength: 1 },
    default: [],
    flag: "--fault <name>",
    description: "break one promise, to test clients, such as drops-message/ack; see below (repeatable)",
  },
  admin: {
    type: "integer",
    minimum: 0,
    maximum: 65_535,
    flag: "--admin <number>",
    description: "port on 127.0.0.1 to list, push to and close connections over HTTP",
  },
  maxConnections: {
    type: "integer",
    minimum: 1,
    maximum: 100_000,
    default: 10_000,
    flag: "--max-connections <count>",
    description: "connections at once",
  },
} as const satisfies Options;
