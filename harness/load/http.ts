// autocannon, as this harness uses it: a rate without its correction for coordinated omission, which assumes answers within 1 ms.
import { isMainThread } from "node:worker_threads";
import type { Request, Result } from "autocannon";
import autocannon from "autocannon";
import { encodedStatistics } from "./histogram.ts";

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
    const options = {
      url,
      title,
      // Each connection is given at least one a second.
      connections: isPaced ? Math.max(1, Math.min(connections, Math.floor(perSecond))) : connections,
      duration: Math.max(1, Math.ceil(durationMs / 1000)),
      timeout: Math.ceil(timeoutMs / 1000),
      requests: [request],
      ...(hangsUp === true ? { setupClient: forgetOnReconnect } : {}),
      ...(isPaced ? { overallRate: Math.max(1, Math.round(perSecond)), ignoreCoordinatedOmission: true } : {}),
    };
    autocannon(options, (error: Error | null, result: Result) =>
      error === null || error === undefined ? resolve(isMainThread ? result : aggregated(result, options)) : reject(error),
    );
  });
}

/** In a thread of ours autocannon takes itself for a worker of its own, and gives what its lead would put together. */
function aggregated(part: unknown, options: object): Result {
  const { requests, throughput } = part as { readonly requests: string; readonly throughput: string };
  const whole = (autocannon as unknown as Aggregates).aggregateResult([part], options);
  return {
    ...whole,
    requests: { ...whole.requests, ...encodedStatistics(requests) },
    throughput: { ...whole.throughput, ...encodedStatistics(throughput) },
  };
}

/** Missing in the types. It leaves out what is counted by the second. */
interface Aggregates {
  aggregateResult(parts: readonly unknown[], options: object): Result;
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
