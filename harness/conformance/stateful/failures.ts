// Failing cases on disk, under .wsproof/failures: plain data that `wsproof replay ID` runs again.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DocumentPointer } from "../../../spec/contract.ts";
import { canonical } from "../../model/frame.ts";
import { UsageError } from "../../schema/errors.ts";
import type { StatefulCase } from "./case.ts";

export interface StoredFailure {
  /** The rule, and a hash of the case. */
  readonly id: string;
  readonly rule: string;
  readonly pointer: DocumentPointer;
  readonly expected: string;
  readonly actual: string;
  readonly seed: number;
  /** Path of the document, as it was given. */
  readonly spec: string;
  readonly case: StatefulCase;
}

export const failuresFolder = join(".wsproof", "failures");

export function idOf(rule: string, plan: StatefulCase): string {
  return `${rule}-${createHash("sha256").update(canonical(plan)).digest("hex").slice(0, 8)}`;
}

export function storeFailure(failure: StoredFailure, folder = failuresFolder): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${failure.id}.json`), `${JSON.stringify(failure, undefined, 2)}\n`);
}

/** @throws UsageError, with the ids that there are, where there is no such failure or it is damaged */
export function loadFailure(id: string, folder = failuresFolder): StoredFailure {
  let text: string;
  try {
    text = readFileSync(join(folder, `${id}.json`), "utf8");
  } catch {
    throw new UsageError(`no failure ${JSON.stringify(id)} in ${folder}. ${known(folder)}`);
  }
  try {
    const parsed = JSON.parse(text) as StoredFailure;
    if (typeof parsed.rule === "string" && Array.isArray(parsed.case?.connections) && Array.isArray(parsed.case.steps))
      return parsed;
  } catch {
    // Falls through to the one error.
  }
  throw new UsageError(`${join(folder, `${id}.json`)} is not a stored failure. Run \`wsproof verify\` again to create it.`);
}

function known(folder: string): string {
  let names: string[] = [];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch {
    // No folder: nothing failed here so far.
  }
  if (names.length === 0) return "No failures are stored here: run it in the folder where `wsproof verify` ran.";
  return `There are: ${names.map((name) => name.slice(0, -5)).join(", ")}.`;
}
