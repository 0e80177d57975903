// What `wsproof init` writes into an empty folder, into one that npm has begun, and into one with somebody's files.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createProject } from "./create-project.ts";
import { ownSource } from "./own-source.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wsproof-init-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const manifest = () => JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
const write = (name: string, content: unknown) =>
  writeFileSync(path.join(folder, name), typeof content === "string" ? content : JSON.stringify(content));

it("writes each file, and takes wsproof from the checkout in which it runs", () => {
  const { done, source } = createProject(folder);
  expect(done).toContain("wrote README.md");
  expect(done).toContain("wrote .github/workflows/test.yml");
  expect(done.every((line) => line.startsWith("wrote ") && existsSync(path.join(folder, line.slice(6))))).toBe(true);
  expect(source).toBe(`file:${path.resolve(import.meta.dirname, "../../..")}`);
  expect(manifest().devDependencies.wsproof).toBe(source);
  expect(readFileSync(path.join(folder, "README.md"), "utf8")).not.toContain("{{");
});

it("completes what npm init and npm install wrote, and keeps what they installed", () => {
  write("package.json", {
    name: "mine",
    main: "index.js",
    type: "commonjs",
    scripts: { test: 'echo "Error: no test specified" && exit 1' },
    dependencies: { wsproof: "file:../wsproof.tgz", ws: "^8.30.0" },
  });
  write("README.md", "mine");
  const { done } = createProject(folder);
  expect(done).toContain("completed package.json");
  expect(done).toContain("kept README.md");
  expect(readFileSync(path.join(folder, "README.md"), "utf8")).toBe("mine");
  expect(manifest()).toMatchObject({
    name: "mine",
    type: "module",
    dependencies: { wsproof: "file:../wsproof.tgz", ws: "^8.30.0" },
  });
  expect(manifest().scripts.test).toContain("node --test");
  expect(manifest().devDependencies).not.toHaveProperty("wsproof");
  expect(manifest()).not.toHaveProperty("main");
});

it("writes nothing where a package has scripts or code of its own", () => {
  for (const own of [{ scripts: { build: "tsc" } }, { main: "index.js" }]) {
    write("package.json", own);
    write("index.js", "");
    expect(() => createProject(folder)).toThrow(/has package\.json already, and nothing was written; give a new folder/);
    expect(existsSync(path.join(folder, "asyncapi.yaml"))).toBe(false);
  }
});

it("names the tarball that it was installed from, and a range of versions where it came from the registry", () => {
  const root = path.join(folder, "node_modules/wsproof");
  mkdirSync(root, { recursive: true });
  write("wsproof.tgz", "");
  const lock = (resolved: string) =>
    write("node_modules/.package-lock.json", { packages: { "node_modules/wsproof": { resolved } } });
  lock("file:wsproof.tgz");
  expect(ownSource(root)).toBe(`file:${path.join(folder, "wsproof.tgz")}`);
  lock("https://host.example/wsproof.tgz");
  expect(ownSource(root)).toMatch(/^\^\d/);
  rmSync(path.join(folder, "node_modules/.package-lock.json"));
  expect(ownSource(root)).toMatch(/^\^\d/);
});
