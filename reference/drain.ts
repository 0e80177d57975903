// Going away in good order: tell everyone, close in batches, wait for the goodbyes, end what is left.
import { closeCodes } from "../generated/protocol.gen.ts";

/** What the drain needs of a connection. */
export interface Drainable {
  announceShutdown(reason: string, reconnectWithinMs: number): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export interface DrainPlan {
  /** Time over which connections are closed. */
  readonly drainMs: number;
  readonly reconnectWithinMs: number;
}

const batches = 20;
/** How long a client has to answer the last close frame. */
const goodbyeMs = 2_000;
const reason = "restart";

/**
 * @param connections live: those that end on their own vanish from it, those that come late are closed in the last batch
 * @param sleep waits so many ms
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
    for (const connection of waiting.splice(0, batchSize)) sayGoodbye(connection);
    if (waiting.length > 0) await sleep(drainMs / batches);
  }
  for (const connection of connections) sayGoodbye(connection);
  for (let waitedMs = 0; connections.size > 0 && waitedMs < goodbyeMs; waitedMs += 20) await sleep(20);
  for (const connection of connections) connection.terminate();
}

function sayGoodbye(connection: Drainable): void {
  connection.close(closeCodes.SERVICE_RESTART.code, reason);
}
