// wsproof diff: what changed between two versions of a document, and who breaks by it.
import type { Command } from "commander";
import type { Contract } from "../../spec/contract.ts";
import type { Change } from "../../spec/diff/change.ts";
import type { Difference } from "../../spec/diff/diff.ts";
import { exitCode, UsageError } from "../schema/errors.ts";

interface Flags {
  readonly perspective?: string;
  readonly overlay?: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  wsproof diff released.yaml asyncapi.yaml
  git show main:asyncapi.yaml > /tmp/old.yaml && wsproof diff /tmp/old.yaml asyncapi.yaml
  wsproof diff old.yaml new.yaml --json

Who breaks: clients, where one written for OLD may fail at a server that keeps NEW; servers, where one written for OLD may
fail a client that relies on NEW. A break of clients asks for a new major version, one of servers alone for a new minor version
(below 1.0.0: minor and patch).
Exit codes: 0 nothing breaks or info.version says so, 1 it breaks more than the version says, 2 could not run.`;

export function registerDiff(program: Command): void {
  program
    .command("diff")
    .summary("compare two versions of a document")
    .description("Compares two versions of an AsyncAPI document: what changed, in which direction, and who breaks by it.")
    .argument("<old>", "the document as it was")
    .argument("<new>", "the document as it is to be")
    .option("--perspective <side>", "whose send and receive the documents speak of: server or client")
    .option("--overlay <file>", "a file with x- keys, for documents that are not yours; laid over both")
    .option("--json", "print the changes as JSON")
    .addHelpText("after", examples)
    .action(async (old: string, now: string, flags: Flags) => {
      process.exitCode = await run(old, now, flags);
    });
}

async function run(oldFile: string, newFile: string, flags: Flags): Promise<number> {
  const { diff } = await import("../../spec/diff/diff.ts");
  const [old, now] = await Promise.all([load(oldFile, flags), load(newFile, flags)]);
  const difference = diff(old, now);
  if (flags.json) process.stdout.write(`${JSON.stringify({ old: oldFile, new: newFile, ...difference }, undefined, 2)}\n`);
  else process.stdout.write(await asText(difference, old, now));
  return difference.admitted ? exitCode.ok : exitCode.findings;
}

async function load(file: string, { perspective, overlay }: Flags): Promise<Contract> {
  if (perspective !== undefined && perspective !== "server" && perspective !== "client") {
    throw new UsageError(`expected --perspective server or client, got "${perspective}"`);
  }
  const { loadContract } = await import("../../spec/load-contract.ts");
  const { contract, findings } = await loadContract({ file, perspective, overlay });
  if (contract !== undefined) return contract;
  const first = findings.find(({ blocking }) => blocking);
  const why = first === undefined ? "" : ` ${first.file}:${first.line}:${first.column}: ${first.actual}.`;
  throw new UsageError(`cannot compare ${file}:${why} wsproof lint --spec ${file} says more`);
}

async function asText({ changes, needed, said, admitted }: Difference, old: Contract, now: Contract): Promise<string> {
  const { default: picocolors } = await import("picocolors");
  const { red, yellow, dim, bold, green } = picocolors.createColors(
    process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  );
  const groups = [
    { title: red("breaks clients and servers"), has: (change: Change) => change.breaks.length === 2 },
    { title: red("breaks clients"), has: ({ breaks }: Change) => breaks.length === 1 && breaks[0] === "clients" },
    { title: yellow("breaks servers"), has: ({ breaks }: Change) => breaks.length === 1 && breaks[0] === "servers" },
    { title: green("breaks nobody"), has: ({ breaks }: Change) => breaks.length === 0 },
  ];
  const line = ({ id, direction, subject, old: before, new: after }: Change) =>
    `  ${bold(subject)}  ${dim([id, direction].filter((part) => part !== undefined).join(", "))}
    ${before === undefined ? dim("(not there)") : shortened(before)} -> ${after === undefined ? dim("(gone)") : shortened(after)}\n`;
  const blocks = groups.flatMap(({ title, has }) => {
    const group = changes.filter(has);
    return group.length === 0 ? [] : [`${title} (${group.length})\n${group.map(line).join("")}\n`];
  });
  const words = { none: "no break and no addition", minor: "additions, and no break of clients", major: "a break" };
  const verdict =
    changes.length === 0
      ? green("nothing changed on the wire")
      : `${changes.length} change${changes.length === 1 ? "" : "s"}; they are ${words[needed]}, and the version ${old.version} -> ${now.version} says ${words[said]}: ${
          admitted ? green("fine") : red(`a new ${needed} version is needed`)
        }`;
  return `${blocks.join("")}${verdict}\n`;
}

const shortened = (text: string) => (text.length > 160 ? `${text.slice(0, 157)}...` : text);
