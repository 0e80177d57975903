// The layers hold, and the test would see it if they did not.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { layerBreaks, topLevel } from "./layers.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
// Tracked files, and new ones that are not ignored.
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .trim()
  .split("\n");

test("no file imports from a layer that it may not see", () => {
  // This file holds bad imports on purpose.
  const sources = files.filter((file) => /\.(ts|js|mjs)$/.test(file) && file.includes("/") && file !== "scripts/layers.test.ts");
  expect(sources.length).toBeGreaterThan(50);
  const broken = sources.flatMap((file) => {
    try {
      return layerBreaks(file, readFileSync(path.join(root, file), "utf8"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return []; // removed, not yet committed
      throw error;
    }
  });
  expect(broken).toEqual([]);
});

test.each([
  ["harness/conformance/x.ts", 'import { start } from "../../reference/main.ts";'],
  ["reference/x.ts", 'import type { Contract } from "../spec/contract.ts";'],
  ["reference/x.ts", 'const x = await import("../harness/cli.ts");'],
  ["spec/x.ts", 'export { emit } from "../scripts/generate.ts";'],
  ["harness/conformance/x.ts", 'import "../../scripts/generate.ts";'],
  ["generated/x.gen.ts", 'import { lookup } from "../spec/pointer.ts";'],
])("%s may not contain %s", (file, source) => {
  expect(layerBreaks(file, source)).toHaveLength(1);
});

test.each([
  ["harness/commands/x.ts", 'const x = await import("../../scripts/generate.ts");'],
  ["scripts/x.ts", 'import type { Contract } from "../spec/contract.ts";'],
  ["reference/hub/x.ts", 'import { limits } from "../../generated/protocol.gen.ts";'],
  ["harness/x.ts", 'import { WebSocket } from "ws";'],
])("%s may contain %s", (file, source) => {
  expect(layerBreaks(file, source)).toEqual([]);
});

test("the top level holds only what belongs there", () => {
  const found = new Set(files.map((file) => file.split("/")[0]!));
  expect([...found].filter((name) => !topLevel.includes(name))).toEqual([]);
});
