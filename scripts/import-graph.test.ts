// Circles of imports are found, and the project has none.
import { expect, test } from "vitest";
import { circles, fileGraph, folderGraph } from "./import-graph.ts";
import { ownSources } from "./tracked-sources.ts";

const sources = (entries: Record<string, string>) => new Map(Object.entries(entries));

test("finds a circle of files, through types and late imports too", () => {
  const graph = fileGraph(
    sources({
      "a/x/one.ts": 'import type { Two } from "./two.ts";',
      "a/x/two.ts": 'const late = await import("./three.ts");',
      "a/x/three.ts": 'export { one } from "./one.ts";',
      "a/x/four.ts": 'import "./one.ts";',
    }),
  );
  expect(circles(graph)).toEqual([["a/x/one.ts", "a/x/three.ts", "a/x/two.ts"]]);
});

test("finds a circle of folders where no files make one", () => {
  const graph = fileGraph(
    sources({ "a/x/1.ts": 'import "../y/1.ts";', "a/y/1.ts": "", "a/y/2.ts": 'import "../x/2.ts";', "a/x/2.ts": "" }),
  );
  expect(circles(graph)).toEqual([]);
  expect(circles(folderGraph(graph))).toEqual([["a/x", "a/y"]]);
});

test("no files and no folders import each other", () => {
  const graph = fileGraph(ownSources({ tests: false }));
  expect(graph.size).toBeGreaterThan(300);
  expect([...circles(graph), ...circles(folderGraph(graph))]).toEqual([]);
});
