// wsproof generate
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { exitCode, UsageError } from "../schema/errors.ts";

interface Options {
  readonly spec?: string;
  readonly out: string;
  readonly check?: boolean;
  readonly watch?: boolean;
  readonly perspective?: string;
  readonly overlay?: string;
}

export function registerGenerate(program: Command): void {
  program
    .command("generate")
    .summary("write types, validators and docs")
    .description("Writes types, validators, constants and docs from an AsyncAPI document.")
    .option("--spec <file>", "the document (default: wsproof's own, rooms.v1)")
    .option("--out <dir>", "where to write", "generated")
    .option("--check", "write nothing; exit 1 and show the first differing lines when something would change")
    .option("--watch", "stay, and generate again whenever the document changes")
    .option("--perspective <side>", "whose send and receive the document speaks of: server or client")
    .option("--overlay <file>", "x- keys for a document that you do not own")
    .addHelpText(
      "after",
      `
Examples:
  wsproof generate --spec asyncapi.yaml --out src/generated
  wsproof generate --spec asyncapi.yaml --out src/generated --check   # in CI
  wsproof generate --spec asyncapi.yaml --out src/generated --watch   # while you edit`,
    )
    .action(async (options: Options) => {
      process.exitCode = await run(options);
    });
}

async function run({ spec, out, check, watch, perspective, overlay }: Options): Promise<number> {
  if (check && watch) throw new UsageError("--check and --watch exclude each other: the one looks once, the other stays");
  const { defaultSpecFile } = await import("../../spec/load-contract.ts");
  const request = { file: spec ?? defaultSpecFile, perspective: sideOf(perspective), overlay, out };
  const { generate, watchFiles } = await import("../../scripts/codegen/generate.ts");
  const once = async () => {
    try {
      return report(await generate({ ...request, check: check ?? false }), out, check ?? false);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined || !unwritable.has(code)) throw error;
      throw new UsageError(`cannot write to --out ${out}: ${message}; give a folder that you may write to`);
    }
  };
  if (!watch) return once();

  const watched = overlay === undefined ? [request.file] : [request.file, overlay];
  const missing = watched.find((file) => !existsSync(file));
  if (missing !== undefined) throw new UsageError(`there is no file ${missing} to watch; give its path with --spec or --overlay`);
  await once();
  process.stderr.write(`Watching ${watched.join(" and ")}. Ctrl-C ends it.\n`);
  await watchFiles(watched, async () => {
    // A document that is broken half way through an edit must not end the watch.
    await once().catch((error: unknown) => process.stderr.write(`wsproof: ${error instanceof Error ? error.message : error}\n`));
  });
  return exitCode.ok;
}

/** Codes of the file system that mean: not this folder. */
const unwritable = new Set(["EACCES", "EEXIST", "ENOTDIR", "EPERM", "EROFS", "EISDIR", "ENOSPC"]);

function sideOf(perspective: string | undefined): "server" | "client" | undefined {
  if (perspective === undefined || perspective === "server" || perspective === "client") return perspective;
  throw new UsageError(`expected --perspective server or client, got "${perspective}"`);
}

type Generated = Awaited<ReturnType<typeof import("../../scripts/codegen/generate.ts").generate>>;

function report({ findings, changed, files }: Generated, out: string, check: boolean): number {
  for (const { severity, id, file, line, column, expected, actual, fix } of findings) {
    if (severity === "info") continue;
    process.stderr.write(`${file}:${line}:${column} ${severity} ${id}: expected ${expected}, got ${actual}; ${fix}\n`);
  }
  if (findings.some(({ blocking }) => blocking)) return exitCode.couldNotRun;
  if (changed.length === 0) {
    process.stdout.write(`${out}: ${files} files, all as the document wants them.\n`);
    return exitCode.ok;
  }
  for (const { name, was, is, line } of changed) {
    const verb = is === undefined ? "removed" : was === undefined ? "new" : "changed";
    process.stdout.write(`${check ? `would be ${verb}` : verb}: ${out}/${name}\n`);
    if (check && line !== undefined) process.stdout.write(`  line ${line.number}\n  - ${line.was}\n  + ${line.is}\n`);
  }
  if (!check) return exitCode.ok;
  process.stdout.write(`${changed.length} of ${files} files differ. Run \`wsproof generate\`, and commit what it writes.\n`);
  return exitCode.findings;
}
