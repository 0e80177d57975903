// Help, the reference and completion, all made from the commands' definitions.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { emitCommandReference } from "./command-reference.ts";
import { emitBash, emitZsh } from "./completion/complete.ts";
import { createProgram } from "./program.ts";

const program = createProgram();

describe("the commands", () => {
  it("each say what they do, with examples and a word on every option", () => {
    for (const command of program.commands) {
      const help = emitCommandReference(program).split(`## wsproof ${command.name()}\n`)[1]!.split("\n## ")[0]!;
      expect(command.description(), command.name()).not.toBe("");
      expect(help, command.name()).toContain("Examples:");
      for (const option of command.options) expect(option.description, `${command.name()} ${option.flags}`).not.toBe("");
    }
  });

  it("stand in generated/COMMANDS.md as they are (else: npm run generate:commands)", () => {
    expect(readFileSync("generated/COMMANDS.md", "utf8")).toBe(emitCommandReference(createProgram()));
  });
});

it("goes on to its exit code when nobody reads what it prints", async () => {
  for (const args of [["--help"], ["lint"], ["lint", "--spec", "no-such-file.yaml"]]) {
    const child = spawn(process.execPath, ["dist/harness/cli.js", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let complaint = "";
    child.stderr.on("data", (chunk) => {
      complaint += chunk;
    });
    const [code] = await once(child, "close");
    expect([code, complaint.includes("EPIPE")], complaint).toEqual([args.length === 3 ? 2 : 0, false]);
  }
});

describe("completion in bash", () => {
  it("offers commands, a command's options, and files where an option takes one", () => {
    expect(completed("wsproof", "ver")).toEqual(["verify"]);
    expect(completed("wsproof", "verify", "--ph")).toEqual(["--phase"]);
    expect(completed("wsproof", "lint", "--spec", "package.js")).toEqual(["package.json"]);
    expect(completed("wsproof", "verify", "--auth-secret", "package.js")).toEqual([]);
    expect(completed("wsproof", "diff", "tsconf")).toEqual(["tsconfig.json"]);
  });
});

describe("completion in zsh", () => {
  it("names each command and option once", () => {
    const script = emitZsh(program);
    for (const command of program.commands) {
      const own = script.split(`\n    ${command.name()})\n`)[1]!.split(";;")[0]!;
      for (const { long } of command.options) expect(own.split(`'*${long}[`), `${command.name()} ${long}`).toHaveLength(2);
    }
  });

  it("quotes what a description may hold", () => {
    const odd = createProgram();
    odd.command("odd").description("it's").option("--o <v>", "it's [one]: $three");
    expect(emitZsh(odd)).toContain(String.raw`'*--o[it'\''s \[one\]\: $three]:value: '`);
  });
});

/** What bash would offer for the last word. */
function completed(...words: string[]): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), "wsproof-completion-"));
  try {
    writeFileSync(path.join(folder, "wsproof"), emitBash(program));
    const line = `source ${folder}/wsproof; COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _wsproof; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const printed = execFileSync("bash", ["--norc", "-c", line], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return printed.split("\n").filter((word) => word !== "");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
