// A reconnect storm: the server dies under its clients, starts again on its port, and all come back within a second. Several times.
import { freePort } from "../test-redis.ts";
import { RawSocket } from "./raw-socket.ts";
import { type ServerProcess, startServerProcess, tokenOf } from "./server-process.ts";

/** Time over which the clients come back, in ms. */
const spreadMs = 1_000;
/** A connection that has not got its `connected` by then counts as refused. */
const timeoutMs = 60_000;

export interface StormResult {
  readonly clients: number;
  readonly storms: number;
  /** Connections that were refused, closed or never greeted, over all storms. */
  readonly refused: number;
  /** Why, and how many. */
  readonly reasons: Readonly<Record<string, number>>;
  /** From the first attempt to the last `connected`, in ms; the longest of all storms. */
  readonly longestMs: number;
  /** CPU of the server for one client that comes back, in ms. */
  readonly cpuMsPerClient: number;
  /** Heap of one client, and what the heap of a server has grown by when all its clients are gone after the last storm. */
  readonly heapBytesPerClient: number;
  readonly leakedBytes: number;
  readonly leakedDescriptors: number;
}

/**
 * @param clients at most what the descriptor limit allows
 * @param storms the first after a restart of the server, the others when all clients lose their connection at once
 */
export async function runReconnectStorm({
  clients,
  storms,
}: {
  readonly clients: number;
  readonly storms: number;
}): Promise<StormResult> {
  const port = await freePort();
  const tokens = await Promise.all(Array.from({ length: clients }, (_, index) => tokenOf(`user-${index}`)));
  // One process makes all the connections: on a busy machine its requests may be late.
  const env = { PORT: `${port}`, HEADERS_TIMEOUT_MS: `${timeoutMs}` };
  const reasons = new Map<string, number>();
  let server = await startServerProcess(env);
  let sockets: RawSocket[] = [];
  const count = { refused: 0, longestMs: 0, cpuMs: 0 };
  try {
    // The first connections are not a storm: the server has what it needs before it is measured.
    sockets = (await connectAll(port, tokens, reasons)).sockets;
    let base = { heapBytes: 0, descriptors: 0 };
    let full = 0;
    for (let storm = 0; storm < storms; storm++) {
      if (storm === 0) {
        await server.stop("SIGKILL");
        server = await startServerProcess(env);
      } else {
        for (const { socket } of sockets) socket.destroy();
        await allGone(server);
        if (storm === 1) base = await server.probe();
      }
      const before = (await server.probe()).cpuMs;
      const round = await connectAll(port, tokens, reasons);
      sockets = round.sockets;
      const probe = await server.probe();
      count.refused += clients - round.sockets.length;
      count.longestMs = Math.max(count.longestMs, round.tookMs);
      count.cpuMs += probe.cpuMs - before;
      full = probe.heapBytes;
    }
    for (const { socket } of sockets) socket.destroy();
    await allGone(server);
    const end = await server.probe();
    return {
      clients,
      storms,
      refused: count.refused,
      reasons: Object.fromEntries(reasons),
      longestMs: count.longestMs,
      cpuMsPerClient: count.cpuMs / (clients * storms),
      heapBytesPerClient: (full - base.heapBytes) / clients,
      leakedBytes: end.heapBytes - base.heapBytes,
      leakedDescriptors: end.descriptors - base.descriptors,
    };
  } finally {
    for (const { socket } of sockets) socket.destroy();
    await server.stop("SIGKILL");
  }
}

async function connectAll(
  port: number,
  tokens: readonly string[],
  reasons: Map<string, number>,
): Promise<{ sockets: RawSocket[]; tookMs: number }> {
  const startedAt = performance.now();
  const all = await Promise.all(
    tokens.map(async (token) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * spreadMs));
      return greeted(port, token).catch(({ message }: Error) => {
        reasons.set(message, (reasons.get(message) ?? 0) + 1);
        return undefined;
      });
    }),
  );
  return { sockets: all.filter((one) => one !== undefined), tookMs: performance.now() - startedAt };
}

/** A connection that has got its first message. */
function greeted(port: number, token: string): Promise<RawSocket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("never greeted")), timeoutMs);
    let raw: RawSocket | undefined;
    let isGreeted = false;
    const settle = (): void => {
      if (raw === undefined || !isGreeted) return;
      clearTimeout(timer);
      if (raw.closeCode === undefined) resolve(raw);
      else reject(new Error(`closed with ${raw.closeCode}`));
    };
    RawSocket.open(port, token, () => {
      isGreeted = true;
      settle();
    }).then((opened) => {
      raw = opened;
      settle();
    }, reject);
  });
}

/** Resolves when the server has no connection left. */
async function allGone(server: ServerProcess): Promise<void> {
  while ((await server.metric("wsproof_connections")) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
}
