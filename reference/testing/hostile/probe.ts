// Preloaded into the server's process by hostile runs: answers "probe" over IPC with its CPU time, heap after collection and open descriptors.
import { readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface Probe {
  /** CPU time of the process so far in ms, without that of the probes. */
  readonly cpuMs: number;
  /** Heap in use after a full collection. */
  readonly heapBytes: number;
  readonly descriptors: number;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
let probesMs = 0;

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 - probesMs;
}

process.on("message", (message) => {
  if (message !== "probe") return;
  const usedMs = cpuMs();
  collect();
  setImmediate(() => {
    // What the first collection finalized is freed by the second.
    collect();
    const descriptors = readdirSync("/proc/self/fd").length;
    const probe: Probe = { cpuMs: usedMs, heapBytes: process.memoryUsage().heapUsed, descriptors };
    probesMs += cpuMs() - usedMs;
    process.send?.({ probe });
  });
});
