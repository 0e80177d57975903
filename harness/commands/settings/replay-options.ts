// The options of `wsproof replay`.
import type { Options } from "./option.ts";
import { accessOptions, caOption, configOption, specOptions } from "./target-options.ts";

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
  server: specOptions.server,
  variables: specOptions.variables,
  config: configOption,
  ...accessOptions,
  ca: caOption,
} as const satisfies Options;
