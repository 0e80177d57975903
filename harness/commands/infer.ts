// wsproof infer: drafts a document from recorded traffic.
import type { Command } from "commander";
import { defineFlags, type FlagValues, valuesOfFlags } from "./settings/flags.ts";
import { inferOptions } from "./settings/infer-options.ts";

const examples = `
Examples:
  wsproof infer traffic.ndjson -o asyncapi.yaml
  wsproof infer monday.ndjson page.har --title "Auction"
  wsproof infer today.ndjson --update asyncapi.yaml

The draft holds what the traffic shows; comments say how many frames support
each thing. Secrets in examples are replaced. verify sends its examples only,
until you remove x-exercise.

--update adds messages, members, types and values, replies, error and close
codes, and makes optional what some frames lack. It removes nothing and keeps
comments; lists and maps in brackets may be reformatted. It does not compare
bounds and patterns: "wsproof check" does.

Exit codes: 0 written, or nothing to add; 1 with --update: the document was
extended; 2 could not run.`;

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
