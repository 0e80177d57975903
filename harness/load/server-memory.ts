// The server's resident memory over a run: of a process by /proc, or of any server by its page of Prometheus metrics.
import { readFileSync } from "node:fs";
import { UsageError } from "../schema/errors.ts";

/** Resident memory of a process in bytes; undefined where /proc does not tell. */
export function residentBytes(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

const answerMs = 2_000;
const metric = "process_resident_memory_bytes";

/** Reads the metric that Prometheus' client libraries give. @throws UsageError that names the option */
export async function memoryByMetrics(url: string): Promise<number> {
  let text: string;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerMs) });
    text = response.ok ? await response.text() : "";
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  } catch (error) {
    throw new UsageError(`--metrics-url ${url} cannot be read: ${(error as Error).message}`);
  }
  const bytes = Number(new RegExp(`^${metric}(?:\\{[^}\\n]*\\})?\\s+([0-9.eE+]+)`, "m").exec(text)?.[1]);
  if (Number.isNaN(bytes)) throw new UsageError(`--metrics-url ${url} has no ${metric}: expected a page in Prometheus' format`);
  return bytes;
}

export interface MemorySampler {
  /** [time on the generator's clock in ms, bytes], in order. */
  readonly samples: readonly (readonly [atMs: number, bytes: number])[];
  stop(): void;
}

const fewestMs = 100;
const samplesPerRun = 600;

/** Samples until `stop`; what cannot be read meanwhile, as while the server is restarted, is left out. */
export function sampleMemory(
  { pid, metricsUrl }: { readonly pid: number | undefined; readonly metricsUrl: string | undefined },
  durationMs: number,
  nowMs: () => number,
): MemorySampler {
  const samples: (readonly [number, number])[] = [];
  let isReading = false;
  const timer = setInterval(
    async () => {
      if (isReading) return;
      isReading = true;
      const bytes = metricsUrl === undefined ? residentBytes(pid) : await memoryByMetrics(metricsUrl).catch(() => undefined);
      if (bytes !== undefined) samples.push([nowMs(), bytes]);
      isReading = false;
    },
    Math.max(fewestMs, durationMs / samplesPerRun),
  );
  return { samples, stop: () => clearInterval(timer) };
}
