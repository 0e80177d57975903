// A document as plain data, together with the place in a file where each part of it stands.
import { type Document, isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { DocumentPointer, Finding } from "./contract.ts";
import { canonical, join, parent, tokens } from "./pointer.ts";
import { isRecord, member, text } from "./raw.ts";

/** From 1. For a member of an object, where its key stands. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface SourceTree {
  /** The path as it was given. */
  readonly file: string;
  readonly root: unknown;
  readonly origins: ReadonlyMap<DocumentPointer, Origin>;
  /** Whether a trait wins over the object that has it: in AsyncAPI 2 it does, in 3 it does not. */
  readonly traitsWin?: boolean;
}

/** What a finding needs besides its place. */
export type FindingText = Pick<Finding, "severity" | "blocking" | "id" | "expected" | "actual" | "fix">;

/**
 * Parses YAML or JSON text.
 * @returns the tree; undefined, with blocking findings, where the text is not YAML
 */
export function parseTree(file: string, source: string): { tree: SourceTree | undefined; findings: Finding[] } {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, merge: true, prettyErrors: false });
  const findings = document.errors.map((error): Finding => {
    const { line, col } = lines.linePos(error.pos[0]);
    return {
      severity: "error",
      blocking: true,
      id: "yaml-invalid",
      file,
      line: Math.max(line, 1),
      column: Math.max(col, 1),
      pointer: "#",
      expected: "YAML 1.2 or JSON",
      actual: error.message,
      fix: "correct the YAML at this line",
    };
  });
  if (findings.length > 0) return { tree: undefined, findings };
  try {
    // By way of JSON: an alias of itself throws here, and no two places share an object afterwards.
    const root: unknown = JSON.parse(JSON.stringify(document.toJS()) ?? "null");
    return { tree: { file, root, origins: originsOf(document, file, lines) }, findings };
  } catch (error) {
    const finding = at({ file, root: undefined, origins: new Map() }, "#", {
      severity: "error",
      blocking: true,
      id: "yaml-invalid",
      expected: "YAML whose aliases can be written out",
      actual: error instanceof Error ? error.message.split("\n")[0]! : String(error),
      fix: "replace the YAML aliases by $ref",
    });
    return { tree: undefined, findings: [finding] };
  }
}

function originsOf(document: Document, file: string, lines: LineCounter): Map<DocumentPointer, Origin> {
  const origins = new Map<DocumentPointer, Origin>();
  const put = (pointer: string, node: unknown) => {
    const offset = (node as Node | undefined)?.range?.[0];
    if (offset === undefined) return;
    const { line, col } = lines.linePos(offset);
    origins.set(pointer, { file, line, column: col });
  };
  // Aliases are not followed: what stands under one is located at the alias, and cycles cannot arise.
  const walk = (node: unknown, pointer: string) => {
    if (isAlias(node)) return;
    if (isMap(node)) {
      for (const pair of node.items) {
        if (!isPair(pair) || !isScalar(pair.key)) continue;
        const child = join(pointer, String(pair.key.value));
        put(child, pair.key);
        walk(pair.value, child);
      }
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) {
        const child = join(pointer, index);
        put(child, item);
        walk(item, child);
      }
    }
  };
  put("#", document.contents);
  walk(document.contents, "#");
  return origins;
}

/** Where the thing stands, or the nearest thing around it that has a place. */
export function originOf(tree: SourceTree, pointer: DocumentPointer): Origin {
  for (let current = pointer; ; current = parent(current)) {
    const origin = tree.origins.get(current);
    if (origin !== undefined) return origin;
    if (!current.includes("/")) return { file: tree.file, line: 1, column: 1 };
  }
}

/** A finding at a pointer of the tree. */
export function at(tree: SourceTree, pointer: DocumentPointer, finding: FindingText): Finding {
  return { ...finding, ...originOf(tree, pointer), pointer };
}

export interface Resolved {
  readonly value: unknown;
  /** Where the value stands after all references are followed. */
  readonly pointer: DocumentPointer;
}

/** Follows `$ref`, on the way to the pointer too; undefined where a reference leads nowhere, in a circle, or elsewhere than this tree. */
export function resolve(
  tree: SourceTree,
  pointer: DocumentPointer,
  visited: ReadonlySet<string> = new Set(),
): Resolved | undefined {
  if (visited.has(pointer)) return undefined;
  const seen = new Set(visited).add(pointer);
  let here: Resolved | undefined = { value: tree.root, pointer: "#" };
  for (const token of tokens(pointer)) {
    const value = member(here.value, token);
    if (value === undefined) return undefined;
    here = { value, pointer: join(here.pointer, token) };
    const reference = isRecord(value) ? text(value.$ref) : undefined;
    if (reference === undefined) continue;
    here = reference.startsWith("#") ? resolve(tree, canonical(reference), seen) : undefined;
    if (here === undefined) return undefined;
  }
  return here;
}
