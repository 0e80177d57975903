// The one script that finds or installs programs beside Node.
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { find, findOrInstall } from "./find-or-install.ts";

it("finds what is there and says nothing", () => {
  const said: string[] = [];
  const path = findOrInstall("redis-server", { say: () => {} });
  expect(findOrInstall("redis-server", { say: (line) => said.push(line) })).toBe(path);
  expect(said).toEqual([]);
  expect(execFileSync(path, ["--version"], { encoding: "utf8" })).toContain("server v=");
}, 300_000);

it("finds nothing where there is nothing", () => {
  expect(find("no-such-program-of-wsproof")).toBeUndefined();
});
