// SECURITY.md names rules and tests that exist, and a floor for ws that package.json keeps.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const pathOf = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const read = (name: string) => readFileSync(pathOf(name), "utf8");
const page = read("SECURITY.md");
const ruleIds = new Set(read("harness/mutation/rule-ids.txt").match(/[a-z][a-z0-9]*(?:-[a-z0-9]+)+/g));
/** Lines of the checklist: what is asked, and the names of what shows it. */
const lines = page
  .split("## What was tried")[0]!
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| what is asked"))
  .map((line) => line.split(" | "))
  .map((cells) => ({ asked: cells[0]!.slice(2), shownBy: [...cells.at(-1)!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!) }));

describe("SECURITY.md", () => {
  test("has a checklist", () => {
    expect(lines.length).toBeGreaterThan(15);
  });

  test.each(lines)("$asked: shown by what exists", ({ shownBy }) => {
    expect(shownBy).not.toEqual([]);
    const missing = shownBy.filter((name) => (name.includes("/") ? !existsSync(pathOf(name)) : !ruleIds.has(name)));
    expect(missing).toEqual([]);
  });

  test("quotes every line of generated/HOSTILE.md, and no other", () => {
    const tableOf = (text: string) => text.split("\n").filter((line) => line.startsWith("| "));
    const quote = page.split("## What was tried")[1]!.split("\n## ")[0]!;
    expect(tableOf(quote)).toEqual(tableOf(read("generated/HOSTILE.md")));
    expect(tableOf(quote).length).toBeGreaterThan(30);
    // A line in bold is a thing that went wrong.
    expect(quote).not.toContain("**");
  });

  test("names a floor of ws that nothing may go below", () => {
    const floor = /`ws` from (\d+\.\d+\.\d+) on/.exec(page)![1]!;
    const declared = JSON.parse(read("package.json")).dependencies.ws as string;
    const lock = JSON.parse(read("package-lock.json")).packages as Record<string, { version: string; dev?: boolean }>;
    const installed = Object.entries(lock).filter(([name, { dev }]) => name.endsWith("node_modules/ws") && dev !== true);
    expect(installed).not.toEqual([]);
    for (const version of [declared.slice(1), ...installed.map(([, entry]) => entry.version)]) {
      expect(version.localeCompare(floor, "en", { numeric: true }), `ws ${version}`).toBeGreaterThanOrEqual(0);
    }
  });
});
