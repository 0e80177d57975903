// The layers hold, and the test would see it if they did not.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { drawnOrder, harnessOrder, layerBreaks, orderBreaks, topLevel } from "./layers.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
// Tracked files, and new ones that are not ignored.
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .trim()
  .split("\n");

// This file holds bad imports on purpose. A file may be removed and not yet committed.
const sources = new Map(
  files
    .filter((file) => /\.(ts|js|mjs)$/.test(file) && file.includes("/") && file !== "scripts/layers.test.ts")
    .filter((file) => existsSync(path.join(root, file)))
    .map((file) => [file, readFileSync(path.join(root, file), "utf8")] as const),
);

test("no file imports from a layer that it may not see", () => {
  expect(sources.size).toBeGreaterThan(50);
  expect([...sources].flatMap(([file, source]) => layerBreaks(file, source))).toEqual([]);
});

test("no file of harness imports from a higher folder", () => {
  expect(drawnOrder).toBe(
    "schema < model < client < cluster < testbed < conformance < load < mock < traffic < report < mutation < comparison < commands",
  );
  const folders = new Set(
    [...sources.keys()]
      .filter((file) => file.startsWith("harness/") && file.split("/").length > 2)
      .map((file) => file.split("/")[1]!),
  );
  expect([...folders].filter((folder) => !harnessOrder.flat().includes(folder))).toEqual([]);
  const broken = [...sources].flatMap(([file, source]) => (orderBreaks(file, source).length > 0 ? [file] : []));
  expect(broken).toEqual([]);
});

test.each([
  ["harness/model/x.ts", 'import type { TestClient } from "../client/test-client.ts";', 1],
  ["harness/mutation/x.ts", 'import { plan } from "../comparison/plan.ts";', 1],
  ["harness/client/x.ts", 'import { createTrace } from "../model/trace.ts";', 0],
  ["harness/model/x.test.ts", 'import { openRun } from "../conformance/open-run.ts";', 0],
  ["harness/cli.ts", 'import { program } from "./commands/program.ts";', 0],
])("%s with %s breaks the order %i times", (file, source, times) => {
  expect(orderBreaks(file, source)).toHaveLength(times);
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
