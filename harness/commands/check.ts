// wsproof check: checks recorded traffic against a document.
import type { Command } from "commander";
import { checkOptions } from "./settings/check-options.ts";
import { defineFlags, type FlagValues, valuesOfFlags } from "./settings/flags.ts";

const examples = `
Examples:
  wsproof check traffic.ndjson --spec asyncapi.yaml
  wsproof check page.har --spec asyncapi.yaml --side client
  wsproof check traffic.ndjson --baseline known.yaml --junit check.xml

A history is what \`wsproof verify --history\` and \`wsproof record\` write; a HAR
file is what Chrome DevTools or Playwright export. A message counts as missing
only where a later one proves it.

Exit codes: 0 conformant, 1 findings, 2 could not run, 3 nothing checked.`;

export function registerCheck(program: Command): void {
  const command = program
    .command("check")
    .summary("check recorded traffic against a document")
    .description("Checks what real connections sent and received against an AsyncAPI document.");
  defineFlags(command, checkOptions)
    .addHelpText("after", examples)
    .action(async (files: string[], flags: FlagValues) => {
      const { runCheck } = await import("./run-check.ts");
      process.exitCode = await runCheck(valuesOfFlags(checkOptions, flags, files));
    });
}
