// Servers of known delay for tests, over WebSocket and HTTP. Each answers after a fixed time, may stall once, and keeps when it answered.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { nowMs } from "../load/clock.ts";

export interface Delay {
  /** Of each answer. */
  readonly delayMs: number;
  /** From request `at` on, counted from 0, nothing is taken up for `forMs`; what came in that time is, at its end. */
  readonly stall?: { readonly at: number; readonly forMs: number };
}

export interface DelayedServer {
  readonly url: string;
  /** When each request that counts was answered, in the order in which they came, on the generator's clock. */
  readonly answeredMs: readonly number[];
  stop(): Promise<void>;
}

function createSchedule({ delayMs, stall }: Delay) {
  const answeredMs: number[] = [];
  let count = 0;
  let stalledUntilMs = 0;
  return {
    answeredMs,
    /** Takes a request that counts up; `answer` is called when it is time. */
    take(answer: () => void): void {
      const index = count++;
      const atMs = nowMs();
      if (index === stall?.at) stalledUntilMs = atMs + stall.forMs;
      const dueMs = Math.max(atMs, stalledUntilMs) + delayMs;
      // Timers are early by up to a millisecond.
      const wait = () => {
        const leftMs = dueMs - nowMs();
        if (leftMs > 0) {
          setTimeout(wait, leftMs);
          return;
        }
        answer();
        answeredMs[index] = nowMs();
      };
      wait();
    },
  };
}

/**
 * Echoes each text.
 * @param counts which texts are delayed; others, such as those of the first contact, are answered at once
 */
export async function startDelayedEcho(delay: Delay, counts: (text: string) => boolean): Promise<DelayedServer> {
  const { take, answeredMs } = createSchedule(delay);
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) => {
    socket.on("message", (data) => {
      const text = String(data);
      if (counts(text)) take(() => socket.send(text));
      else socket.send(text);
    });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    answeredMs,
    async stop() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers each request with 200. */
export async function startDelayedHttp(delay: Delay): Promise<DelayedServer> {
  const { take, answeredMs } = createSchedule(delay);
  const server = createServer((_request, response) => take(() => response.end("ok")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    answeredMs,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
