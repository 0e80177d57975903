// Which file imports which, and circles among them. Pure.
import path from "node:path";

// A statement at the start of a line, or a call: text in a template that looks like an import is none.
const importPattern = /(?:^(?:import|export)\b[^;"'`]*|\bimport\(\s*)["'](\.[^"']*)["']/gm;

/**
 * Paths from the project's root that a source imports by a relative path, types too.
 * @param file path from the project's root, with `/`
 */
export function importsOf(file: string, source: string): string[] {
  return [...source.matchAll(importPattern)].map(([, specifier]) =>
    path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier!)),
  );
}

export type ImportGraph = ReadonlyMap<string, ReadonlySet<string>>;

/** @param sources path -> text */
export function fileGraph(sources: ReadonlyMap<string, string>): ImportGraph {
  return new Map(
    [...sources].map(([file, source]) => [file, new Set(importsOf(file, source).filter((one) => sources.has(one)))]),
  );
}

/** Files directly in a layer count for themselves; below that, the first folder counts: `harness/load/x/y.ts` -> `harness/load`. */
export const folderOf = (file: string): string => {
  const parts = file.split("/");
  return parts.length <= 2 ? file : parts.slice(0, 2).join("/");
};

export function folderGraph(files: ImportGraph): ImportGraph {
  const folders = new Map<string, Set<string>>();
  for (const [file, targets] of files) {
    const own = folderOf(file);
    const known = folders.get(own) ?? new Set();
    for (const target of targets) if (folderOf(target) !== own) known.add(folderOf(target));
    folders.set(own, known);
  }
  return folders;
}

/** Groups in which each member reaches each other one: strongly connected components of more than one node (Tarjan). */
export function circles(graph: ImportGraph): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string) => {
    index.set(node, index.size);
    low.set(node, index.get(node)!);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) {
        visit(next);
        low.set(node, Math.min(low.get(node)!, low.get(next)!));
      } else if (stack.includes(next)) low.set(node, Math.min(low.get(node)!, index.get(next)!));
    }
    if (low.get(node) !== index.get(node)) return;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1) found.push(group.sort());
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found;
}
