// Text that other tools read and a YAML parser does not, and text that no stack could bear.
import { describe, expect, it } from "vitest";
import { originOf, parseTree } from "./source-tree.ts";
import { maxNesting } from "./yaml-source.ts";

describe("a flow collection that ends at the margin", () => {
  const source = 'a:\n  b: {\n  "c": "}",\n"d": [1,\n2]\n}\nz: "{"\n';

  it("is read, with an info and the places of the file", () => {
    const { tree, findings } = parseTree("f.yaml", source);
    expect(tree!.root).toEqual({ a: { b: { c: "}", d: [1, 2] } }, z: "{" });
    expect(findings).toMatchObject([{ id: "yaml-flow-unindented", severity: "info" }]);
    expect(originOf(tree!, "#/a/b/d")).toMatchObject({ line: 4, column: 1 });
  });

  it("is an error where it never ends", () => {
    expect(parseTree("f.yaml", "a: {\nb: 1\nc: 2\n").findings).toMatchObject([{ id: "yaml-invalid", blocking: true }]);
  });
});

describe("nesting", () => {
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
  const indented = (levels: number) => Array.from({ length: levels }, (_, level) => `${" ".repeat(level)}a:`).join("\n");

  it.each([
    ["in braces", nested(maxNesting - 2), nested(maxNesting + 2)],
    ["by indentation", indented(maxNesting - 2), indented(maxNesting + 2)],
    ["by dashes", `${"- ".repeat(maxNesting - 2)}1`, `${"- ".repeat(maxNesting + 2)}1`],
  ])("%s is read up to the limit and named beyond it", (_, fitting, deep) => {
    expect(parseTree("f.yaml", fitting).findings).toEqual([]);
    expect(parseTree("f.yaml", deep).findings).toMatchObject([{ id: "nesting-too-deep", blocking: true }]);
  });
});
