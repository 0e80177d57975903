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
  /** Whether the server hangs up after each answer, default false. */
  readonly hangsUp?: boolean;
}

/** Resolves with autocannon's result. */
export function fire({ url, title, connections, perSecond, durationMs, timeoutMs, request, hangsUp }: Barrage): Promise<Result> {
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
        ...(hangsUp === true ? { setupClient: forgetOnReconnect } : {}),
        ...(isPaced ? { overallRate: Math.max(1, Math.round(perSecond)), ignoreCoordinatedOmission: true } : {}),
      },
      (error: Error | null, result: Result) => (error === null || error === undefined ? resolve(result) : reject(error)),
    );
  });
}

/**
 * autocannon writes its next request before it sees the hang-up, and goes on to time that one, which nobody answers, in place of those
 * that come after: so that its latencies would grow with every reconnect. What was not answered is forgotten with its connection.
 */
function forgetOnReconnect(client: object): void {
  const internals = client as { _connect?: () => void; pipelinedRequests?: { clear?: () => void } };
  const connect = internals._connect?.bind(client);
  if (connect === undefined) return;
  internals._connect = () => {
    internals.pipelinedRequests?.clear?.();
    connect();
  };
}
