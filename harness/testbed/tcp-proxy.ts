// A TCP proxy between one node and Redis. It can be cut and healed, and may delay packets.
import net from "node:net";
import { createDelay } from "./delayed-writer.ts";

/** `reset`: connections end and new ones are refused. `silence`: all stay open and nothing passes, as when a cable is pulled. */
export type Cut = "reset" | "silence";

export interface TcpProxy {
  readonly port: number;
  cut(how: Cut): void;
  /** After a silence the held packets arrive late, as with TCP. */
  heal(): void;
  close(): Promise<void>;
}

export interface Latency {
  /** Each packet takes from half of this to one and a half; those of one direction keep their order. */
  readonly delayMs: number;
  readonly seed: number;
}

/**
 * Listens on a free port of 127.0.0.1 and passes everything on to `port` there.
 * @param latency default: none
 */
export async function startTcpProxy(port: number, latency?: Latency): Promise<TcpProxy> {
  const sockets = new Set<net.Socket>();
  const waiting: net.Socket[] = [];
  let cut: Cut | undefined;
  let directions = 0;

  function keep(socket: net.Socket): net.Socket {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined); // `close` tells
    socket.on("close", () => sockets.delete(socket));
    return socket;
  }

  function join(near: net.Socket): void {
    if (near.destroyed) return;
    const far = keep(net.connect({ host: "127.0.0.1", port }));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      const enqueue = createDelayQueue(latency, directions++);
      // Not `pipe`: an end on one side would resume what a silence holds.
      from.on("data", (bytes) => {
        enqueue(() => {
          if (!to.destroyed && !to.write(bytes)) from.pause();
        });
      });
      to.on("drain", () => {
        if (cut !== "silence") from.resume();
      });
      from.on("close", () => enqueue(() => to.destroy()));
    }
    near.resume();
  }

  const server = net.createServer({ pauseOnConnect: true }, (near) => {
    if (cut === "reset") return near.resetAndDestroy();
    keep(near);
    if (cut === "silence") waiting.push(near);
    else join(near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    cut(how) {
      cut = how;
      for (const socket of sockets) {
        if (how === "reset") socket.resetAndDestroy();
        else socket.pause();
      }
    },
    heal() {
      cut = undefined;
      for (const socket of sockets) if (!waiting.includes(socket)) socket.resume();
      for (const near of waiting.splice(0)) join(near);
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Runs each action at once, or after its delay and in order. */
function createDelayQueue(latency: Latency | undefined, stream: number): (action: () => void) => void {
  if (latency === undefined) return (action) => action();
  const { delayMs, seed } = latency;
  const jitterMs = createDelay({ seed, jitterMs: delayMs }, stream);
  const queue: (() => void)[] = [];
  let lastMs = 0;
  return (action) => {
    const nowMs = performance.now();
    lastMs = Math.max(lastMs, nowMs + delayMs / 2 + jitterMs());
    // Node's timers that are due in the same millisecond but were set with different delays may run in another order.
    queue.push(action);
    setTimeout(() => queue.shift()?.(), lastMs - nowMs);
  };
}
