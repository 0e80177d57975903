// The options of `wsproof replay`.
import type { Options } from "./option.ts";
import { accessOptions, specOptions } from "./target-options.ts";

export const replayOptions = {
  url: {
    type: "array",
    items: { type: "string", minLength: 1 },
    flag: "--url <url>",
    description: "ws: or wss: URL of a node (repeatable; default: the reference server, started for the run)",
  },
  spec: { ...specOptions.spec, description: "AsyncAPI document (default: the one of the failure)" },
  perspective: specOptions.perspective,
  overlay: specOptions.overlay,
  ...accessOptions,
} as const satisfies Options;
