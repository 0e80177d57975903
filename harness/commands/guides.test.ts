// The guides, run: their files are written, their commands executed, and what they name exists.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import getPort from "get-port";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { freePort } from "../testbed/free-port.ts";
import { createProgram } from "./program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const guides = path.join(root, "spec/guides");
const cli = path.join(root, "dist/harness/cli.js");
let folder = "";
let server: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wsproof-guide-"));
});
afterEach(() => {
  if (server?.exitCode === null) {
    try {
      process.kill(-server.pid!, "SIGKILL");
    } catch {
      server.kill(); // not the first of a group
    }
  }
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

it("each link leads to a file", () => {
  for (const name of readdirSync(guides)) {
    for (const [, to] of textOf(name).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      expect(existsSync(path.join(guides, to!)), `${name}: ${to}`).toBe(true);
    }
  }
});

describe("test-your-server", () => {
  const blocks = blocksOf("test-your-server.md");

  it("finds in a Python server what it says", async () => {
    const port = await freePort();
    writeFiles(blocks, port);
    // Debian's Python: the one that has the package websockets.
    server = spawn("/usr/bin/python3", ["server.py", String(port)], { cwd: folder, stdio: "ignore" });
    await answers(port);
    const runs = blocks.filter(({ info }) => /^sh run/.test(info));
    expect(runs).toHaveLength(3);
    const printed = runs.map(({ info, text }) => {
      const { status, stdout } = wsproof(text.replaceAll("9000", String(port)));
      expect(status, stdout).toBe(Number(/exit=(\d)/.exec(info)?.[1] ?? 0));
      return stdout;
    });
    const expected = blocks.filter(({ info }) => info === "text expect");
    expect(expected).toHaveLength(1);
    expect(printed[1]).toContain(expected[0]!.text.trim());
    expect(existsSync(path.join(folder, "wsproof.html"))).toBe(true);
  }, 180_000);

  it("its workflow is green with the baseline", async () => {
    const port = await freePort();
    writeFiles(blocks, port);
    const { jobs } = parse(readFileSync(path.join(folder, ".github/workflows/contract.yml"), "utf8"));
    const script: string = jobs.contract.steps.find(({ run }: { run?: string }) => run?.includes("wsproof")).run;
    server = spawn("/usr/bin/python3", ["server.py", String(port)], { cwd: folder, stdio: "ignore" });
    await answers(port);
    const { status, stdout } = wsproof(script.split("\n").find((line) => line.startsWith("npx"))!);
    expect(stdout).toContain("known failure");
    expect(status).toBe(0);
  });
});

describe("bench", () => {
  it("puts the Python server under load", async () => {
    const port = await freePort();
    writeFiles(blocksOf("test-your-server.md"), port);
    server = spawn("/usr/bin/python3", ["server.py", String(port)], { cwd: folder, stdio: "ignore" });
    await answers(port);
    const runs = blocksOf("bench.md").filter(({ info }) => info === "sh run exit=0");
    expect(runs).toHaveLength(3);
    for (const { text } of runs) {
      const { status, stdout } = wsproof(text.replaceAll("9000", String(port)));
      // 3 where a machine with much else to do makes the generator late: it says so.
      expect(status, stdout).toBe(stdout.includes("INVALID") ? 3 : 0);
      expect(stdout).toContain("reply to say");
    }
    const { sent, replied, errors } = JSON.parse(readFileSync(path.join(folder, "bench.json"), "utf8"));
    expect({ sent, replied, errors }).toEqual({ sent: 200, replied: 200, errors: 0 });
  }, 120_000);
});

describe("describe-a-protocol", () => {
  it("has a document that lints at each step, and more rules apply the more it says", () => {
    const blocks = blocksOf("describe-a-protocol.md");
    writeFiles(blocks, 0);
    const overlays = blocks.filter(({ info }) => info === "yaml overlay").map(({ text }) => parse(text));
    expect(overlays).toHaveLength(4);
    let overlay: unknown = {};
    let before = applying(wsproof("npx wsproof verify --list --spec game.yaml").stdout);
    expect(before).toBeGreaterThan(0);
    for (const step of overlays) {
      overlay = merged(overlay, step);
      writeFileSync(path.join(folder, "overlay.yaml"), JSON.stringify(overlay));
      const linted = wsproof("npx wsproof lint --spec game.yaml --overlay overlay.yaml --quiet");
      expect(linted.status, linted.stdout).toBe(0);
      const after = applying(wsproof("npx wsproof verify --list --spec game.yaml --overlay overlay.yaml").stdout);
      expect(after).toBeGreaterThan(before);
      before = after;
    }
  }, 180_000);
});

describe("write-a-rule, scale-out and why-rooms", () => {
  const names = ["write-a-rule.md", "scale-out.md", "why-rooms.md"];

  it("name rules that there are", () => {
    const ids = readFileSync(path.join(root, "harness/mutation/rule-ids.txt"), "utf8").split(/\s+/);
    const phases = /^(?:cluster|handshake|limits|shutdown|boundaries|order|position|replay|reply|count|once)-|-enforced$/;
    const named = names.flatMap((name) => [...textOf(name).matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, id]) => id!));
    const rules = named.filter((id) => phases.test(id));
    expect(rules.length).toBeGreaterThan(20);
    for (const id of rules) expect(ids).toContain(id);
  });

  it("name for each defect of the guide what shows that rooms.v1 does not have it", () => {
    const ids = readFileSync(path.join(root, "harness/mutation/rule-ids.txt"), "utf8").split(/\s+/);
    const rows = textOf("why-rooms.md")
      .split("\n")
      .filter((line) => line.startsWith("| ") && !line.startsWith("| in the guide"))
      .map((line) => line.slice(2, -2).split(" | "));
    expect(rows.length).toBeGreaterThan(50);
    for (const cells of rows) {
      expect(cells, cells[0]).toHaveLength(3);
      const shownBy = cells[2]!.split(", ").map((name) => name.replace(/^`(.+)`$/, "$1"));
      const missing = shownBy.filter((name) => !(name.includes("/") ? existsSync(path.join(root, name)) : ids.includes(name)));
      expect(missing, cells[0]).toEqual([]);
    }
  });

  it("quote source unchanged", () => {
    const quotes = blocksOf("write-a-rule.md").filter(({ info }) => info.includes("from="));
    expect(quotes).toHaveLength(1);
    for (const { info, text } of quotes) {
      expect(readFileSync(path.join(root, info.split("from=")[1]!), "utf8")).toContain(text);
    }
  });

  it("give commands with options that there are", () => {
    const known = createProgram().commands.map((command) => [command.name(), command.options.map(({ long }) => long)] as const);
    const lines = names.flatMap((name) => [...textOf(name).matchAll(/npx wsproof (\S+)(.*)/g)]);
    expect(lines.length).toBeGreaterThan(2);
    for (const [line, command, rest] of lines) {
      const options = new Map(known).get(command!);
      for (const [option] of rest!.matchAll(/--[a-z-]+/g)) expect(options, line).toContain(option);
    }
  });
});

