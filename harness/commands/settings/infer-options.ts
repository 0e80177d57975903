// The options of `wsproof infer`, in the order in which --help shows them.
import type { Options } from "./option.ts";

const file = { type: "string", minLength: 1, path: true, expected: "a path" } as const;

export const inferOptions = {
  files: {
    type: "array",
    items: { type: "string", minLength: 1 },
    positional: true,
    flag: "<file...>",
    description: "histories (NDJSON) or HAR files with WebSocket messages",
  },
  output: {
    ...file,
    default: "asyncapi.yaml",
    flag: "-o, --output <file>",
    description: "document to write; an existing file is not overwritten",
  },
  update: {
    ...file,
    flag: "--update <file>",
    description: "document to compare with the traffic; what it lacks is added and reported",
  },
  title: {
    type: "string",
    minLength: 1,
    default: "Inferred protocol",
    flag: "--title <text>",
    description: "title of the document",
  },
} as const satisfies Options;
