// Who may import whom: spec <- scripts, generated <- reference, spec + generated <- harness, and the order within harness. Pure.
import { importsOf } from "./import-graph.ts";

const mayImport: Readonly<Record<string, readonly string[]>> = {
  spec: ["spec"],
  scripts: ["spec", "scripts"],
  generated: ["generated"],
  reference: ["generated", "reference"],
  harness: ["spec", "generated", "harness"],
};

/** Folders of harness, lowest first: a file imports from its own folder and from lower ones. Folders of one line do not import each other. */
export const harnessOrder: readonly (readonly string[])[] = [
  ["schema"],
  ["model"],
  ["client"],
  ["cluster"],
  ["testbed"],
  ["conformance"],
  ["load"],
  ["mock"],
  ["traffic"],
  ["report"],
  ["mutation"],
  ["comparison"],
  ["commands"],
];

/** The order as the CONTRIBUTING file draws it. */
export const drawnOrder = harnessOrder.map((folders) => folders.join(", ")).join(" < ");

/** Every program is above all folders, and a test may import what it drives. */
const isAboveFolders = (file: string) => file.split("/").length < 3 || /\.test\.ts$/.test(file);

/** The imports of one file of harness from a higher folder, each as a sentence. */
export function orderBreaks(file: string, source: string): string[] {
  if (!file.startsWith("harness/") || isAboveFolders(file)) return [];
  const rankOf = (path: string) => harnessOrder.findIndex((folders) => folders.includes(path.split("/")[1]!));
  const own = file.split("/")[1]!;
  return importsOf(file, source).flatMap((target) => {
    const [layer, folder = ""] = target.split("/");
    if (layer !== "harness" || folder === own || rankOf(target) < rankOf(file)) return [];
    return [`${file} imports ${target}: the order is ${drawnOrder}`];
  });
}

/** The command line alone joins the layers: it may import scripts as well. */
const isCommand = (file: string) => file === "harness/cli.ts" || file.startsWith("harness/commands/");

/**
 * The imports of one file that break the layers, each as a sentence.
 * @param file path from the project's root, with `/`
 */
export function layerBreaks(file: string, source: string): string[] {
  const own = file.split("/")[0]!;
  const allowed = [...(mayImport[own] ?? []), ...(isCommand(file) ? ["scripts"] : [])];
  return importsOf(file, source).flatMap((target) => {
    const layer = target.split("/")[0]!;
    return allowed.includes(layer) ? [] : [`${file} imports ${target}: ${own} may import ${allowed.join(", ")} only`];
  });
}

/** What may stand at the top: the layers, what people look for there, and what tools demand. */
export const topLevel: readonly string[] = [
  ...Object.keys(mayImport),
  ...["findings", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"],
  ...["package.json", "package-lock.json", "tsconfig.json", "biome.json", "vitest.config.ts", ".npmrc", ".gitignore", ".ci"],
];
