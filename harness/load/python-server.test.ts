// A server in another language under load, on python3-websockets: sensible figures while it is well, and errors where it dies or stands still.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type LoadResult, unanswered } from "./load-result.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Echoes, and sends itself a signal at the text of that number, where one is given. */
const echo = `
import asyncio, os, sys
from websockets import serve
name, at = sys.argv[1], int(sys.argv[2])
count = 0
async def echo(socket):
    global count
    async for text in socket:
        count += 1
        if count == at:
            import signal
            os.kill(os.getpid(), getattr(signal, name))
        await socket.send(text)
async def main():
    async with serve(echo, "127.0.0.1", 0, compression=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
asyncio.run(main())
`;

let folder = "";
let server: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wsproof-python-"));
});
afterEach(() => {
  server?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  readonly code: number | null;
  readonly printed: string;
  readonly result: LoadResult;
}

/** 100 requests a second for three seconds over ten connections. @param signal that the server sends itself at request `at` */
async function benchPython(signal = "none", at = 0): Promise<Ran> {
  const python = spawn("/usr/bin/python3", ["-c", echo, signal, String(at)], { stdio: ["ignore", "pipe", "inherit"] });
  server = python;
  const port = await new Promise<string>((resolve) => python.stdout.once("data", (data) => resolve(String(data).trim())));
  const json = path.join(folder, "result.json");
  const args = ["bench", `ws://127.0.0.1:${port}/`, "--spec", `${root}spec/examples/echo/asyncapi.yaml`, "--json", json];
  const asked = ["--connections", "10", "--rate", "100", "--duration", "3", "--warm-up", "0", "--timeout", "2000"];
  return new Promise((resolve) => {
    // It has to end by itself: what is stopped here has no exit code.
    const options = { cwd: folder, timeout: 50_000, killSignal: "SIGKILL" as const };
    const ran = execFile(process.execPath, [`${root}dist/harness/cli.js`, ...args, ...asked], options, (_error, stdout, stderr) =>
      resolve({ code: ran.exitCode, printed: stdout + stderr, result: JSON.parse(readFileSync(json, "utf8")) }),
    );
  });
}

it("that is well answers all", async () => {
  const { code, printed, result } = await benchPython();
  expect(result).toMatchObject({ sent: 300, replied: 300, errors: 0, timeouts: 0, refused: {}, closed: {}, connections: 10 });
  expect(result.latency.totalCount).toBe(300);
  expect(result.latency.p50).toBeGreaterThan(0.02);
  expect(result.series.map(({ sent }) => sent)).toEqual([100, 100, 100]);
  expect(code, printed).toBe(result.invalid.length > 0 ? 3 : 0);
});

it("that is killed in the middle is told by its connections, by what was not answered, and by what could not be sent", async () => {
  const { code, printed, result } = await benchPython("SIGKILL", 150);
  const { closed, refused, sent, replied } = result;
  expect(Object.values(closed).reduce((sum, count) => sum + count, 0)).toBe(10);
  expect(Object.keys(closed).every((how) => ["1006", "reset"].includes(how))).toBe(true);
  expect(replied).toBeGreaterThan(100);
  expect(replied).toBeLessThan(150);
  expect(refused[unanswered.closed]).toBe(sent - replied);
  expect(refused[unanswered.noneLeft]).toBe(300 - sent);
  expect(code, printed).toBe(result.invalid.length > 0 ? 3 : 1);
  expect(printed).toContain("no connection was left");
});

it("that stands still in the middle is told by what was never answered, and keeps nobody waiting", async () => {
  const { code, printed, result } = await benchPython("SIGSTOP", 150);
  expect(result.sent).toBe(300);
  expect(result.replied).toBeGreaterThan(100);
  expect(result.timeouts).toBe(300 - result.replied);
  expect(result.closed).toEqual({});
  expect(code, printed).toBe(result.invalid.length > 0 ? 3 : 1);
  expect(printed).toContain("never answered");
});
