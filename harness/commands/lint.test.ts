// lint and diff as a user runs them: what they print where, and their exit codes.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "wsproof-lint-command-"));
afterAll(() => rmSync(folder, { recursive: true }));

function wsproof(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, "dist/harness/cli.js"), ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function edited(name: string, from: string, to: string): string {
  const source = readFileSync(path.join(root, "spec/fixtures/base.yaml"), "utf8");
  expect(source.split(from)).toHaveLength(2);
  const file = path.join(folder, name);
  writeFileSync(
    file,
    source.replace(from, () => to),
  );
  return file;
}

describe("wsproof lint", () => {
  it("ends with 0 and a count where there is no error", () => {
    expect(wsproof("lint")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/: \d+ findings: 0 errors, 0 warnings, \d+ infos\n$/),
      stderr: "",
    });
  });

  it("names file, line, column, what was expected and the fix, and ends with 1", () => {
    const file = edited("slip.yaml", "first: welcome", "first: welcom");
    const { status, stdout } = wsproof("lint", "--spec", file);
    expect(status).toBe(1);
    expect(stdout).toContain(`${file}:31:7  error  message-unknown\n  at        #/channels/talk/x-handshake/first\n`);
    expect(stdout).toContain("  fix       did you mean welcome?\n");
    expect(stdout).toMatch(
      /\ninfo: 2 x replies-told-by \(--verbose lists them\)\n.*: 3 findings: 1 error, 0 warnings, 2 infos\n$/,
    );
  });

  it("lists infos with --verbose", () => {
    const { status, stdout } = wsproof("lint", "--verbose", "--spec", path.join(root, "spec/fixtures/base.yaml"));
    expect(status).toBe(0);
    expect(stdout).toContain("replies of join are told by their constant at /type, in order; codes at /code");
  });

  it("prints JSON for programs", () => {
    const { status, stdout } = wsproof("lint", "--json", "--quiet", "--spec", edited("codes.yaml", "name: DEAD", "name: dead"));
    expect(status).toBe(1);
    expect(JSON.parse(stdout).findings).toMatchObject([{ id: "vocabulary-value", severity: "error" }]);
  });

  it.each([
    ["a file that is not there", () => path.join(folder, "nowhere.yaml"), "file-unreadable"],
    ["text that is not YAML", () => edited("text.yaml", "asyncapi: 3.0.0", "asyncapi: ]"), "yaml-invalid"],
  ])("ends with 2 for %s", (_, file, id) => {
    expect(wsproof("lint", "--spec", file())).toMatchObject({ status: 2, stdout: expect.stringContaining(id), stderr: "" });
  });

  it("refuses a perspective that is none", () => {
    const { status, stderr } = wsproof("lint", "--perspective", "broker");
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(/expected --perspective .*got "broker"/) });
  });
});

describe("wsproof diff", () => {
  const base = path.join(root, "spec/fixtures/base.yaml");

  it("ends with 0 where nothing changed on the wire", () => {
    expect(wsproof("diff", base, base)).toEqual({ status: 0, stdout: "nothing changed on the wire\n", stderr: "" });
  });

  it("ends with 1 where clients break and the version does not say so", () => {
    const file = edited("tighter.yaml", "maxLength: 100", "maxLength: 50");
    const { status, stdout } = wsproof("diff", base, file);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^breaks clients \(1\)\n {2}message say, \/text: maxLength {2}field-narrows, client to server\n {4}100 -> 50\n/,
    );
    expect(stdout).toContain("a new major version is needed");
  });

  it("ends with 2 and the next step for a document that cannot be loaded", () => {
    const { status, stderr } = wsproof("diff", base, "nowhere.yaml");
    expect(status).toBe(2);
    expect(stderr).toMatch(/^wsproof: cannot compare nowhere\.yaml: .*`wsproof lint --spec nowhere\.yaml`/);
  });
});
