// wsproof serve with several nodes, as a user runs it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";

const cli = fileURLToPath(new URL("../../dist/harness/cli.js", import.meta.url));
const children: ChildProcess[] = [];

/** What it has written to stderr so far, and its end. */
function run(args: readonly string[]): { readonly child: ChildProcess; text(): string; ended: Promise<number | null> } {
  const env: NodeJS.ProcessEnv = { ...process.env, JWT_SECRET: "0123456789".repeat(4), LOG_LEVEL: "warn", REDIS_URL: "" };
  const child = spawn(process.execPath, [cli, "serve", ...args], { env, stdio: ["ignore", "ignore", "pipe"] });
  children.push(child);
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { child, text: () => text, ended };
}

async function until<T>(look: () => T | undefined): Promise<T> {
  for (const endsAt = Date.now() + 30_000; ; ) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() > endsAt) throw new Error("never came");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

it.each([
  [["--nodes", "0", "--redis", "redis://127.0.0.1:1"], 'expected --nodes from 1 to 64, got "0"'],
  [["--nodes", "3"], "--nodes needs --redis URL"],
  [
    ["--nodes", "3", "--redis", "redis://127.0.0.1:1", "--port", "65534"],
    'expected --port from 0 to 65533 for 3 nodes, got "65534"',
  ],
  [["--redis", "localhost:6379", "--port", "0"], "REDIS_URL: expected redis://"],
  [["--nodes", "2", "--redis", "localhost:6379", "--port", "0"], "REDIS_URL: expected redis://"],
])("refuses %j in one sentence", async (args, message) => {
  const { text, ended } = run(args);
  expect(await ended).toBe(2);
  expect(text()).toContain(message);
  expect(text()).not.toMatch(/^\s+at /m);
});

it("starts the nodes, starts again on the same port the one that dies, and stops all at a signal", async () => {
  // Nobody listens there: nodes start while Redis is down.
  const { child, text, ended } = run(["--nodes", "2", "--redis", "redis://127.0.0.1:1", "--port", "0"]);
  const started = (): RegExpMatchArray[] => [...text().matchAll(/^node 1 of 2: port (\d+), process (\d+)$/gm)];
  await until(() => /^node 2 of 2: port \d+/m.exec(text()) ?? undefined);
  const [, port, pid] = await until(() => started()[0]);
  expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(503);
  process.kill(Number(pid), "SIGKILL");
  const again = await until(() => started()[1]);
  expect(again[1]).toBe(port);
  expect(text()).toMatch(/node 1 of 2 has ended \(SIGKILL\); starting it again in 100 ms/);
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
  await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow();
});
