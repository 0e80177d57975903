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
  readonly verbose?: boolean;
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
Exit codes: 0 no error, 1 errors, 2 could not run (no such file, not YAML,
not AsyncAPI).`;

export function registerLint(program: Command): void {
  const command = program
    .command("lint")
    .summary("check an AsyncAPI document")
    .description(
      "Checks an AsyncAPI document: validates it against AsyncAPI's JSON Schema, runs extra checks, validates x- keys, and, if no error was found, runs the official parser.",
    );
  defineFlags(command, specOptions)
    .option("--json", "print the findings as JSON")
    .option("--verbose", "list the findings of severity info, which are only counted by default")
    .option("--quiet", "omit findings of severity info and their count")
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      process.exitCode = await run(flags);
    });
}

/** Findings after which there was no document to look at. */
const unreadable = new Set(["file-unreadable", "yaml-invalid", "not-asyncapi"]);

async function run(flags: Flags): Promise<number> {
  const { spec, perspective, overlay, server, variables, json, quiet, verbose } = flags;
  const { checkValues } = await import("./settings/check-values.ts");
  checkValues(specOptions, { spec, perspective, overlay, server, variables }, { naming: "flag" });
  const { defaultSpecFile } = await import("../../spec/load-contract.ts");
  const { lint } = await import("../../spec/lint/lint.ts");
  const file = spec ?? defaultSpecFile;
  const { findings } = await lint({ file, perspective, overlay, server, variables });
  const serious = findings.filter(({ severity }) => severity !== "info");
  const infos = quiet ? [] : findings.filter(({ severity }) => severity === "info");
  if (json) {
    const shown = quiet ? serious : findings;
    const { escapeTerminal } = await import("../report/escape.ts");
    process.stdout.write(`${escapeTerminal(JSON.stringify({ file, findings: shown }, undefined, 2))}\n`);
  } else {
    process.stdout.write(await asText(file, verbose ? findings : serious, findings, verbose ? [] : infos));
  }
  if (findings.some(({ id }) => unreadable.has(id))) return exitCode.couldNotRun;
  return findings.some(({ severity }) => severity === "error") ? exitCode.findings : exitCode.ok;
}

/** @param counted of these only the kinds and their numbers are shown */
async function asText(
  file: string,
  shown: readonly Finding[],
  all: readonly Finding[],
  counted: readonly Finding[],
): Promise<string> {
  const { default: colors } = await import("picocolors");
  const { escapeLine } = await import("../report/escape.ts");
  const { red, yellow, dim, bold, green } = colors.createColors(
    process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  );
  const paint = { error: red, warning: yellow, info: dim };
  const blocks = shown.map((finding) => {
    return `${bold(`${escapeLine(finding.file)}:${finding.line}:${finding.column}`)}  ${paint[finding.severity](finding.severity)}  ${finding.id}
  at        ${dim(escapeLine(finding.pointer))}
  expected  ${escapeLine(finding.expected)}
  got       ${escapeLine(finding.actual)}
  fix       ${escapeLine(finding.fix)}

`;
  });
  const count = (severity: Finding["severity"]) => all.filter((finding) => finding.severity === severity).length;
  const counts = (["error", "warning", "info"] as const).map((name) => `${count(name)} ${name}${count(name) === 1 ? "" : "s"}`);
  const total =
    all.length === 0 ? green("no findings") : `${all.length} finding${all.length === 1 ? "" : "s"}: ${counts.join(", ")}`;
  return `${blocks.join("")}${dim(kindsOf(counted))}${escapeLine(file)}: ${total}\n`;
}

/** `info: 34 x example-missing, 2 x format-unknown (--verbose lists them)`. */
function kindsOf(findings: readonly Finding[]): string {
  if (findings.length === 0) return "";
  const counts = new Map<string, number>();
  for (const { id } of findings) counts.set(id, (counts.get(id) ?? 0) + 1);
  const kinds = [...counts].sort(([, a], [, b]) => b - a).map(([id, times]) => (times === 1 ? id : `${times} x ${id}`));
  return `info: ${kinds.join(", ")} (--verbose lists them)\n`;
}
