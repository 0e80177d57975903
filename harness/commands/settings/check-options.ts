// The options of `wsproof check`, in the order in which --help shows them.
import type { Options } from "./option.ts";
import { specOptions } from "./target-options.ts";
import { verifyOptions } from "./verify-options.ts";

const { json, junit, html } = verifyOptions.reports.properties;

export const checkOptions = {
  files: {
    type: "array",
    items: { type: "string", minLength: 1 },
    positional: true,
    flag: "<file...>",
    description: "histories (NDJSON) or HAR files with WebSocket messages",
  },
  ...specOptions,
  side: {
    type: "string",
    enum: ["server", "client"],
    default: "server",
    flag: "--side <side>",
    description: "whom to check: server or client",
  },
  strict: { ...verifyOptions.strict, description: "treat SHOULD violations as failures" },
  verbose: verifyOptions.verbose,
  baseline: verifyOptions.baseline,
  reports: {
    type: "object",
    description: "files to write",
    expected: "an object with json, junit, html",
    properties: { json, junit, html },
  },
} as const satisfies Options;
