// wsproof lint: everything that can be said about a document without a server.
import type { Command } from "commander";
import type { Finding } from "../../spec/contract.ts";
import { exitCode, UsageError } from "../errors.ts";

interface Flags {
  readonly spec?: string;
  readonly perspective?: string;
  readonly overlay?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const examples = `
Examples:
  wsproof lint --spec asyncapi.yaml
  wsproof lint --spec client.yaml --perspective client     a document written from the client's side
  wsproof lint --spec vendor.yaml --overlay ours.yaml      with x- keys of your own over a document that is not yours
  wsproof lint --spec asyncapi.yaml --json > findings.json

An overlay is a YAML file merged over the document as JSON Merge Patch (RFC 7396): objects are merged, null removes a key.

Grades: fatal (nothing can be done with the document), degraded (something is not judged, or not as meant), note.
Exit codes: 0 no finding above note, 1 findings, 2 could not run (no such file, no YAML, no AsyncAPI).`;

export function registerLint(program: Command): void {
  program
    .command("lint")
    .summary("check an AsyncAPI document")
    .description("Checks an AsyncAPI document: what the official parser finds, what it lets through, and the x- keys of wsproof.")
    .option("--spec <file>", "the AsyncAPI document (default: the one of rooms.v1)")
    .option("--perspective <side>", "whose send and receive the document speaks of: server or client")
    .option("--overlay <file>", "a file with x- keys for a document that is not yours")
    .option("--json", "print the findings as JSON")
    .option("--quiet", "leave notes out")
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      process.exitCode = await run(flags);
    });
}

/** Findings after which there was no document to look at. */
const unreadable = new Set(["file-unreadable", "yaml-invalid", "not-asyncapi"]);

async function run({ spec, perspective, overlay, json, quiet }: Flags): Promise<number> {
  if (perspective !== undefined && perspective !== "server" && perspective !== "client") {
    throw new UsageError(`expected --perspective server or client, got "${perspective}"`);
  }
  const { defaultSpecFile } = await import("../../spec/load-contract.ts");
  const { lint } = await import("../../spec/lint/lint.ts");
  const file = spec ?? defaultSpecFile;
  const { findings } = await lint({ file, perspective, overlay });
  const shown = quiet ? findings.filter(({ grade }) => grade !== "note") : findings;
  if (json) process.stdout.write(`${JSON.stringify({ file, findings: shown }, undefined, 2)}\n`);
  else process.stdout.write(await asText(file, shown, findings));
  if (findings.some(({ id }) => unreadable.has(id))) return exitCode.couldNotRun;
  return findings.some(({ grade }) => grade !== "note") ? exitCode.findings : exitCode.ok;
}

async function asText(file: string, shown: readonly Finding[], all: readonly Finding[]): Promise<string> {
  const { default: colors } = await import("picocolors");
  const { red, yellow, dim, bold, green } = colors.createColors(
    process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  );
  const paint = { fatal: red, degraded: yellow, note: dim };
  const blocks = shown.map(
    (
      finding,
    ) => `${bold(`${finding.file}:${finding.line}:${finding.column}`)}  ${paint[finding.grade](finding.grade)}  ${finding.id}
  at        ${dim(finding.pointer)}
  expected  ${finding.expected}
  got       ${finding.actual}
  to mend   ${finding.mend}

`,
  );
  const count = (grade: Finding["grade"]) => all.filter((finding) => finding.grade === grade).length;
  const notes = `${count("note")} note${count("note") === 1 ? "" : "s"}`;
  const total =
    all.length === 0
      ? green("no findings")
      : `${all.length} finding${all.length === 1 ? "" : "s"}: ${count("fatal")} fatal, ${count("degraded")} degraded, ${notes}`;
  return `${blocks.join("")}${file}: ${total}\n`;
}
