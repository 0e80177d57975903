// wsproof replay: runs one stored failing case again, step by step.
import type { Command } from "commander";
import { defineFlags, type FlagValues, valuesOfFlags } from "./settings/flags.ts";
import type { Given } from "./settings/option.ts";
import { replayOptions } from "./settings/replay-options.ts";

const examples = `
Examples:
  wsproof replay 3f9a0c                      against the reference server
  wsproof replay 3f9a0c --url ws://127.0.0.1:8080/ws --auth-secret "$JWT_SECRET"

Exit codes: 0 FIXED, 1 FAILED, 2 ERROR: could not be reproduced.`;

export function registerReplay(program: Command): void {
  const command = program
    .command("replay")
    .summary("reproduce a stored failure")
    .description("Runs a case that `verify` stored in .wsproof/failures again, and prints FIXED, FAILED or ERROR.")
    .argument("<id>", "ID of the failure, as printed by verify");
  defineFlags(command, replayOptions)
    .addHelpText("after", examples)
    .action(async (id: string, flags: FlagValues) => {
      const [{ replay }, { checkValues }, { checkUrls }, { createMask }, { escapeTerminal }, { loadConfig }] = await Promise.all([
        import("./replay-case.ts"),
        import("./settings/check-values.ts"),
        import("./settings/urls.ts"),
        import("../client/mask.ts"),
        import("../report/escape.ts"),
        import("./settings/config-file.ts"),
      ]);
      const given = valuesOfFlags(replayOptions, flags) as Given<typeof replayOptions>;
      checkValues(replayOptions, given, { naming: "flag" });
      const { spec: _spec, ...file } = loadConfig(given.config, "verify");
      const ofFile = Object.fromEntries(Object.entries(file).filter(([name]) => name in replayOptions));
      const values = { ...ofFile, ...given, ...urlsOf(given.url ?? file.url) } as Given<typeof replayOptions>;
      if (values.url !== undefined) checkUrls(values.url);
      const { secret, tokens = [] } = values.auth ?? {};
      const { hide } = createMask([...(secret === undefined ? [] : [secret]), ...tokens]);
      const write = (text: string) => void process.stdout.write(escapeTerminal(hide(text)));
      process.exitCode = await replay(id, values, { write });
    });
}

/** The config file takes a single URL as well. */
function urlsOf(url: unknown): { readonly url?: readonly unknown[] } {
  return url === undefined ? {} : { url: [url].flat() };
}