describe("scale-out", () => {
  it("starts nodes and proves them, and others under faults", async () => {
    const [starting, proving] = blocksOf("scale-out.md").map(({ text }) => text);
    // The same lines with free ports, the built command, and fewer faults.
    const redis = await freePort();
    const [first, second, third] = await freeRow(3);
    const command = `"${process.execPath}" "${cli}"`;
    const replaced = (text: string, pairs: Readonly<Record<string, string>>) =>
      Object.entries(pairs).reduce((result, [from, to]) => {
        expect(result).toContain(from);
        return result.replaceAll(from, to);
      }, text);
    const script = [
      replaced(starting!, { "npx wsproof": command, "6390": `${redis}`, "8081": `${first}` }),
      "nodes=$!",
      `for port in ${first} ${second} ${third}; do`,
      "  until curl -sf -m 5 http://127.0.0.1:$port/health/ready; do",
      '    kill -0 $nodes || { echo "the nodes have ended"; exit 9; }',
      "    sleep 0.1",
      "  done",
      "done",
      "set -e",
      replaced(proving!, {
        "npx wsproof": command,
        "8081": `${first}`,
        "8082": `${second}`,
        "8083": `${third}`,
        "--faults 12": "--faults 2 --messages 300",
      }),
    ].join("\n");
    // A group of its own, so that what it leaves in the background goes as well.
    server = spawn("bash", ["-c", script], { cwd: folder, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let printed = "";
    for (const stream of [server.stdout!, server.stderr!]) {
      stream.on("data", (chunk) => {
        printed += chunk;
      });
    }
    const code = await Promise.race([
      new Promise((resolve) => server!.once("exit", resolve)),
      new Promise((resolve) => setTimeout(resolve, 200_000, "still running").unref()),
    ]);
    // Redis would save into a folder that is about to go; the nodes drain when what started them is gone.
    process.kill(-server.pid!, "SIGKILL");
    expect(code, printed).toBe(0);
    expect(printed.match(/^Conformant: \d+ rules passed\.$/gm), printed).toHaveLength(2);
    expect(printed).toContain("fault 2 of 2");
  }, 240_000);

  it("names every rule of the phase", () => {
    const ids = readFileSync(path.join(root, "harness/mutation/rule-ids.txt"), "utf8").match(/cluster-\S+/g)!;
    expect(ids.length).toBeGreaterThan(10);
    expect(ids.filter((id) => !textOf("scale-out.md").includes(`\`${id}\``))).toEqual([]);
  });
});

describe("read-a-report", () => {
  const text = textOf("read-a-report.md");

  it("names every verdict and every member of a report", () => {
    const source = readFileSync(path.join(root, "harness/conformance/result.ts"), "utf8");
    const verdicts = [...source.match(/export type Verdict = ([^;]+);/)![1]!.matchAll(/"([^"]+)"/g)].map(([, one]) => one!);
    expect(verdicts).toHaveLength(6);
    for (const verdict of verdicts) expect(text).toContain(`| \`${verdict}\` |`);
    const named = [...text.split("## The reports")[1]!.matchAll(/`([a-z]+[A-Za-z]*)`/g)].map(([, one]) => one!);
    expect(named.length).toBeGreaterThan(15);
    for (const member of named) expect(source, member).toMatch(new RegExp(`readonly ${member}\\??:`));
  });
});

interface Block {
  readonly info: string;
  readonly text: string;
}

function textOf(name: string): string {
  return readFileSync(path.join(guides, name), "utf8");
}

function blocksOf(name: string): readonly Block[] {
  return [...textOf(name).matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)].map(([, info, text]) => ({ info: info!, text: text! }));
}

/** Writes the blocks that name a file. */
function writeFiles(blocks: readonly Block[], port: number): void {
  for (const { info, text } of blocks) {
    const file = /file=(\S+)/.exec(info)?.[1];
    if (file === undefined) continue;
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text.replaceAll("9000", String(port)));
  }
}

