// nginx in front of the nodes of a run. Some clients connect through it, and it can be told to reload.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "../schema/errors.ts";
import { freePort } from "./free-port.ts";
import { guardOrphan } from "./orphan-guard.ts";

export interface LoadBalancer {
  readonly url: string;
  /**
   * Starts new workers; the old ones end their connections and exit. Resolves when the new ones run.
   * @throws UsageError when they do not start
   */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** How long the old workers keep their connections after a reload, in ms. */
export const keptAfterReloadMs = 1_000;
const startMs = 20_000;
/** Where Debian installs nginx; not always on PATH. */
const usualFolders = ["/usr/sbin", "/usr/local/sbin"];

/** Proxies the one path to the nodes; skips a node that does not answer or drains. */
function emitConfig(port: number, { path, urls }: LoadBalancerOptions, folder: string): string {
  return `
    worker_processes 1;
    pid ${folder}/pid;
    error_log ${folder}/error.log notice;
    worker_shutdown_timeout ${keptAfterReloadMs}ms;
    events { worker_connections 1024; }
    http {
      ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
      access_log off;
      large_client_header_buffers 4 16k;
      upstream nodes {
        least_conn;
        ${urls.map((url) => `server ${new URL(url).host} max_fails=1 fail_timeout=1s;`).join(" ")}
      }
      server {
        listen 127.0.0.1:${port};
        location = ${path} {
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection upgrade;
          proxy_set_header Host $host;
          proxy_connect_timeout 2s;
          proxy_read_timeout 75s;
          proxy_next_upstream error timeout http_503;
          proxy_pass http://nodes;
        }
      }
    }`;
}

export interface LoadBalancerOptions {
  /** Path of the WebSocket endpoint. */
  readonly path: string;
  /** URLs of the nodes. */
  readonly urls: readonly string[];
}

/**
 * @returns undefined when nginx is not installed
 * @throws UsageError when nginx does not start
 */
export async function startLoadBalancer(options: LoadBalancerOptions): Promise<LoadBalancer | undefined> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "wsproof-load-balancer-"));
  const config = join(folder, "nginx.conf");
  writeFileSync(config, emitConfig(port, options, folder));
  const child = spawn("nginx", ["-p", folder, "-e", join(folder, "error.log"), "-c", config, "-g", "daemon off;"], {
    env: { ...process.env, PATH: [process.env.PATH, ...usualFolders].join(delimiter) },
    stdio: "ignore",
    detached: true,
  });
  guardOrphan(child, { signal: "TERM", folder });
  const clear = () => {
    child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", clear);
  let failure: NodeJS.ErrnoException | undefined;
  child.on("error", (error) => {
    failure = error;
  });
  const isRunning = () => failure === undefined && child.exitCode === null && child.signalCode === null;
  const log = () => readFileSync(join(folder, "error.log"), { encoding: "utf8", flag: "a+" });
  const stop = async () => {
    process.off("exit", clear);
    const gone = isRunning() ? once(child, "exit") : undefined;
    clear();
    await gone;
  };
  const until = async (isSo: () => boolean | Promise<boolean>, what: string) => {
    const untilMs = performance.now() + startMs;
    while (!(await isSo())) {
      if (isRunning() && performance.now() < untilMs) await sleep(20);
      else
        throw new UsageError(`nginx does not ${what} on port ${port}: ${log().trim() || failure?.message || "its log is empty"}`);
    }
  };
  try {
    await until(() => failure?.code === "ENOENT" || accepts(port), "start");
    if (failure?.code === "ENOENT") {
      await stop();
      return undefined;
    }
  } catch (error) {
    await stop();
    throw error;
  }
  let reloads = 0;
  return {
    url: `ws://127.0.0.1:${port}${options.path}`,
    async reload() {
      reloads++;
      child.kill("SIGHUP");
      // nginx logs this at each reload, when it starts new workers.
      await until(() => (log().match(/: reconfiguring/g)?.length ?? 0) >= reloads, "reload");
    },
    stop,
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: "127.0.0.1", port });
    const answer = (isSo: boolean) => {
      socket.destroy();
      resolve(isSo);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", () => answer(false));
  });
}
