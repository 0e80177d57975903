// The guide "A mock for the front end", run: its mock is served, its commands executed, its test script started.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";
import { freePort } from "../testbed/free-port.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cli = path.join(root, "dist/harness/cli.js");
const guide = readFileSync(path.join(root, "spec/guides/mock.md"), "utf8");
const blocks = [...guide.matchAll(/```(\S+) ?([^\n]*)\n([\s\S]*?)```/g)].map(([, kind, info, text]) => ({
  kind,
  info,
  text: text!,
}));
const folder = mkdtempSync(path.join(tmpdir(), "wsproof-mock-guide-"));
let mock: ChildProcess | undefined;
afterEach(async () => {
  mock?.kill();
  rmSync(folder, { recursive: true });
});

it("does what it says", async () => {
  copyFileSync(path.join(root, "spec/examples/chat/asyncapi.yaml"), path.join(folder, "chat.yaml"));
  const [port, admin] = [await freePort(), await freePort()];
  const here = (text: string) =>
    text
      // At once: a port may hold the digits of another.
      .replaceAll(/9000|9001/g, (digits) => String(digits === "9000" ? port : admin))
      .replaceAll("npx wsproof", `"${process.execPath}" "${cli}"`);
  const served = blocks.filter(({ info }) => info === "serve");
  expect(served).toHaveLength(1);
  mock = spawn("/bin/sh", ["-c", `exec ${here(served[0]!.text)}`], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    let said = "";
    mock!.stdout!.on("data", (data) => {
      said += data;
      if (said.includes("admin on")) resolve();
    });
    mock!.once("exit", (code) => reject(new Error(`the mock ended with ${code}: ${said}`)));
  });
  const runs = blocks.filter(({ info }) => info === "run exit=0");
  expect(runs).toHaveLength(2);
  for (const { text } of runs) {
    const { stdout } = await promisify(execFile)("/bin/sh", ["-ec", here(text)], { cwd: folder, timeout: 100_000 });
    expect(stdout).toMatch(/Conformant|\{"sent":0\}/);
  }
  const script = blocks.find(({ info }) => info === "file=client.test.mjs")!.text;
  const imports = `import WebSocket from ${JSON.stringify(path.join(root, "node_modules/ws/wrapper.mjs"))};\n`;
  const file = path.join(folder, "client.test.mjs");
  writeFileSync(file, imports + script.replace('"wsproof/testing"', JSON.stringify(path.join(root, "dist/harness/testing.js"))));
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder, timeout: 100_000 });
  expect(stdout).toBe("closed with 1011 after 3 messages\n");
});
