// The process of a server that is not ours: started again and asked to stop by the commands that were given.
import { type ChildProcess, spawn } from "node:child_process";
import net from "node:net";
import type { VerifySettings } from "./settings/verify-settings.ts";

const restartMs = 15_000;
const pollMs = 100;

/** What `restart` started last. */
let started: ChildProcess | undefined;

/** Starts a server that is not ours again. @returns how it had ended; undefined where no command is given, or it does not listen */
export async function restart(command: string | undefined, url: string): Promise<string | undefined> {
  if (command === undefined) return undefined;
  started = spawn(command, { shell: true, stdio: "ignore", detached: true });
  started.unref();
  return (await settles(url, true)) ? "the server ended or stopped responding" : undefined;
}

/**
 * Ends the server that runs, if any, and starts it by the command.
 * @returns why that is not done; undefined where the new server listens
 */
export async function replaceServer(
  { restartCommand, pid, stopCommand }: Pick<VerifySettings, "restartCommand" | "pid" | "stopCommand">,
  url: string,
): Promise<string | undefined> {
  if (restartCommand === undefined) return undefined;
  if (!stopStarted() && (await listens(url))) {
    const stop = stopper(pid, stopCommand);
    if (stop === undefined)
      return `the server at ${url} was not started by this run; give --stop-command or --pid, or let --restart-command start it`;
    stop();
  }
  if (!(await settles(url, false))) return `the server at ${url} still accepts connections ${restartMs / 1000} s after its stop`;
  return (await restart(restartCommand, url)) === undefined
    ? `nothing listens at ${url} ${restartMs / 1000} s after --restart-command`
    : undefined;
}

/** Ends what `restart` started, with all of its process group. @returns whether there was one */
export function stopStarted(): boolean {
  const child = started;
  started = undefined;
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
  try {
    process.kill(-child.pid, "SIGTERM");
    return true;
  } catch {
    return false;
  }
}

export async function listens(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const socket = net.connect({
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || (protocol === "wss:" ? 443 : 80)),
  });
  const isListening = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.setTimeout(1_000, () => resolve(false));
  });
  socket.destroy();
  return isListening;
}

/** @returns whether it listens, or does not, within the time */
async function settles(url: string, wanted: boolean): Promise<boolean> {
  for (const end = Date.now() + restartMs; Date.now() < end; ) {
    if ((await listens(url)) === wanted) return true;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return false;
}

/** The command where one is given, else SIGTERM to the process. */
export function stopper(pid: number | undefined, command: string | undefined): (() => void) | undefined {
  if (command !== undefined) return () => void spawn(command, { shell: true, stdio: "ignore", detached: true }).unref();
  return pid === undefined ? undefined : () => process.kill(pid, "SIGTERM");
}
