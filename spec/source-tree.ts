// A document as plain data, together with the place in a file where each part of it stands.
import { type Document, isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { DocumentPointer, Finding } from "./contract.ts";
import { canonical, join, parent, tokens } from "./pointer.ts";
import { isRecord, member, text } from "./raw.ts";
import { deepLine, indentFlow, maxNesting } from "./yaml-source.ts";

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
  /** Where the other files of the document stand in the tree, and their paths as they are shown. */
  readonly files?: ReadonlyMap<DocumentPointer, string>;
  /** Whether a trait wins over the object that has it: in AsyncAPI 2 it does, in 3 it does not. */
  readonly traitsWin?: boolean;
}

/** Errors of one text that are reported. */
const shownErrors = 5;

/** What a finding needs besides its place. */
export type FindingText = Pick<Finding, "severity" | "blocking" | "id" | "expected" | "actual" | "fix">;

/**
 * Parses YAML or JSON text.
 * @returns the tree; undefined, with blocking findings, where the text is not YAML
 */
export function parseTree(file: string, source: string): { tree: SourceTree | undefined; findings: Finding[] } {
  const deep = deepLine(source);
  if (deep !== undefined) return failed(file, deep, 1, tooDeep);
  const parsed = parseYaml(source);
  if (parsed.document.errors.length === 0) return treeOf(file, parsed, new Map(), []);
  if (parsed.document.errors.some(({ code }) => code === "BAD_INDENT")) {
    const indented = indentFlow(source);
    const again = parseYaml(indented.source);
    if (again.document.errors.length === 0) {
      const line = parsed.lines.linePos(parsed.document.errors[0]!.pos[0]).line;
      return treeOf(file, again, indented.added, [{ ...unindented, file, line, column: 1, pointer: "#" }]);
    }
  }
  // One mistake may bring a hundred: the first say where it is.
  const findings = parsed.document.errors.slice(0, shownErrors).map((error): Finding => {
    const { line, col } = parsed.lines.linePos(error.pos[0]);
    const text = { severity: "error", blocking: true, id: "yaml-invalid" } as const;
    const place = { file, line: Math.max(line, 1), column: Math.max(col, 1), pointer: "#" };
    return { ...text, ...place, expected: "YAML 1.2 or JSON", actual: error.message, fix: "correct the YAML at this line" };
  });
  return { tree: undefined, findings };
}

interface Parsed {
  readonly document: Document;
  readonly lines: LineCounter;
}

function parseYaml(source: string): Parsed {
  const lines = new LineCounter();
  return { document: parseDocument(source, { lineCounter: lines, merge: true, prettyErrors: false }), lines };
}

/** @param added spaces that were put before a line, which its columns do not show */
function treeOf(
  file: string,
  { document, lines }: Parsed,
  added: ReadonlyMap<number, number>,
  findings: Finding[],
): { tree: SourceTree | undefined; findings: Finding[] } {
  try {
    // By way of JSON: an alias of itself throws here, and no two places share an object afterwards.
    const root: unknown = JSON.parse(JSON.stringify(document.toJS()) ?? "null");
    return { tree: { file, root, origins: originsOf(document, file, lines, added) }, findings };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    return failed(file, 1, 1, { ...circularAlias, actual: reason });
  }
}

function failed(file: string, line: number, column: number, text: FindingText): { tree: undefined; findings: Finding[] } {
  return { tree: undefined, findings: [{ ...text, file, line, column, pointer: "#" }] };
}

const tooDeep: FindingText = {
  severity: "error",
  blocking: true,
  id: "nesting-too-deep",
  expected: `at most ${maxNesting} levels of nesting`,
  actual: "more",
  fix: "move inner schemas to components/schemas and refer to them by $ref",
};

const unindented: FindingText = {
  severity: "info",
  id: "yaml-flow-unindented",
  expected: "lines of { ... } that are indented more than the line that opens it (YAML 1.2)",
  actual: "a line at the margin",
  fix: "No action needed: it is read as other parsers read it. Indenting the line makes it valid YAML.",
};

const circularAlias: FindingText = {
  severity: "error",
  blocking: true,
  id: "yaml-invalid",
  expected: "YAML whose aliases can be written out",
  actual: "",
  fix: "replace the YAML aliases with $ref",
};

function originsOf(
  document: Document,
  file: string,
  lines: LineCounter,
  added: ReadonlyMap<number, number>,
): Map<DocumentPointer, Origin> {
  const origins = new Map<DocumentPointer, Origin>();
  const put = (pointer: string, node: unknown) => {
    const offset = (node as Node | undefined)?.range?.[0];
    if (offset === undefined) return;
    const { line, col } = lines.linePos(offset);
    origins.set(pointer, { file, line, column: Math.max(1, col - (added.get(line) ?? 0)) });
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
  return { ...finding, ...originOf(tree, pointer), pointer: shown(tree, pointer) };
}

/** The pointer for a person: that of another file begins with its path. */
export function shown(tree: SourceTree, pointer: DocumentPointer): string {
  for (const [prefix, file] of tree.files ?? []) {
    if (pointer === prefix || pointer.startsWith(`${prefix}/`)) return `${file}#${pointer.slice(prefix.length)}`;
  }
  return pointer;
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
