// One measurement: what was done, and what it cost whom.
import { cpuMs } from "./process-cost.ts";

/** What was done in one measurement, and what it cost. */
export interface Sample {
  /** Deliveries, replies or connections. */
  readonly count: number;
  readonly wallMs: number;
  /** CPU time of the server. */
  readonly cpuMs: number;
  /** CPU time of this process: near `wallMs`, it was the bottleneck. */
  readonly ownCpuMs: number;
}

/** Takes the time and both costs from the call to the call of what it returns. */
export function startSample(pid: number): (count: number) => Sample {
  const cpuBefore = cpuMs(pid);
  const own = process.cpuUsage();
  const startMs = performance.now();
  return (count) => {
    const wallMs = performance.now() - startMs;
    const { user, system } = process.cpuUsage(own);
    return { count, wallMs, cpuMs: cpuMs(pid) - cpuBefore, ownCpuMs: (user + system) / 1000 };
  };
}
