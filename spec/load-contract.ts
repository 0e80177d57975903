// Loads an AsyncAPI document from disk and makes the Contract of it.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Contract, Finding } from "./contract.ts";
import { normalise } from "./normalise.ts";
import { isRecord, text } from "./raw.ts";
import { at, parseTree, type SourceTree } from "./source-tree.ts";

/** The protocol rooms.v1, which the reference server speaks. */
export const defaultSpecFile = fileURLToPath(new URL("./asyncapi.yaml", import.meta.url));

export interface LoadOptions {
  /** Path of the document, as the user gave it: findings repeat it. */
  readonly file: string;
  /** Whose send and receive the document speaks of; by default what its x-perspective says, else the server's. */
  readonly perspective?: "server" | "client" | undefined;
  /** Path of a file with x- keys for a document that one does not own. */
  readonly overlay?: string | undefined;
}

export interface Loaded {
  /** Undefined where a finding is fatal. */
  readonly contract: Contract | undefined;
  readonly findings: Finding[];
}

/**
 * Loads a document and normalises it. Nothing is fetched: only files are read.
 * @returns the contract and what is wrong with the document; every mistake is a finding, none is thrown
 */
export async function loadContract(options: LoadOptions): Promise<Loaded> {
  const { tree, findings } = await loadTree(options);
  if (tree === undefined) return { contract: undefined, findings };
  return { contract: normalise(tree, options.perspective), findings };
}

async function loadTree({ file }: LoadOptions): Promise<{ tree: SourceTree | undefined; findings: Finding[] }> {
  const blank: SourceTree = { file, root: undefined, origins: new Map() };
  let source: string;
  try {
    source = await readFile(file, "utf8");
  } catch (error) {
    const finding = at(blank, "#", {
      grade: "fatal",
      id: "file-unreadable",
      expected: "a file that can be read",
      actual: error instanceof Error ? error.message : String(error),
      mend: "give the path of an AsyncAPI document with --spec",
    });
    return { tree: undefined, findings: [finding] };
  }
  const { tree, findings } = parseTree(file, source);
  if (tree === undefined) return { tree, findings };
  const version = isRecord(tree.root) ? text(tree.root.asyncapi) : undefined;
  if (version === undefined) {
    const finding = at(tree, "#", {
      grade: "fatal",
      id: "not-asyncapi",
      expected: "an AsyncAPI document, which has `asyncapi: 3.0.0` at its root",
      actual: isRecord(tree.root) ? "no key `asyncapi`" : "no object",
      mend: "add `asyncapi: 3.0.0`, or give another file",
    });
    return { tree: undefined, findings: [...findings, finding] };
  }
  return { tree, findings };
}
