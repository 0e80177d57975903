// Loads an AsyncAPI document from disk and makes the Contract of it.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Contract, Finding } from "./contract.ts";
import { withAvroPayloads } from "./foreign-payloads.ts";
import { normalise } from "./normalise.ts";
import { withFiles } from "./references.ts";
import { asyncapiVersion, checkVersion, correctKeys } from "./root-keys.ts";
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
  /** Name of the one server that counts; by default all. */
  readonly server?: string | undefined;
  /** Values of server variables and address parameters, by name, which beat the document's defaults. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

export interface Loaded {
  /** Undefined where a finding is blocking. */
  readonly contract: Contract | undefined;
  readonly findings: Finding[];
}

/** What the checks of lint need besides the contract. */
export interface LoadedTree extends Loaded {
  readonly tree: SourceTree | undefined;
  /** The document as it was read, before conversion and overlay. */
  readonly original: SourceTree | undefined;
}

/**
 * Loads a document and normalises it. Nothing is fetched: only files are read.
 * @returns the contract and what is wrong with the document; every mistake is a finding, none is thrown
 */
export async function loadContract(options: LoadOptions): Promise<Loaded> {
  const { contract, findings } = await loadWithTree(options);
  return { contract, findings };
}

/** The same, with the tree from which the contract was made. */
export async function loadWithTree({ file, perspective, overlay, server, variables }: LoadOptions): Promise<LoadedTree> {
  const findings: Finding[] = [];
  /** Keeps the findings; stops the loading by undefined where one is blocking. */
  const sound = (step: { tree: SourceTree | undefined; findings: Finding[] }): SourceTree | undefined => {
    findings.push(...step.findings);
    return step.findings.some(({ blocking }) => blocking) ? undefined : step.tree;
  };
  let original: SourceTree | undefined;
  const failed = () => ({ contract: undefined, tree: undefined, original, findings });

  let tree = sound(await read(file, "--spec"));
  if (tree === undefined) return failed();
  const version = asyncapiVersion(tree);
  tree = sound(checkVersion(tree, version));
  if (tree === undefined || version === undefined) return failed();
  tree = sound(correctKeys(tree));
  if (tree === undefined) return failed();
  original = tree;
  const isOlder = version.startsWith("2.");
  if (isOlder) {
    const { fromVersion2 } = await import("./older-version.ts");
    // The converter knows one file only.
    const bundled = sound(await withFiles(tree));
    tree = bundled === undefined ? undefined : sound(await fromVersion2(bundled, version));
  }
  if (tree !== undefined && overlay !== undefined) {
    const { withOverlay } = await import("./overlay.ts");
    const patch = sound(await read(overlay, "--overlay"));
    tree = patch === undefined ? undefined : sound(withOverlay(tree, patch));
  }
  if (tree !== undefined && !isOlder) tree = sound(await withFiles(tree));
  if (tree !== undefined) tree = sound(await withAvroPayloads(tree));
  return tree === undefined
    ? failed()
    : { contract: normalise(tree, { perspective, asyncapi: version, server, variables }), tree, original, findings };
}

async function read(file: string, option: string): Promise<{ tree: SourceTree | undefined; findings: Finding[] }> {
  try {
    return parseTree(file, await readFile(file, "utf8"));
  } catch (error) {
    const finding = at({ file, root: undefined, origins: new Map() }, "#", {
      severity: "error",
      blocking: true,
      id: "file-unreadable",
      expected: "a file that can be read",
      actual: error instanceof Error ? error.message : String(error),
      fix: `give the path of a YAML or JSON file with ${option}`,
    });
    return { tree: undefined, findings: [finding] };
  }
}
