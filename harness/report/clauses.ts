// Where the clauses of a document stand in its file: the lines that annotations and SARIF point at.
import { readFileSync } from "node:fs";
import path from "node:path";
import { parent } from "../../spec/pointer.ts";
import { parseTree } from "../../spec/source-tree.ts";

export interface Clauses {
  /** Relative to the current folder. */
  readonly file: string;
  /** From 1, by JSON pointer. */
  readonly lines: Readonly<Record<string, number>>;
}

/** Of each pointer the line of the nearest part that the file has. Pointers into standards are left out. Undefined where it cannot be read. */
export function loadClauses(file: string, pointers: readonly string[]): Clauses | undefined {
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  const { tree } = parseTree(file, source);
  if (tree === undefined) return undefined;
  const lineOf = (pointer: string): number => {
    const line = tree.origins.get(pointer)?.line;
    return line ?? (pointer === "#" || pointer === "" ? 1 : lineOf(parent(pointer)));
  };
  const own = pointers.filter((pointer) => pointer.startsWith("#"));
  return {
    file: path.relative(process.cwd(), file),
    lines: Object.fromEntries(own.map((pointer) => [pointer, lineOf(pointer)])),
  };
}
