// wsproof generate: writes types, validators, constants and docs from a document.
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { escapeLine } from "../report/escape.ts";
import { exitCode, UsageError } from "../schema/errors.ts";
import { defineFlags } from "./settings/flags.ts";
import type { Given } from "./settings/option.ts";
import { specOptions } from "./settings/target-options.ts";

interface Flags extends Given<typeof specOptions> {
  readonly out: string;
  readonly check?: boolean;
  readonly watch?: boolean;
}

export function registerGenerate(program: Command): void {
  const command = program
    .command("generate")
    .summary("write types, validators and docs")
    .description(
      "Writes types, validators, constants and docs from an AsyncAPI document. A CHANGELOG.md beside the document gives the page its list of versions.",
    );
  defineFlags(command, specOptions)
    .option("--out <dir>", "output folder", "generated")
    .option("--check", "do not write; exit 1 with a diff if files are out of date")
    .option("--watch", "regenerate on every save")
    .addHelpText(
      "after",
      `
Examples:
  wsproof generate --spec asyncapi.yaml --out src/generated
  wsproof generate --spec asyncapi.yaml --out src/generated --check    in CI
  wsproof generate --spec asyncapi.yaml --out src/generated --watch

Exit codes: 0 written or up to date, 1 out of date (--check), 2 could not run.`,
    )
    .action(async (options: Flags) => {
      process.exitCode = await run(options);
    });
}

async function run({ spec, out, check, watch, perspective, overlay, server, variables }: Flags): Promise<number> {
  const { checkValues } = await import("./settings/check-values.ts");
  checkValues(specOptions, { spec, perspective, overlay, server, variables }, { naming: "flag" });
  if (check && watch) throw new UsageError("--check runs once, --watch keeps running: leave out one of them");
  const { defaultSpecFile } = await import("../../spec/load-contract.ts");
  const request = { file: spec ?? defaultSpecFile, perspective, overlay, server, variables, out };
  const { generate, watchFiles } = await import("../../scripts/codegen/generate.ts");
  const once = async () => {
    try {
      return report(await generate({ ...request, check: check ?? false }), out, check ?? false);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined || !unwritable.has(code)) throw error;
      throw new UsageError(`cannot write to --out ${out}: ${message}; give a writable folder`);
    }
  };
  if (!watch) return once();

  const watched = overlay === undefined ? [request.file] : [request.file, overlay];
  const missing = watched.find((file) => !existsSync(file));
  if (missing !== undefined) throw new UsageError(`no such file: ${missing}; give its path with --spec or --overlay`);
  await once();
  process.stderr.write(`Watching ${watched.join(" and ")}. Press Ctrl-C to stop.\n`);
  await watchFiles(watched, async () => {
    // A document that is broken half way through an edit must not end the watch.
    await once().catch((error: unknown) => process.stderr.write(`wsproof: ${error instanceof Error ? error.message : error}\n`));
  });
  return exitCode.ok;
}

/** Codes of the file system that mean: not this folder. */
const unwritable = new Set(["EACCES", "EEXIST", "ENOTDIR", "EPERM", "EROFS", "EISDIR", "ENOSPC"]);

type Generated = Awaited<ReturnType<typeof import("../../scripts/codegen/generate.ts").generate>>;

function report({ findings, changed, files }: Generated, out: string, check: boolean): number {
  for (const { severity, id, file, line, column, expected, actual, fix } of findings) {
    if (severity === "info") continue;
    process.stderr.write(
      `${escapeLine(`${file}:${line}:${column} ${severity} ${id}: expected ${expected}, got ${actual}; ${fix}`)}\n`,
    );
  }
  if (findings.some(({ blocking }) => blocking)) return exitCode.couldNotRun;
  if (changed.length === 0) {
    process.stdout.write(`${out}: ${files} files, all up to date.\n`);
    return exitCode.ok;
  }
  for (const { name, was, is, line } of changed) {
    const verb = is === undefined ? "removed" : was === undefined ? "new" : "changed";
    process.stdout.write(`${check ? `would be ${verb}` : verb}: ${out}/${name}\n`);
    if (check && line !== undefined)
      process.stdout.write(`  line ${line.number}\n  - ${escapeLine(line.was ?? "")}\n  + ${escapeLine(line.is ?? "")}\n`);
  }
  if (!check) return exitCode.ok;
  process.stdout.write(`${changed.length} of ${files} files differ. Run \`wsproof generate\` and commit the result.\n`);
  return exitCode.findings;
}

/** The same for programs. */
export async function generateFiles(
  request: Parameters<typeof import("../../scripts/codegen/generate.ts").generate>[0],
): Promise<Generated> {
  const { generate } = await import("../../scripts/codegen/generate.ts");
  return generate(request);
}
