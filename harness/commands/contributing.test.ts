// CONTRIBUTING's table "Where things belong": each place exists, and holds what the table says.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = readFileSync(path.join(root, "CONTRIBUTING.md"), "utf8");
const rows = text
  .split("## Where things belong")[1]!
  .split("\n## ")[0]!
  .split("\n")
  .flatMap((line) => {
    const [, what, where] = /^\| (an? [^|]+) \| (.+) \|$/.exec(line) ?? [];
    return what === undefined || where === undefined ? [] : [[what, where] as const];
  });
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

describe("where things belong", () => {
  it("has every thing that people add", () => {
    const wanted = ["rule", "stateful rule", "cluster rule", "message type", "load scenario", "fault for `--faults`"];
    for (const thing of [...wanted, "planted fault", "report format", "option", "lint finding", "command", "x- key"]) {
      expect(
        rows.some(([what]) => what.replace(/^an? /, "").startsWith(thing)),
        thing,
      ).toBe(true);
    }
  });

  it.each(rows)("%s: each path exists", (_what, where) => {
    const paths = [...where.matchAll(/`([\w/.-]+\/[\w/.-]*)`/g)].map(([, one]) => one!);
    expect(paths.length).toBeGreaterThan(0);
    for (const one of paths) expect(existsSync(path.join(root, one)), one).toBe(true);
  });

  it("each load scenario is a file of its own, and listed", () => {
    const list = read("harness/load/scenarios.ts");
    const files = readdirSync(path.join(root, "harness/load/scenarios")).filter((name) => !name.includes("-run"));
    for (const name of files) expect(list, name).toContain(`./scenarios/${name}`);
  });

  it("each report format is listed once, and has its option", () => {
    const options = read("harness/commands/settings/verify-options.ts");
    const [, emitters = ""] = /const emitters = \{([^}]*)\}/.exec(read("harness/report/write-reports.ts")) ?? [];
    const formats = [...emitters.matchAll(/(\w+):/g)].map(([, name]) => name!).filter((name) => name !== "one");
    expect(formats.length).toBeGreaterThan(2);
    for (const name of formats) expect(options, name).toContain(`--${name} <file>`);
  });
});
