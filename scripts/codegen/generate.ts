// Document -> generated/: load, emit, compare, write what has changed (or say what would).
import { watch } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Contract, Finding } from "../../spec/contract.ts";
import { type LoadOptions, loadContract } from "../../spec/load-contract.ts";
import { bannerEnd } from "./banner.ts";
import { emitConstants } from "./emit-constants.ts";
import { emitHtml, type PageSources } from "./html/emit-html.ts";
import { emitMarkdown } from "./markdown/emit-markdown.ts";
import { emitTypes } from "./types/emit-types.ts";
import { emitValidators, type Files } from "./validators/emit-validators.ts";

/** One file that differs from what the document gives. */
export interface Change {
  /** Path below the output folder. */
  readonly name: string;
  /** Undefined: the file is new. */
  readonly was: string | undefined;
  /** Undefined: the file is of an earlier document, and goes. */
  readonly is: string | undefined;
  /** The first line that differs. */
  readonly line: { readonly number: number; readonly was: string; readonly is: string } | undefined;
}

export interface Generated {
  readonly findings: readonly Finding[];
  readonly changed: readonly Change[];
  /** How many files the document gives. */
  readonly files: number;
}

/** Every file that a contract gives, by its path below the output folder. */
export async function emitAll(contract: Contract, sources: PageSources = {}): Promise<Files> {
  const files: Files = new Map([
    ["types.gen.ts", await emitTypes(contract)],
    ["protocol.gen.ts", emitConstants(contract)],
    ["PROTOCOL.md", emitMarkdown(contract)],
    ["protocol.html", emitHtml(contract, sources)],
  ]);
  for (const [name, text] of emitValidators(contract)) files.set(`validators/${name}`, text);
  return files;
}

/** @param check write nothing, default false */
export async function generate(options: LoadOptions & { readonly out: string; readonly check?: boolean }): Promise<Generated> {
  const { contract, findings } = await loadContract(options);
  if (contract === undefined) return { findings, changed: [], files: 0 };
  const { file } = options;
  const text = (name: string) => readFile(name, "utf8").catch(() => undefined);
  const document = { name: path.basename(file), text: (await text(file)) ?? "" };
  const files = await emitAll(contract, { document, changelog: await text(path.join(path.dirname(file), "CHANGELOG.md")) });
  const changed = await compare(options.out, files);
  if (options.check !== true) for (const change of changed) await apply(options.out, change);
  return { findings, changed, files: files.size };
}

async function compare(out: string, files: Files): Promise<Change[]> {
  const changes: Change[] = [];
  for (const [name, is] of files) {
    const was = await readFile(path.join(out, name), "utf8").catch(() => undefined);
    if (was !== is) changes.push({ name, was, is, line: was === undefined ? undefined : firstDifference(was, is) });
  }
  for (const name of await ownFiles(out)) {
    if (!files.has(name)) changes.push({ name, was: "", is: undefined, line: undefined });
  }
  return changes;
}

/** What an earlier run wrote here; a file of somebody else's that happens to be called `.gen.` is not ours to remove. */
async function ownFiles(out: string): Promise<string[]> {
  const own: string[] = [];
  for (const folder of ["", "validators"]) {
    for (const entry of await readdir(path.join(out, folder)).catch(() => [])) {
      if (!entry.includes(".gen.")) continue;
      const name = path.posix.join(folder, entry);
      const text = await readFile(path.join(out, name), "utf8").catch(() => "");
      if (text.startsWith("// ") && text.slice(0, text.indexOf("\n") + 1).endsWith(bannerEnd)) own.push(name);
    }
  }
  return own;
}

function firstDifference(was: string, is: string): Change["line"] {
  const [before, after] = [was.split("\n"), is.split("\n")];
  const index = after.findIndex((line, at) => line !== before[at]);
  const at = index < 0 ? after.length : index;
  return { number: at + 1, was: before[at] ?? "(end of file)", is: after[at] ?? "(end of file)" };
}

async function apply(out: string, { name, is }: Change): Promise<void> {
  const target = path.join(out, name);
  if (is === undefined) return rm(target);
  await mkdir(path.dirname(target), { recursive: true });
  return writeFile(target, is);
}

/**
 * Calls `changed` after each change of one of the files, one call at a time; editors that replace a file are seen too. Never ends.
 * @param changed must not reject
 */
export async function watchFiles(files: readonly string[], changed: () => Promise<void>): Promise<never> {
  let pending = false;
  let running = false;
  const settle = async () => {
    if (running) return;
    running = true;
    while (pending) {
      pending = false;
      // Editors write in several steps; what comes within this time is one change.
      await new Promise((resolve) => setTimeout(resolve, 30));
      await changed();
    }
    running = false;
  };
  for (const file of files) {
    watch(path.dirname(file), (_, name) => {
      if (name !== null && name !== path.basename(file)) return;
      pending = true;
      void settle();
    });
  }
  return new Promise(() => undefined);
}
