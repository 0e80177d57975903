// What we start ends with us, even where we are killed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";

const built = new URL("../../dist/harness/testbed/nodes-redis.js", import.meta.url);
const program = `
  import { startRedis } from ${JSON.stringify(built)};
  const redis = await startRedis();
  const [, pid] = /process_id:(\\d+)/.exec(String(await redis.run("INFO", "server")));
  const { dir: folder } = await redis.run("CONFIG", "GET", "dir");
  console.log(JSON.stringify({ pid: Number(pid), folder }));
  if (process.argv[1] === "again") {
    await redis.kill();
    await redis.start();
    const [, second] = /process_id:(\\d+)/.exec(String(await redis.run("INFO", "server")));
    console.log(JSON.stringify({ pid: Number(second), folder }));
  }
  setInterval(() => {}, 1_000);
`;

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it.each([["once"], ["again"]])("SIGKILL of a harness that started redis-server %s leaves nothing behind", async (how) => {
  const harness = spawn(process.execPath, ["--input-type=module", "-e", program, how], { stdio: ["ignore", "pipe", "inherit"] });
  const told: { pid: number; folder: string }[] = [];
  for await (const line of createInterface(harness.stdout)) {
    told.push(JSON.parse(line));
    if (told.length === (how === "again" ? 2 : 1)) break;
  }
  const { pid, folder } = told.at(-1)!;
  expect(lives(pid)).toBe(true);
  const gone = once(harness, "exit");
  harness.kill("SIGKILL");
  await gone;
  await expect.poll(() => told.filter((one) => lives(one.pid)), { timeout: 20_000 }).toEqual([]);
  await expect.poll(() => existsSync(folder), { timeout: 20_000 }).toBe(false);
});
