// A command of the built program as a child process, up to the line that says it is ready.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import path from "node:path";
import { root } from "../gallery/servers.ts";

export const cli = path.join(root, "dist/harness/cli.js");
const startMs = 60_000;
const stopMs = 10_000;

export interface StartedProgram {
  readonly child: ChildProcess;
  /** What it printed up to the last line waited for. */
  readonly output: string;
  /** By SIGTERM, then by SIGKILL. @returns the exit code; undefined where a signal ended it */
  stop(): Promise<number | undefined>;
}

/** @param isReady of what it has printed so far @throws Error with what it printed, where it ends or is not ready in time */
export async function startProgram(words: readonly string[], isReady: (output: string) => boolean): Promise<StartedProgram> {
  const child = spawn(process.execPath, [cli, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | undefined>((resolve) => child.once("close", (code) => resolve(code ?? undefined)));
  let output = "";
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (how: string) => reject(new Error(`wsproof ${words[0]} ${how}; it printed: ${output}`));
      const timer = setTimeout(() => fail(`was not ready within ${startMs} ms`), startMs);
      const read = (chunk: Buffer) => {
        output = `${output}${chunk}`.slice(-100_000);
        if (!isReady(output)) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      void ended.then((code) => {
        clearTimeout(timer);
        fail(`ended with ${code}`);
      });
    });
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return {
    child,
    get output() {
      return output;
    },
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), stopMs);
      const code = await ended;
      clearTimeout(timer);
      return code;
    },
  };
}

/** Runs a command to its end. */
export function runProgram(words: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...words], { maxBuffer: 2 ** 26, timeout: 600_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 2), output: stdout + stderr }),
    );
  });
}
