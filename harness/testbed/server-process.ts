// One process of the reference server, and a supervisor that keeps several of them running.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { serverFlags } from "./node-flags.ts";

const serverFile = fileURLToPath(new URL("../../reference/main.js", import.meta.url));
const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** How the server says that it could not start: wrong settings, or a port in use. Starting it again would not help. */
const cannotStart = 2;

export function spawnServer(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  // Detached, because a terminal sends Ctrl-C to the whole group and the server would take ours for a second signal.
  // When this process dies, the channel closes, and the server drains.
  return spawn(process.execPath, [...serverFlags(env), serverFile, ...args], {
    env,
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    detached: true,
  });
}

/** Hands the signals that this process gets to `receive`, until the returned function is called. */
export function onSignals(receive: (signal: NodeJS.Signals) => void): () => void {
  const stops = signals.map((signal) => {
    const listener = (): void => receive(signal === "SIGHUP" ? "SIGTERM" : signal);
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => {
    for (const stop of stops) stop();
  };
}

/** As a shell reports how a process has ended. */
export function exitStatus(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? (signal === "SIGKILL" ? 137 : 143);
}

export interface NodesOptions {
  readonly count: number;
  readonly args: readonly string[];
  /** The settings of each node; its PORT is the first node's plus its index, or any free one where that is 0. */
  readonly env: NodeJS.ProcessEnv;
  /** The first port; 0: each takes a free one, and keeps it when it is started again. */
  readonly port: number;
  say(line: string): void;
}

const firstWaitMs = 100;
const longestWaitMs = 5_000;
/** A node that has lived so long has not failed at its start. */
const healthyMs = 10_000;

/** Runs the nodes until a signal, and starts again what dies in between. Resolves with the exit status. */
export async function superviseNodes({ count, args, env, port, say }: NodesOptions): Promise<number> {
  const ports = Array.from({ length: count }, (_, index) => (port === 0 ? 0 : port + index));
  const running = new Set<ChildProcess>();
  const waiting = new Set<() => void>();
  let isStopping = false;
  let status = 0;

  function stop(signal: NodeJS.Signals): void {
    isStopping = true;
    for (const child of running) child.kill(signal);
    for (const resume of waiting) resume();
  }

  async function keep(index: number): Promise<void> {
    for (let failures = 0; !isStopping; failures++) {
      const startedAt = performance.now();
      const child = spawnServer(args, nodeEnvironment(env, ports[index]!, index));
      running.add(child);
      child.on("message", (message: { readonly listening?: { readonly port: number } }) => {
        if (message.listening === undefined) return;
        ports[index] = message.listening.port;
        say(`node ${index + 1} of ${count}: port ${message.listening.port}, process ${child.pid}`);
      });
      const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
        child.on("error", reject);
        child.on("exit", (...ending) => resolve(ending));
      });
      running.delete(child);
      if (code === cannotStart) {
        status = cannotStart;
        return stop("SIGTERM");
      }
      if (isStopping) {
        // Why all were stopped says more than how.
        if (status !== cannotStart) status = Math.max(status, exitStatus(code, signal));
        return;
      }
      if (performance.now() - startedAt >= healthyMs) failures = 0;
      const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** failures);
      say(`node ${index + 1} of ${count} has ended (${signal ?? `exit ${code}`}); starting it again in ${waitMs} ms`);
      await new Promise<void>((resolve) => {
        const resume = (): void => {
          clearTimeout(timer);
          waiting.delete(resume);
          resolve();
        };
        const timer = setTimeout(resume, waitMs);
        waiting.add(resume);
      });
    }
  }

  const off = onSignals(stop);
  await Promise.all(ports.map((_, index) => keep(index)));
  off();
  return status;
}

function nodeEnvironment(env: NodeJS.ProcessEnv, port: number, index: number): NodeJS.ProcessEnv {
  const metricsPort = Number(env.METRICS_PORT);
  return { ...env, PORT: `${port}`, ...(metricsPort > 0 && { METRICS_PORT: `${metricsPort + index}` }) };
}
