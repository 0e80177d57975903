// npm run figures: the size and shape of the code, as numbers that can be compared before and after a change.
import { pathToFileURL } from "node:url";
import { refusedWords } from "./glossary.ts";
import { circles, fileGraph, folderGraph } from "./import-graph.ts";
import { sourceTokens } from "./source-text.ts";
import { ownSources, readTracked } from "./tracked-sources.ts";

const maxLines = 350;
/** Folders and files through which one rule goes from the command line to its verdict, without the rules themselves. */
const wayOfARule =
  /^harness\/(?:commands\/(?:verify|target-options)|settings[^/]*|(?:conformance|verify)\/(?!rules\/|stateful\/)[^/]+)\.ts$/;

export interface Figure {
  readonly what: string;
  readonly count: number;
  /** What was counted, where a reader may want to see it. */
  readonly list: readonly string[];
}

const lineCount = (text: string) => text.replace(/\n$/, "").split("\n").length;

/** Exported types of the files on the way that at least one other file names: those that a reader of a rule has to know. */
function typesOnTheWay(sources: ReadonlyMap<string, string>): string[] {
  const way = [...sources].filter(([file]) => wayOfARule.test(file));
  const namesOf = new Map(
    [...sources].map(([file, source]) => [
      file,
      new Set(sourceTokens(source).flatMap(({ kind, value }) => (kind === "name" ? [value] : []))),
    ]),
  );
  return way.flatMap(([file, source]) =>
    [...source.matchAll(/^export (?:interface|type|(?:abstract )?class) (\w+)/gm)]
      .map(([, name]) => name!)
      .filter((name) => way.some(([other]) => other !== file && namesOf.get(other)!.has(name)))
      .map((name) => `${file}: ${name}`),
  );
}

export function figures(): Figure[] {
  const all = ownSources({ tests: true });
  const product = ownSources({ tests: false });
  const figure = (what: string, list: readonly string[]): Figure => ({ what, count: list.length, list });
  const graph = fileGraph(product);
  const packed = (JSON.parse(readTracked("package.json")) as { files: string[] }).files;
  const long = [...all].map(([file, text]) => ({ file, lines: lineCount(text) })).filter(({ lines }) => lines > maxLines);
  return [
    {
      what: "lines of TypeScript, tests and generated files left out",
      count: [...product.values()].reduce((sum, text) => sum + lineCount(text), 0),
      list: [],
    },
    figure(
      `files over ${maxLines} lines, tests too`,
      long.map(({ file, lines }) => `${file}: ${lines}`),
    ),
    figure(
      "circles of files that import each other",
      circles(graph).map((group) => group.join(", ")),
    ),
    figure(
      "circles of folders that import each other",
      circles(folderGraph(graph)).map((group) => group.join(", ")),
    ),
    figure("exported types from the command line to a rule's verdict", typesOnTheWay(product)),
    figure(
      "patterns in package.json that keep files out",
      packed.filter((pattern) => pattern.startsWith("!")),
    ),
    figure(
      "words that the glossary refuses",
      [...all].flatMap(([file, source]) =>
        refusedWords(file, source).map(({ line, word, use }) => `${file}:${line} ${word}: say ${use}`),
      ),
    ),
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const isDetailed = process.argv.includes("--list");
  for (const { what, count, list } of figures()) {
    process.stdout.write(`${String(count).padStart(6)}  ${what}\n`);
    if (isDetailed) for (const entry of list) process.stdout.write(`          ${entry}\n`);
  }
  if (!isDetailed) process.stdout.write("\nnpm run figures -- --list names each.\n");
}
