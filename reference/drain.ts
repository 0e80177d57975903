// Graceful shutdown: announce it, close in batches, wait for the close frames of the clients, terminate the rest.
import { closeCodes } from "../generated/protocol.gen.ts";

/** A connection that can be drained. */
export interface Drainable {
  announceShutdown(reason: string, reconnectWithinMs: number): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export interface DrainPlan {
  /** Time over which the closes are spread. */
  readonly drainMs: number;
  readonly reconnectWithinMs: number;
}

const batches = 20;
/** How long clients may take to answer the close frame. */
const closeTimeoutMs = 2_000;
const reason = "restart";

/**
 * @param connections live: a connection that ends leaves the set, and one that is added late is closed last
 * @param sleep waits for the given ms
 */
export async function drain(
  connections: ReadonlySet<Drainable>,
  { drainMs, reconnectWithinMs }: DrainPlan,
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  for (const connection of connections) connection.announceShutdown(reason, reconnectWithinMs);
  const waiting = [...connections];
  const batchSize = Math.ceil(waiting.length / batches);
  while (waiting.length > 0) {
    for (const connection of waiting.splice(0, batchSize)) closeForRestart(connection);
    if (waiting.length > 0) await sleep(drainMs / batches);
  }
  for (const connection of connections) closeForRestart(connection);
  for (let waitedMs = 0; connections.size > 0 && waitedMs < closeTimeoutMs; waitedMs += 20) await sleep(20);
  for (const connection of connections) connection.terminate();
}

function closeForRestart(connection: Drainable): void {
  connection.close(closeCodes.SERVICE_RESTART.code, reason);
}
