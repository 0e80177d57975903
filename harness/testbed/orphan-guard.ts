// Ends a program that this process started once this process is gone, even after a SIGKILL.
import { type ChildProcess, spawn } from "node:child_process";

export interface OrphanGuardOptions {
  /** The signal that ends the program and its children. */
  readonly signal: "KILL" | "TERM";
  /** Removed afterwards. */
  readonly folder: string;
}

// The shell's stdin is a pipe from this process: `read` returns when this process is gone. `read` and `kill` are built in.
const script = 'read -r _; kill -s "$2" "$1"; rm -rf "$3"';

/** Guards `child` until it has ended by itself. The cost is one waiting shell. */
export function guardOrphan(child: ChildProcess, { signal, folder }: OrphanGuardOptions): void {
  if (child.pid === undefined) return;
  const guard = spawn("/bin/sh", ["-c", script, "sh", `${child.pid}`, signal, folder], {
    stdio: ["pipe", "ignore", "ignore"],
    // A signal from the terminal must not end the guard too.
    detached: true,
  });
  guard.on("error", () => undefined); // without a shell there is no guard
  guard.stdin.on("error", () => undefined);
  guard.unref();
  // The system may soon give its process number to another program.
  const revoke = () => guard.kill("SIGKILL");
  if (child.exitCode !== null || child.signalCode !== null) revoke();
  else child.once("exit", revoke);
}
