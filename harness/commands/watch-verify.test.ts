// verify --watch as a process: it starts the server, replaces it when a watched file changes, and leaves none behind.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it, vi } from "vitest";
import { freePort } from "../testbed/free-port.ts";
import { loadVerifySettings } from "./settings/verify-settings.ts";
import { watchAndRerun } from "./watch-verify.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "wsproof-watch-"));
const cli = path.join(root, "dist/harness/cli.js");
let watcher: ChildProcess | undefined;
afterAll(() => {
  watcher?.kill("SIGKILL");
  for (const pid of pids()) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  rmSync(folder, { recursive: true });
});

const pidFile = path.join(folder, "pids");
const pids = () => (existsSync(pidFile) ? readFileSync(pidFile, "utf8").trim().split("\n").map(Number) : []);
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it("starts the server, replaces it on a change, keeps it for a new document, and ends it", async () => {
  const port = await freePort();
  const spec = path.join(folder, "asyncapi.yaml");
  const source = path.join(folder, "source.txt");
  copyFileSync(path.join(root, "spec/examples/echo/asyncapi.yaml"), spec);
  writeFileSync(source, "1");
  const start = `echo $$ >> '${pidFile}'; exec '${process.execPath}' '${path.join(root, "spec/examples/echo/server.mjs")}' ${port}`;
  const run = spawn(
    process.execPath,
    [
      ...[cli, "verify", `ws://127.0.0.1:${port}/`, "--spec", spec, "--only", "handshake-accepted", "--watch"],
      ...["--watch-path", source, "--restart-command", start],
    ],
    { cwd: folder, stdio: "pipe" },
  );
  watcher = run;
  let printed = "";
  let told: () => void = () => undefined;
  for (const stream of [run.stdout, run.stderr])
    stream.on("data", (text: Buffer) => {
      printed += text;
      told();
    });
  /** Runs that ended: the watch is on again. */
  const ended = async (count: number) => {
    while (printed.split("Press Ctrl-C to stop.").length <= count) {
      expect(run.exitCode, printed).toBeNull();
      await new Promise<void>((resolve) => {
        told = resolve;
      });
    }
  };
  await ended(1);
  expect(pids(), printed).toHaveLength(1);
  writeFileSync(source, "2");
  await ended(2);
  const [first, second] = pids();
  expect(pids(), printed).toHaveLength(2);
  expect([isAlive(first!), isAlive(second!)], printed).toEqual([false, true]);
  writeFileSync(spec, readFileSync(spec, "utf8").replace("title: ", "title: A new "));
  await ended(3);
  expect(printed).toContain("A new ");
  expect(pids(), printed).toHaveLength(2);
  expect(printed.match(/Conformant: /g), printed).toHaveLength(3);
  run.kill("SIGINT");
  await once(run, "exit");
  // The server was asked to end: it is gone once its port is free again.
  while (isAlive(second!)) await new Promise((resolve) => setTimeout(resolve, 20));
}, 120_000);

it("does not run against a server that it cannot replace", async () => {
  const port = await freePort();
  const server = createServer();
  await once(server.listen(port, "127.0.0.1"), "listening");
  const source = path.join(folder, "other.txt");
  writeFileSync(source, "1");
  const given = { url: `ws://127.0.0.1:${port}/`, watchPaths: [source], restartCommand: "true" };
  const stop = new AbortController();
  let printed = "";
  let runs = 0;
  const write = (text: string) => {
    printed += text;
  };
  const watching = watchAndRerun(loadVerifySettings(given, "key", 1), async () => ++runs, stop.signal, write);
  const ended = (count: number) =>
    vi.waitFor(() => expect(printed.split("Press Ctrl-C to stop.").length, printed).toBeGreaterThan(count), 30_000);
  try {
    await ended(1);
    writeFileSync(source, "2");
    await ended(2);
    expect(printed).toContain("wsproof: not run: the server at");
    expect(runs).toBe(1);
  } finally {
    stop.abort();
    await watching;
    server.close();
  }
});
