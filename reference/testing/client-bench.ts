// A client, a fake server and a fake clock, wired together for the client's tests.
import { type ClientOptions, createClient, type Environment, type RoomsClient } from "../client/client.ts";
import { createFakeServer, createTime, type FakeServer, type FakeServerOptions } from "./fake-server.ts";

export interface Bench {
  readonly time: ReturnType<typeof createTime>;
  readonly server: FakeServer;
  readonly client: RoomsClient;
  /** What the application saw of the room. */
  readonly seen: string[];
  readonly gaps: unknown[];
  readonly stopped: (number | undefined)[];
}

export interface BenchOptions extends FakeServerOptions, Pick<ClientOptions, "outboxSize"> {
  readonly token?: ClientOptions["token"];
  readonly environment?: Environment;
  /** How long a timer of the client takes that was set for `ms`. Default: just so long. */
  readonly timerTakes?: (ms: number, nowMs: number) => number;
  /** Until the client reads what has arrived. Default 0. */
  readonly unreadMs?: number;
}

export function createBench(options: BenchOptions = {}): Bench {
  const { timerTakes = (ms) => ms, unreadMs = 0 } = options;
  const time = createTime();
  const server = createFakeServer(time, options);
  let tokens = 0;
  const client = createClient({
    url: "ws://fake/ws",
    token: options.token ?? (() => `token-${++tokens}`),
    openSocket: (url, protocols, events) =>
      server.openSocket(url, protocols, {
        ...events,
        message: (text) => (unreadMs === 0 ? events.message(text) : void time.setTimer(unreadMs, () => events.message(text))),
      }),
    dependencies: {
      ...time,
      setTimer: (ms, run) => time.setTimer(timerTakes(ms, time.nowMs()), run),
      environment: options.environment ?? time.environment,
    },
    ...(options.outboxSize === undefined ? {} : { outboxSize: options.outboxSize }),
  });
  const bench: Bench = { time, server, client, seen: [], gaps: [], stopped: [] };
  client.on("message", (message) => message.type === "message" && bench.seen.push(message.payload.content));
  client.on("gap", (gap) => bench.gaps.push(gap));
  client.on("stopped", ({ code }) => bench.stopped.push(code));
  return bench;
}

export async function connected(options: BenchOptions = {}): Promise<Bench> {
  const bench = createBench(options);
  bench.client.connect();
  void bench.client.join("lobby");
  await bench.time.advance(100);
  if (bench.client.state !== "connected") throw new Error(`expected a connected client, got ${bench.client.state}`);
  return bench;
}
