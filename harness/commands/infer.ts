// wsproof infer: drafts a document from recorded traffic.
import type { Command } from "commander";
import { defineFlags, type FlagValues, valuesOfFlags } from "./settings/flags.ts";
import { inferOptions } from "./settings/infer-options.ts";

const examples = `
Examples:
  wsproof infer traffic.ndjson -o asyncapi.yaml
  wsproof infer monday.ndjson page.har --title "Auction"

The draft holds what the traffic shows; comments say how many frames support
each thing. Secrets in examples are replaced. verify sends its examples only,
until you remove x-exercise.

Exit codes: 0 written, 2 could not run.`;

export function registerInfer(program: Command): void {
  const command = program
    .command("infer")
    .summary("draft a document from recorded traffic")
    .description("Drafts an AsyncAPI document from what real connections sent and received.");
  defineFlags(command, inferOptions)
    .addHelpText("after", examples)
    .action(async (files: string[], flags: FlagValues) => {
      const { runInfer } = await import("./run-infer.ts");
      process.exitCode = await runInfer(valuesOfFlags(inferOptions, flags, files));
    });
}
