// The options of `wsproof record`, in the order in which --help shows them.
import type { Options } from "./option.ts";
import { accessOptions, specOptions } from "./target-options.ts";

const file = { type: "string", minLength: 1, path: true, expected: "a path" } as const;

export const recordOptions = {
  listen: {
    type: "integer",
    minimum: 0,
    maximum: 65_535,
    default: 9000,
    flag: "--listen <number>",
    description: "port for clients, 0 for any free port",
  },
  host: { type: "string", minLength: 1, default: "127.0.0.1", flag: "--host <address>", description: "address to listen on" },
  output: { ...file, default: "traffic.ndjson", flag: "-o, --output <file>", description: "history to write" },
  mask: {
    type: "array",
    items: { type: "string", minLength: 1 },
    default: [],
    flag: "--mask <pointer>",
    description: "mask this member of messages, such as /payload/token (repeatable); JWTs are always masked",
  },
  rotateMb: {
    type: "integer",
    minimum: 1,
    maximum: 1_000_000,
    default: 1_000,
    flag: "--rotate <megabytes>",
    description: "start a new file at this size; older ones become FILE.1, FILE.2, ...",
  },
  rotateMinutes: {
    type: "integer",
    minimum: 1,
    maximum: 525_600,
    flag: "--rotate-minutes <minutes>",
    description: "also start a new file after this time",
  },
  tlsCert: { ...file, flag: "--tls-cert <file>", description: "listen with TLS: certificate, PEM" },
  tlsKey: { ...file, flag: "--tls-key <file>", description: "listen with TLS: private key, PEM" },
  insecure: accessOptions.insecure,
  check: {
    type: "boolean",
    default: false,
    flag: "--check",
    description: "check the traffic while recording; findings decide the exit code",
  },
  prometheus: {
    type: "integer",
    minimum: 0,
    maximum: 65_535,
    flag: "--prometheus <number>",
    description: "with --check: port of 127.0.0.1 for GET /metrics, findings counted by rule",
  },
  ...specOptions,
} as const satisfies Options;
