// The reference server as a child process: started for a run on a free port, stopped at its end.
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { TargetLost } from "../schema/errors.ts";
import { serverFlags } from "./node-flags.ts";

export interface ReferenceProcess {
  readonly url: string;
  readonly secret: string;
  readonly pid: number;
  /** How it ended, with the last of what it wrote to stderr; undefined while it runs. */
  exitReason(): string | undefined;
  /** Asks it to end, and sees to it. Safe to call twice. */
  stop(): Promise<void>;
}

export interface ReferenceProcessOptions {
  /** Path of the WebSocket endpoint. The server starts while it is still under way. */
  readonly path: string | Promise<string>;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default `dist/reference/main.js` of this package. */
  readonly main?: string;
  readonly startMs?: number;
}

/** From source and from dist/ alike: the program is always the built one. */
const builtMain = fileURLToPath(
  import.meta.url.includes("/dist/")
    ? new URL("../../reference/main.js", import.meta.url)
    : new URL("../../dist/reference/main.js", import.meta.url),
);
/** Shorter times and lower limits than the document's, so that a run can reach all of them. The server advertises them. */
const quick: Readonly<Record<string, string>> = {
  HEARTBEAT_INTERVAL_MS: "1500",
  HEARTBEAT_TIMEOUT_MS: "2500",
  TOKEN_GRACE_MS: "2500",
  ROOMS_PER_CONNECTION: "12",
  MEMBERS_PER_ROOM: "16",
  CONNECTIONS_PER_USER: "6",
  QUEUED_BYTES: "524288",
  DRAIN_MS: "500",
};
const keptBytes = 4_000;
const stopMs = 8_000;

/** A run that is cut short must not leave a server behind. The channel's end tells each to stop as well. */
const running = new Set<() => void>();
process.on("exit", () => {
  for (const kill of running) kill();
});

/** @throws TargetLost, with what it wrote to stderr, where it does not come up; what `path` rejects with */
export async function startReferenceProcess({
  path,
  env = {},
  main = builtMain,
  startMs = 20_000,
}: ReferenceProcessOptions): Promise<ReferenceProcess> {
  const secret = randomBytes(32).toString("hex");
  const environment = { ...process.env, HOST: "127.0.0.1", PORT: "0", JWT_SECRET: secret, LOG_LEVEL: "warn", ...quick, ...env };
  const child = fork(main, [], {
    env: environment,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    execArgv: [...serverFlags(environment)],
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString("utf8")).slice(-keptBytes);
  });
  const shownStderr = () => (stderr.trim() === "" ? "It wrote nothing to stderr." : `The end of its stderr:\n${stderr.trim()}`);
  const exitReason = () =>
    child.exitCode === null && child.signalCode === null
      ? undefined
      : `The server's process ended with ${child.signalCode ?? `exit code ${child.exitCode}`}. ${shownStderr()}`;
  const kill = () => child.kill("SIGKILL");
  running.add(kill);

  const listening = new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => {
      kill();
      reject(new TargetLost(`The reference server did not listen within ${startMs} ms. ${shownStderr()}`));
    }, startMs);
    child.on("message", (message) => {
      const port = (message as { listening?: { port?: unknown } } | null)?.listening?.port;
      if (typeof port !== "number") return;
      clearTimeout(timer);
      resolve(port);
    });
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(new TargetLost(`The reference server cannot be started: ${error.message}`));
    });
    child.once("close", () => {
      clearTimeout(timer);
      reject(new TargetLost(`The reference server did not come up. ${exitReason() ?? shownStderr()}`));
    });
  });

  const stop = async (): Promise<void> => {
    running.delete(kill);
    await stopChild(child);
  };
  const [port, pathname] = await Promise.all([listening, path]).catch(async (error: unknown) => {
    await stop();
    throw error;
  });

  return {
    url: `ws://127.0.0.1:${port}${pathname}`,
    secret,
    pid: child.pid ?? 0,
    exitReason,
    stop,
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // Not `close`: it never comes once we have disconnected.
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  if (child.connected) child.disconnect();
  else child.kill("SIGTERM");
  child.kill("SIGCONT"); // were it stopped, it could not end
  const timer = setTimeout(() => child.kill("SIGKILL"), stopMs);
  await ended;
  clearTimeout(timer);
}
