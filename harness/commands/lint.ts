// wsproof lint: checks a document without a server.
import type { Command } from "commander";
import type { Finding } from "../../spec/contract.ts";
import { exitCode } from "../schema/errors.ts";
import { defineFlags } from "./settings/flags.ts";
import type { Given } from "./settings/option.ts";
import { specOptions } from "./settings/target-options.ts";

interface Flags extends Given<typeof specOptions> {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const examples = `
Examples:
  wsproof lint --spec asyncapi.yaml
  wsproof lint --spec client.yaml --perspective client
  wsproof lint --spec vendor.yaml --overlay ours.yaml
  wsproof lint --spec asyncapi.yaml --json > findings.json

An overlay is a YAML file of x- keys for a document you do not own. It is
merged as JSON Merge Patch (RFC 7396): objects are merged, null removes a key.

Severities: error (must be fixed), warning (works, but less is checked or not
as intended), info.
Exit codes: 0 no error, 1 errors, 2 could not run (no such file, no YAML, no
AsyncAPI).`;

export function registerLint(program: Command): void {
  const command = program
    .command("lint")
    .summary("check an AsyncAPI document")
    .description("Checks an AsyncAPI document: runs the official parser plus extra checks, and validates x- keys.");
  defineFlags(command, specOptions)
    .option("--json", "print the findings as JSON")
    .option("--quiet", "omit findings of severity info")
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      process.exitCode = await run(flags);
    });
}

/** Findings after which there was no document to look at. */
const unreadable = new Set(["file-unreadable", "yaml-invalid", "not-asyncapi"]);

async function run(flags: Flags): Promise<number> {
  const { spec, perspective, overlay, json, quiet } = flags;
  const { checkValues } = await import("./settings/check-values.ts");
  checkValues(specOptions, { spec, perspective, overlay }, { naming: "flag" });
  const { defaultSpecFile } = await import("../../spec/load-contract.ts");
  const { lint } = await import("../../spec/lint/lint.ts");
  const file = spec ?? defaultSpecFile;
  const { findings } = await lint({ file, perspective, overlay });
  const shown = quiet ? findings.filter(({ severity }) => severity !== "info") : findings;
  const { escapeTerminal } = await import("../report/escape.ts");
  if (json) process.stdout.write(`${escapeTerminal(JSON.stringify({ file, findings: shown }, undefined, 2))}\n`);
  else process.stdout.write(await asText(file, shown, findings));
  if (findings.some(({ id }) => unreadable.has(id))) return exitCode.couldNotRun;
  return findings.some(({ severity }) => severity === "error") ? exitCode.findings : exitCode.ok;
}

async function asText(file: string, shown: readonly Finding[], all: readonly Finding[]): Promise<string> {
  const [{ default: colors }, { escapeLine }] = await Promise.all([import("picocolors"), import("../report/escape.ts")]);
  const { red, yellow, dim, bold, green } = colors.createColors(
    process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  );
  const paint = { error: red, warning: yellow, info: dim };
  const blocks = shown.map(
    (
      finding,
    ) => `${bold(`${escapeLine(finding.file)}:${finding.line}:${finding.column}`)}  ${paint[finding.severity](finding.severity)}  ${finding.id}
  at        ${dim(escapeLine(finding.pointer))}
  expected  ${escapeLine(finding.expected)}
  got       ${escapeLine(finding.actual)}
  fix       ${escapeLine(finding.fix)}

`,
  );
  const count = (severity: Finding["severity"]) => all.filter((finding) => finding.severity === severity).length;
  const counted = (["error", "warning", "info"] as const).map((name) => `${count(name)} ${name}${count(name) === 1 ? "" : "s"}`);
  const total =
    all.length === 0 ? green("no findings") : `${all.length} finding${all.length === 1 ? "" : "s"}: ${counted.join(", ")}`;
  return `${blocks.join("")}${escapeLine(file)}: ${total}\n`;
}
