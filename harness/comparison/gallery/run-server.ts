// Starts one server of the gallery, verifies it by the command line as a user would, and ends it.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "../../conformance/result.ts";
import { freePort } from "../../testbed/free-port.ts";
import { examples, type GalleryServer, root } from "./servers.ts";

export interface GalleryRun {
  readonly server: GalleryServer;
  /** Undefined where the run wrote no report. */
  readonly report: Report | undefined;
  readonly code: number;
  /** What the command printed. */
  readonly output: string;
}

const startMs = 60_000;

export interface RunServerOptions {
  /** Of the run, so that its result can be compared with an earlier one. */
  readonly seed: number;
  /** Arguments of verify beside those that are always given. */
  readonly more?: readonly string[];
  /** Stands in front of the server, at another URL. */
  readonly before?: (url: string) => Promise<{ readonly url: string; close(): Promise<void> }>;
}

export interface StartedServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** @throws Error where it does not start, with what it wrote to stderr */
export async function startServer(server: GalleryServer): Promise<StartedServer> {
  const port = await freePort();
  const [program, ...args] = server.command(port);
  const cwd = path.join(examples, server.example);
  const child = spawn(program, args, { cwd, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (data) => {
    said = `${said}${data}`.slice(-4_000);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(String(error)));
    child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? code}: ${said}`));
  });
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  try {
    await Promise.race([listens(port), ended.then((how) => Promise.reject(new Error(`${server.id} does not start: ${how}`)))]);
    const urlPath = typeof server.path === "string" ? server.path : await server.path(port);
    return { url: `ws://127.0.0.1:${port}${urlPath}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function runServer(server: GalleryServer, { seed, more = [], before }: RunServerOptions): Promise<GalleryRun> {
  const { url: own, stop } = await startServer(server);
  const reports = await mkdtemp(path.join(tmpdir(), "wsproof-gallery-"));
  try {
    const json = path.join(reports, "report.json");
    const baseline = baselineOf(server);
    const front = await before?.(own);
    const { code, output } = await verify([
      front?.url ?? own,
      ...more,
      ...Object.keys(server.leftOut ?? {}).flatMap((id) => ["--exclude", id]),
      ...["--spec", path.join(examples, server.example, "asyncapi.yaml"), "--seed", String(seed), "--json", json],
      ...(existsSync(baseline) ? ["--baseline", baseline] : []),
    ]);
    await front?.close();
    const report = readReport(existsSync(json) ? await readFile(json, "utf8") : "");
    return { server, report, code, output };
  } finally {
    await stop();
    await rm(reports, { recursive: true });
  }
}

/** The list of what is known to fail, and whose fault it is. */
export function baselineOf({ id, example }: GalleryServer): string {
  return path.join(examples, example, `baseline-${id}.yaml`);
}

async function listens(port: number): Promise<void> {
  for (const endMs = Date.now() + startMs; Date.now() < endMs; await sleep(50)) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
  }
  throw new Error(`nothing listens on port ${port} after ${startMs / 1000} s`);
}

function verify(args: readonly string[]): Promise<{ code: number; output: string }> {
  const cli = path.join(root, "dist/harness/cli.js");
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, "verify", ...args], { maxBuffer: 2 ** 26, timeout: 600_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 2), output: stdout + stderr }),
    );
  });
}

/** A run that ended badly may have left no report, or a part of one. */
function readReport(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return undefined;
  }
}
