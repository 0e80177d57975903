// A redis-server started for one run: free port, data in a temporary folder, every acknowledged write on disk, removed at the end.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "redis";
import { UsageError } from "../schema/errors.ts";
import { freePort } from "./free-port.ts";
import { guardOrphan } from "./orphan-guard.ts";

export interface OwnRedis {
  readonly port: number;
  /** Sends one command, on a separate connection. */
  run(...command: string[]): Promise<unknown>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Resolves when it answers. @param empty without its earlier data */
  start(empty?: boolean): Promise<void>;
  stop(): Promise<void>;
}

const startMs = 20_000;

/** @throws UsageError that names the package, where redis-server is not on PATH */
export async function startRedis(): Promise<OwnRedis> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "wsproof-cluster-"));
  let child: ChildProcess | undefined;
  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null;
  // A run that is cut short must not leave it behind.
  const clear = () => {
    child?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", clear);

  const redis: OwnRedis = {
    port,
    async run(...command) {
      const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: false } });
      client.on("error", () => undefined);
      try {
        await client.connect();
        return await client.sendCommand(command);
      } finally {
        if (client.isOpen) client.destroy();
      }
    },
    async kill() {
      if (!isRunning()) return;
      const gone = once(child!, "exit");
      child!.kill("SIGKILL");
      await gone;
    },
    async start(empty = false) {
      if (empty) rmSync(join(folder, "appendonlydir"), { recursive: true, force: true });
      const where = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--daemonize", "no", "--loglevel", "warning"];
      const keeps = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
      const started = spawn("redis-server", [...where, ...keeps], { stdio: "ignore", detached: true });
      child = started;
      guardOrphan(started, { signal: "KILL", folder });
      let failure: NodeJS.ErrnoException | undefined;
      started.on("error", (error) => {
        failure = error;
      });
      const untilMs = performance.now() + startMs;
      while (!(await answers(started.pid))) {
        if (failure?.code === "ENOENT") {
          throw new UsageError(
            "--nodes needs the program redis-server, which is not on PATH. Install the package redis-server (Debian: `apt-get install redis-server`), or give the URLs of nodes that run already.",
          );
        }
        if (failure !== undefined || !isRunning() || performance.now() > untilMs)
          throw new UsageError(
            `redis-server does not come up on port ${port}: ${failure?.message ?? `exit code ${started.exitCode}`}. Run \`redis-server --port ${port}\` to see why.`,
          );
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async stop() {
      await redis.kill();
      process.off("exit", clear);
      clear();
    },
  };

  /** Not another one that was quicker to take the port. */
  const answers = async (pid: number | undefined) => {
    const info = await redis.run("INFO", "server").catch(() => "");
    return String(info).includes(`process_id:${pid}\r`);
  };
  try {
    await redis.start();
  } catch (error) {
    await redis.stop();
    throw error;
  }
  return redis;
}
