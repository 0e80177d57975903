// The process of a server that is not ours: started again and asked to stop by the commands that were given.
import { spawn } from "node:child_process";
import net from "node:net";

const restartMs = 15_000;

/** Starts a server that is not ours again. @returns how it had ended; undefined where no command is given, or it does not listen */
export async function restart(command: string | undefined, url: string): Promise<string | undefined> {
  if (command === undefined) return undefined;
  spawn(command, { shell: true, stdio: "ignore", detached: true }).unref();
  const { hostname, port, protocol } = new URL(url);
  const target = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (protocol === "wss:" ? 443 : 80)) };
  for (const end = Date.now() + restartMs; Date.now() < end; ) {
    const socket = net.connect(target);
    const listens = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.setTimeout(1_000, () => resolve(false));
    });
    socket.destroy();
    if (listens) return "the server ended, or did not answer any more";
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}

/** The command where one is given, else SIGTERM to the process. */
export function stopper(pid: number | undefined, command: string | undefined): (() => void) | undefined {
  if (command !== undefined) return () => void spawn(command, { shell: true, stdio: "ignore", detached: true }).unref();
  return pid === undefined ? undefined : () => process.kill(pid, "SIGTERM");
}
