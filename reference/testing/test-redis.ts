// A real redis-server for one test: free port, data in a temporary folder, removed at the end. REDIS_SERVER names another program, such as valkey-server.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "redis";
import type { Client } from "../hub/redis/server.ts";

const program = process.env.REDIS_SERVER || "redis-server";

export class TestRedis {
  readonly port: number;
  readonly url: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "wsproof-redis-"));
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;
  #admin: Client | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#args = args;
  }

  /** @param args as on redis-server's command line, such as `--maxmemory 5mb` in two elements */
  static async start(...args: string[]): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), args);
    await redis.start();
    return redis;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const fixed = [
      "--port",
      `${this.port}`,
      "--bind",
      "127.0.0.1",
      "--dir",
      this.#folder,
      "--daemonize",
      "no",
      "--loglevel",
      "warning",
    ];
    const child = spawn(program, [...fixed, "--save", "", ...this.#args], { stdio: "ignore" });
    this.#process = child;
    while (!(await this.#answers(child))) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #answers(child: ChildProcess): Promise<boolean> {
    if (child.exitCode !== null) throw new Error(`${program} ${this.#args.join(" ")} on port ${this.port} ended`);
    const client = createClient({ url: this.url, socket: { reconnectStrategy: false } }) as unknown as Client;
    client.on("error", () => {});
    try {
      await client.connect();
      // Not another server that took the port first.
      return String(await client.sendCommand<unknown>(["INFO", "server"])).includes(`process_id:${child.pid}\r`);
    } catch (error) {
      // It answers, but wants a password.
      return /NOAUTH|WRONGPASS/.test((error as Error).message);
    } finally {
      client.destroy();
    }
  }

  /** Sends one command as an administrator would. */
  async run(...command: string[]): Promise<unknown> {
    if (this.#admin?.isReady !== true) {
      this.#admin?.destroy();
      const admin = createClient({ url: this.url, socket: { reconnectStrategy: false } }) as unknown as Client;
      admin.on("error", () => {});
      this.#admin = await admin.connect();
    }
    return this.#admin.sendCommand(command);
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(signal);
  }

  /** Kills it as a crash would, without saving anything. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async stop(): Promise<void> {
    this.#admin?.destroy();
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A port on which nobody listens, below those that the system gives to outgoing connections: none of them can take it in between. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