/** Runs one line of a guide with the built command in the place of the installed one. */
function wsproof(line: string): { readonly status: number | null; readonly stdout: string } {
  const command = line.trim().replace("npx wsproof", `"${process.execPath}" "${cli}"`);
  expect(command).not.toContain("npx");
  return spawnSync(command, { cwd: folder, shell: true, encoding: "utf8" });
}

/** Rules that apply, of what --list prints. */
function applying(list: string): number {
  return Number(/(\d+) apply/.exec(list)?.[1] ?? Number.NaN);
}

function merged(a: unknown, b: unknown): unknown {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null || Array.isArray(b)) return b;
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const of = (from: object, key: string) => (from as Record<string, unknown>)[key];
  return Object.fromEntries(keys.map((key) => [key, key in b ? merged(of(a, key), of(b, key)) : of(a, key)]));
}

/** A free port with `count - 1` free ports after it. */
async function freeRow(count: number): Promise<readonly number[]> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = await freePort();
    const others = Array.from({ length: count - 1 }, (_, index) => first + 1 + index);
    const found = await Promise.all(others.map((port) => getPort({ host: "127.0.0.1", port })));
    if (others.every((port, index) => port === found[index])) return [first, ...others];
  }
  throw new Error(`no ${count} ports in a row are free`);
}

/** Resolves once somebody listens. */
async function answers(port: number): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isOpen) return;
    if (server?.exitCode !== null) throw new Error(`the guide's server has ended with ${server?.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
