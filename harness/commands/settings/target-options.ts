// The options that name a server, its document and its credentials: the same for all commands that talk to one.
import type { Options } from "./option.ts";

export const specOptions = {
  spec: {
    type: "string",
    minLength: 1,
    path: true,
    flag: "--spec <file>",
    description: "AsyncAPI document (default: bundled rooms.v1)",
    expected: "a path",
  },
  perspective: {
    type: "string",
    enum: ["server", "client"],
    flag: "--perspective <side>",
    description: "perspective of send/receive in the document: server or client",
  },
  overlay: {
    type: "string",
    minLength: 1,
    path: true,
    flag: "--overlay <file>",
    description: "file with x- keys, merged into the document",
    expected: "a path",
  },
  server: {
    type: "string",
    minLength: 1,
    flag: "--server <name>",
    description: "use only this server of the document; its URL is the target where none is given",
  },
  variables: {
    type: "object",
    additionalProperties: { type: "string" },
    flag: "--var <name=value>",
    description: "value of a server variable, address parameter, query parameter or header (repeatable)",
    expected: "NAME=VALUE such as region=eu",
  },
} as const satisfies Options;

export const urlOption = {
  type: "array",
  items: { type: "string", minLength: 1 },
  single: true,
  positional: true,
  flag: "[url...]",
  description: "ws: or wss: URLs of the nodes of one service",
  expected: "a ws: or wss: URL, or a list of them",
} as const satisfies Options[string];

export const accessOptions = {
  auth: {
    type: "object",
    description: "where credentials come from: one of secret, tokens (a list), command",
    expected: "an object with one of secret, tokens (a list), command",
    maxProperties: 1,
    properties: {
      secret: {
        type: "string",
        minLength: 1,
        flag: "--auth-secret <secret>",
        description: "sign JWTs with this shared secret",
        secret: "JWT_SECRET",
      },
      tokens: {
        type: "array",
        items: { type: "string", minLength: 1 },
        flag: "--auth-token <token>",
        description: "use this token (repeatable)",
        secret: "TOKEN",
      },
      command: {
        type: "string",
        minLength: 1,
        flag: "--auth-command <command>",
        description: "command that prints a token for user $WSPROOF_USER",
      },
    },
  },
  origin: {
    type: "string",
    minLength: 1,
    flag: "--origin <origin>",
    description: "Origin header of all handshakes",
    expected: "an origin such as https://app.example",
  },
  insecure: {
    type: "boolean",
    default: false,
    flag: "--insecure",
    description: "accept TLS certificates that cannot be verified",
  },
} as const satisfies Options;

/** Of commands that open their connections themselves. */
export const caOption = {
  type: "string",
  minLength: 1,
  path: true,
  flag: "--ca <file>",
  description: "PEM file of trusted certificate authorities, instead of the system's",
  expected: "a path",
} as const satisfies Options[string];

export const configOption = {
  type: "string",
  minLength: 1,
  flag: "--config <file>",
  description: "settings file (default: wsproof.config.yaml, if present)",
  expected: "a path",
} as const satisfies Options[string];

export const timeoutOption = {
  type: "integer",
  minimum: 1,
  maximum: 600_000,
  default: 5_000,
  flag: "--timeout <ms>",
  description: "timeout for expected messages, in ms",
} as const satisfies Options[string];

export const pidOption = {
  type: "integer",
  minimum: 1,
  maximum: 2 ** 31 - 1,
  flag: "--pid <pid>",
  description: "server PID; enables the shutdown phase",
} as const satisfies Options[string];

export const nodesOption = {
  type: "integer",
  minimum: 1,
  maximum: 16,
  flag: "--nodes <count>",
  description: "start N reference-server nodes on a private Redis and test them",
} as const satisfies Options[string];

export const seedOption = {
  type: "integer",
  minimum: 0,
  maximum: 2 ** 31 - 1,
  flag: "--seed <number>",
  description: "random seed (default: random; printed)",
} as const satisfies Options[string];
