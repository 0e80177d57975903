// wsproof diff: what changed between two versions of a document, and whether it breaks clients, servers or neither.
import type { Command } from "commander";
import type { Contract } from "../../spec/contract.ts";
import type { Change } from "../../spec/diff/change.ts";
import type { Difference } from "../../spec/diff/diff.ts";
import { exitCode, UsageError } from "../schema/errors.ts";
import { defineFlags } from "./settings/flags.ts";
import type { Given } from "./settings/option.ts";
import { specOptions } from "./settings/target-options.ts";

const { spec: _one, ...options } = specOptions;

interface Flags extends Given<typeof options> {
  readonly json?: boolean;
}

const examples = `
Examples:
  wsproof diff released.yaml asyncapi.yaml
  wsproof diff old.yaml new.yaml --json

A change breaks clients if a client written for OLD may fail on a server that
conforms to NEW. It breaks servers if a server written for OLD may fail a client
that relies on NEW. Breaking clients requires a new major version, breaking only
servers a new minor version (below 1.0.0: minor and patch).
Exit codes: 0 nothing breaks, or info.version says so, 1 it breaks more than the
version says, 2 could not run.`;

export function registerDiff(program: Command): void {
  const command = program
    .command("diff")
    .summary("compare two versions of a document")
    .description("Compares two versions of an AsyncAPI document and tells whether a change breaks clients, servers or neither.")
    .argument("<old>", "old version of the document")
    .argument("<new>", "new version of the document");
  defineFlags(command, options)
    .option("--json", "print the changes as JSON")
    .addHelpText("after", examples)
    .action(async (old: string, now: string, flags: Flags) => {
      process.exitCode = await run(old, now, flags);
    });
}

async function run(oldFile: string, newFile: string, flags: Flags): Promise<number> {
  const [{ diff }, { checkValues }, { escapeTerminal }] = await Promise.all([
    import("../../spec/diff/diff.ts"),
    import("./settings/check-values.ts"),
    import("../report/escape.ts"),
  ]);
  checkValues(options, { perspective: flags.perspective, overlay: flags.overlay }, { naming: "flag" });
  const [old, now] = await Promise.all([loadVersion(oldFile, flags), loadVersion(newFile, flags)]);
  const difference = diff(old, now);
  if (flags.json)
    process.stdout.write(`${escapeTerminal(JSON.stringify({ old: oldFile, new: newFile, ...difference }, undefined, 2))}\n`);
  else process.stdout.write(await asText(difference, old, now));
  return difference.admitted ? exitCode.ok : exitCode.findings;
}

/** @throws UsageError where the document cannot be used */
export async function loadVersion(
  file: string,
  { perspective, overlay }: Pick<Flags, "perspective" | "overlay">,
): Promise<Contract> {
  const { loadContract } = await import("../../spec/load-contract.ts");
  const { contract, findings } = await loadContract({ file, perspective, overlay });
  if (contract !== undefined) return contract;
  const first = findings.find(({ blocking }) => blocking);
  const why = first === undefined ? "" : ` ${first.file}:${first.line}:${first.column}: ${first.actual}.`;
  throw new UsageError(`cannot compare ${file}:${why} Run \`wsproof lint --spec ${file}\` for details.`);
}

async function asText({ changes, needed, said, admitted }: Difference, old: Contract, now: Contract): Promise<string> {
  const [{ default: picocolors }, { escapeLine }] = await Promise.all([import("picocolors"), import("../report/escape.ts")]);
  const { red, yellow, dim, bold, green } = picocolors.createColors(
    process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  );
  const groups = [
    { title: red("breaks clients and servers"), has: (change: Change) => change.breaks.length === 2 },
    { title: red("breaks clients"), has: ({ breaks }: Change) => breaks.length === 1 && breaks[0] === "clients" },
    { title: yellow("breaks servers"), has: ({ breaks }: Change) => breaks.length === 1 && breaks[0] === "servers" },
    { title: green("breaks neither"), has: ({ breaks }: Change) => breaks.length === 0 },
  ];
  const line = ({ id, direction, subject, old: before, new: after }: Change) =>
    `  ${bold(escapeLine(subject))}  ${dim(escapeLine([id, direction].filter((part) => part !== undefined).join(", ")))}
    ${before === undefined ? dim("(absent)") : escapeLine(shortened(before))} -> ${after === undefined ? dim("(removed)") : escapeLine(shortened(after))}\n`;
  const blocks = groups.flatMap(({ title, has }) => {
    const group = changes.filter(has);
    return group.length === 0 ? [] : [`${title} (${group.length})\n${group.map(line).join("")}\n`];
  });
  const words = { none: "no addition and no break", minor: "additions that break no client", major: "a break" };
  const verdict =
    changes.length === 0
      ? green("nothing changed on the wire")
      : `${changes.length} change${changes.length === 1 ? "" : "s"}: ${words[needed]}. The version ${escapeLine(`${old.version} -> ${now.version}`)} announces ${words[said]}: ${
          admitted ? green("ok") : red(`a new ${needed} version is needed`)
        }`;
  return `${blocks.join("")}${verdict}\n`;
}

const shortened = (text: string) => (text.length > 160 ? `${text.slice(0, 157)}...` : text);
