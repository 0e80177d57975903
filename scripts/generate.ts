// Document -> generated/: load, emit, then write what has changed (or say what would).
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Contract, Finding } from "../spec/contract.ts";
import { type LoadOptions, loadContract } from "../spec/load-contract.ts";
import { emitProtocol } from "./emit-protocol.ts";
import { emitTypes } from "./emit-types.ts";
import { emitValidators, type Files } from "./emit-validators.ts";

/** Every file that a contract gives, by its path below the output folder. Pure. */
export async function emitAll(contract: Contract): Promise<Files> {
  const files: Files = new Map([
    ["types.gen.ts", await emitTypes(contract)],
    ["protocol.gen.ts", emitProtocol(contract)],
  ]);
  for (const [name, text] of emitValidators(contract)) files.set(`validators/${name}`, text);
  return files;
}

export interface Generated {
  readonly findings: readonly Finding[];
  /** Paths below the output folder that were (or, with `check`, would be) written or removed. */
  readonly changed: readonly string[];
}

/** @param check write nothing */
export async function generate(options: LoadOptions & { readonly out: string; readonly check?: boolean }): Promise<Generated> {
  const { contract, findings } = await loadContract(options);
  if (contract === undefined) return { findings, changed: [] };
  const files = await emitAll(contract);
  const changed: string[] = [];
  for (const [name, text] of files) {
    const target = path.join(options.out, name);
    if (existsSync(target) && (await readFile(target, "utf8")) === text) continue;
    changed.push(name);
    if (options.check) continue;
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, text);
  }
  for (const name of await stale(options.out, files)) {
    changed.push(name);
    if (!options.check) await rm(path.join(options.out, name));
  }
  return { findings, changed };
}

/** Generated files of an earlier document that this one does not give. */
async function stale(out: string, files: Files): Promise<string[]> {
  if (!existsSync(out)) return [];
  const present = await readdir(out, { recursive: true });
  return present.filter((name) => name.includes(".gen.") && !files.has(name));
}
