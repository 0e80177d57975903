// Who may import whom: spec <- scripts, generated <- reference, spec + generated <- harness. Pure.
import { importsOf } from "./import-graph.ts";

const mayImport: Readonly<Record<string, readonly string[]>> = {
  spec: ["spec"],
  scripts: ["spec", "scripts"],
  generated: ["generated"],
  reference: ["generated", "reference"],
  harness: ["spec", "generated", "harness"],
};

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
