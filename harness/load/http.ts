// autocannon, as this harness uses it: a rate without its correction for coordinated omission, which assumes answers within 1 ms.
import type { Request, Result } from "autocannon";
import autocannon from "autocannon";

export interface Barrage {
  readonly url: string;
  readonly title: string;
  readonly connections: number;
  /** Undefined: as fast as answers come. */
  readonly perSecond: number | undefined;
  readonly durationMs: number;
  readonly timeoutMs: number;
  readonly request: Request;
}

/** Resolves with autocannon's result. */
export function fire({ url, title, connections, perSecond, durationMs, timeoutMs, request }: Barrage): Promise<Result> {
  const isPaced = perSecond !== undefined;
  return new Promise((resolve, reject) => {
    autocannon(
      {
        url,
        title,
        // Each connection is given at least one a second.
        connections: isPaced ? Math.max(1, Math.min(connections, Math.floor(perSecond))) : connections,
        duration: Math.max(1, Math.ceil(durationMs / 1000)),
        timeout: Math.ceil(timeoutMs / 1000),
        requests: [request],
        ...(isPaced ? { overallRate: Math.max(1, Math.round(perSecond)), ignoreCoordinatedOmission: true } : {}),
      },
      (error: Error | null, result: Result) => (error === null || error === undefined ? resolve(result) : reject(error)),
    );
  });
}
