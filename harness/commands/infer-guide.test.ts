// The guide "From a running server to a contract in ten minutes", run: a Python server, its clients, record, infer, lint, check, verify.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";
import { freePort } from "../testbed/free-port.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cli = path.join(root, "dist/harness/cli.js");
const guide = readFileSync(path.join(root, "spec/guides/from-traffic.md"), "utf8");
const blocks = [...guide.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)].map(([, info, text]) => ({ info: info!, text: text! }));
const folder = mkdtempSync(path.join(tmpdir(), "wsproof-infer-guide-"));
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const run = (command: string) => promisify(execFile)("/bin/sh", ["-ec", command], { cwd: folder, timeout: 90_000 });

function start(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { cwd: folder, stdio: "ignore" });
  started.push(child);
  return child;
}

async function listens(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing listens on port ${port} after a minute`);
}

it("leads from a server without a document to a verified contract", async () => {
  const [port, listen] = [await freePort(), await freePort()];
  const here = (text: string) =>
    text
      .replaceAll("9000", String(port))
      .replaceAll("9001", String(listen))
      .replaceAll("npx wsproof", `"${process.execPath}" "${cli}"`);
  for (const { info, text } of blocks) {
    const file = /file=(\S+)/.exec(info)?.[1];
    if (file !== undefined) writeFileSync(path.join(folder, file), text);
  }
  start("/usr/bin/python3", ["server.py", String(port)]);
  await listens(port);
  const recording = blocks.filter(({ info }) => info === "sh run record");
  expect(recording).toHaveLength(1);
  const record = start("/bin/sh", ["-c", `exec ${here(recording[0]!.text)}`]);
  await listens(listen);
  await run(`/usr/bin/python3 client.py ws://127.0.0.1:${listen}`);
  const ended = new Promise((resolve) => record.once("exit", resolve));
  record.kill("SIGINT");
  await ended;
  const printed: string[] = [];
  for (const { text } of blocks.filter(({ info }) => info === "sh run")) printed.push((await run(here(text))).stdout);
  expect(printed).toHaveLength(3);
  const [counted, drafted] = blocks.filter(({ info }) => / expect$/.test(info)).map(({ text }) => text.trim());
  expect(printed[0]).toBe(`${counted}\n`);
  expect(readFileSync(path.join(folder, "auction.yaml"), "utf8")).toContain(drafted);
  expect(printed[1]).toContain("0 errors");
  expect(printed[1]).toContain("Conformant");
  expect(printed[2]).toMatch(/^Conformant: \d+ rules passed\.$/m);
}, 180_000);
