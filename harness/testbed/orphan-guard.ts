// Ends a program that we have started when we are gone, however that came: a SIGKILL leaves us no time to do it.
import { type ChildProcess, spawn } from "node:child_process";

export interface Will {
  /** What it must get so that nothing of it is left. */
  readonly signal: "KILL" | "TERM";
  /** Removed with it. */
  readonly folder: string;
}

// Its stdin is a pipe of which we alone hold the other end: it closes with us. `read` and `kill` are the shell's own.
const script = 'read -r _; kill -s "$2" "$1"; rm -rf "$3"';

/** Holds until the program has ended by itself. A shell waits meanwhile; it is all that this costs. */
export function leaveWill(child: ChildProcess, { signal, folder }: Will): void {
  if (child.pid === undefined) return;
  const executor = spawn("/bin/sh", ["-c", script, "sh", `${child.pid}`, signal, folder], {
    stdio: ["pipe", "ignore", "ignore"],
    // What ends us by way of the terminal must not end it too.
    detached: true,
  });
  executor.on("error", () => undefined); // no shell, no will
  executor.stdin.on("error", () => undefined);
  executor.unref();
  // Its number may soon be another program's.
  const revoke = () => executor.kill("SIGKILL");
  if (child.exitCode !== null || child.signalCode !== null) revoke();
  else child.once("exit", revoke);
}
