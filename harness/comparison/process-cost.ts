// What a process has cost so far, as Linux counts it: the robust figure where a machine does other things as well.
import { readdirSync, readFileSync } from "node:fs";

/** CPU time of all threads of the process, user and system, in ms. @throws Error without /proc/PID/task/TID/schedstat */
export function cpuMs(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ", 1)[0]);
    } catch (error) {
      // A thread may end between the two calls.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH" && (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return ns / 1e6;
}

/** Resident memory, in bytes. */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  if (kib === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`);
  return Number(kib) * 1024;
}
