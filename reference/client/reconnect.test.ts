// When the client reconnects: it never hammers a server, never waits for one that hangs, and heeds the browser's network and the user.
import { describe, expect, test } from "vitest";
import { closeCodes } from "../../generated/protocol.gen.ts";
import { connected, createBench } from "../testing/client-bench.ts";
import { createTime } from "../testing/fake-server.ts";
import { type ClientOptions, createClient } from "./client.ts";
import type { Socket, SocketEvents } from "./socket.ts";

/** A client whose sockets a test drives by hand. */
function createManual(options: Partial<ClientOptions> = {}) {
  const time = createTime();
  const sockets: { readonly events: SocketEvents; readonly socket: Socket & { closed: boolean; readyState: number } }[] = [];
  const client = createClient({
    url: "ws://manual/ws",
    token: () => "token",
    openSocket: (_url, _protocols, events) => {
      const socket = {
        closed: false,
        readyState: 1,
        send: () => undefined,
        close() {
          this.closed = true;
        },
      };
      sockets.push({ events, socket });
      return socket;
    },
    dependencies: time,
    ...options,
  });
  const problems: unknown[] = [];
  client.on("problem", ({ error }) => problems.push(error));
  return { time, client, sockets, problems };
}

describe("a server that greets and closes at once is not hammered", () => {
  test.each(Object.values(closeCodes).map(({ code, reconnect }) => [code, reconnect] as const))(
    "with %d",
    async (code, reconnect) => {
      const bench = createBench();
      bench.client.on("state", (state) => state === "connected" && bench.time.setTimer(1, () => bench.server.close(code)));
      bench.client.connect();
      await bench.time.advance(60_000);
      if (reconnect === "stop") expect([bench.client.state, bench.server.handshakes]).toEqual(["closed", 1]);
      else if (reconnect === "fresh-token") expect([bench.stopped, bench.server.handshakes]).toEqual([[code], 2]);
      else expect(bench.server.handshakes).toBeLessThan(15);
    },
  );

  test("with an announced window of 0 ms", async () => {
    const bench = createBench();
    bench.client.on("state", (state) => state === "connected" && bench.server.shutdown(0));
    bench.client.connect();
    await bench.time.advance(60_000);
    expect(bench.server.handshakes).toBeLessThan(15);
  });
});

test("the back-off starts anew after a connection that lived", async () => {
  const bench = createBench();
  bench.server.refuseWith(1006);
  bench.client.connect();
  await bench.time.advance(120_000);
  bench.server.refuseWith(undefined);
  await bench.time.advance(45_000);
  expect(bench.client.state).toBe("connected");
  const before = bench.server.handshakes;
  bench.server.close(4001);
  await bench.time.advance(10);
  expect(bench.server.handshakes).toBe(before + 1);
});

describe("a server that hangs", () => {
  test("never answers the upgrade", async () => {
    const { time, client, sockets } = createManual();
    client.connect();
    await time.advance(60_000);
    expect(sockets.length).toBeGreaterThan(2);
    expect(sockets.slice(0, -1).every(({ socket }) => socket.closed)).toBe(true);
  });

  test("never sends the first message", async () => {
    const { time, client, sockets } = createManual();
    client.connect();
    await time.advance(10);
    sockets[0]!.events.opened();
    await time.advance(9_000);
    expect(sockets).toHaveLength(1);
    await time.advance(60_000);
    expect(sockets.length).toBeGreaterThan(2);
  });

  test("fails without a close event, as the WebSocket of Node 22", async () => {
    const { time, client, sockets } = createManual();
    client.connect();
    await time.advance(10);
    sockets[0]!.events.failed();
    await time.advance(3_000);
    expect(sockets).toHaveLength(2);
  });

  test("sends a close frame and leaves TCP open", async () => {
    const { time, client, sockets } = createManual();
    client.connect();
    await time.advance(10);
    sockets[0]!.events.opened();
    sockets[0]!.socket.readyState = 2;
    await time.advance(6_000);
    expect(sockets).toHaveLength(2);
  });

  test("never replies to a request: the chat is repeated on the next connection", async () => {
    const bench = await connected();
    bench.server.misbehave("lose-reply");
    const chat = bench.client.chat("lobby", "once");
    await bench.time.advance(60_000);
    await expect(chat).resolves.toMatchObject({ epoch: "e1" });
    expect([bench.server.handshakes, bench.server.log("lobby")]).toEqual([2, ["once"]]);
  });
});

describe("a token function", () => {
  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("no token");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no token"))],
    ["returns nothing", () => undefined],
    ["returns a number", () => 7],
    ["never settles", () => new Promise(() => undefined)],
  ])("that %s is asked again, with growing pauses", async (_, token) => {
    let calls = 0;
    const { time, client, sockets } = createManual({
      token: (() => {
        calls++;
        return token();
      }) as () => string,
    });
    client.connect();
    await time.advance(300_000);
    expect(sockets).toEqual([]);
    expect(calls).toBeGreaterThan(3);
    expect(calls).toBeLessThan(40);
    client.close();
    await time.advance(0);
    expect(time.pending()).toBe(0);
  });

  test("may return any text", async () => {
    const { time, client, sockets } = createManual({ token: () => "ünï ✓ \ud800" });
    client.connect();
    await time.advance(10);
    expect(sockets).toHaveLength(1);
  });
});

test.each(["not a url", "ftp://127.0.0.1", "ws://127.0.0.1/#part", "", undefined, 7, {}])(
  "a URL that is none stops the client: %s",
  async (url) => {
    // The class of the package ws, as on Node 20.
    const { standardSockets } = await import("./socket.ts");
    const { WebSocket } = await import("ws");
    const { time, client, problems } = createManual({ url: url as string, openSocket: standardSockets(WebSocket) });
    const stopped: unknown[] = [];
    client.on("stopped", (value) => stopped.push(value));
    const chat = expect(client.chat("lobby", "x")).rejects.toMatchObject({ code: "CLOSED" });
    client.connect();
    await time.advance(10);
    await chat;
    expect(stopped).toEqual([{ code: undefined, reason: expect.any(String) }]);
    expect(problems).toHaveLength(1);
    await expect(client.ping(1)).rejects.toMatchObject({ code: "CLOSED" });
  },
);

describe("an expiry", () => {
  test.each([
    ["in the past", -3_600_000],
    ["now", 0],
    ["in 2 s", 2_000],
  ])("%s does not make the client hammer", async (_, tokenLifeMs) => {
    const bench = createBench({ tokenLifeMs });
    let sent = 0;
    bench.client.on("frame", ({ direction }) => direction === "out" && sent++);
    bench.client.connect();
    await bench.time.advance(60_000);
    expect(sent).toBeLessThan(20);
    expect(bench.server.handshakes).toBe(1);
  });
});

describe("retryNow", () => {
  test("ends the wait, and twice a second at most", async () => {
    const bench = createBench();
    bench.server.refuseWith(1013);
    bench.client.on("waiting", () => bench.client.retryNow());
    bench.client.connect();
    await bench.time.advance(5_000);
    expect(bench.server.handshakes).toBeGreaterThan(5);
    expect(bench.server.handshakes).toBeLessThan(12);
  });

  test("connect() within `stopped` reconnects, and twice a second at most", async () => {
    const bench = createBench();
    bench.server.refuseWith(4400);
    bench.client.on("stopped", () => bench.client.connect());
    bench.client.connect();
    await bench.time.advance(5_000);
    expect(bench.server.handshakes).toBeGreaterThan(5);
    expect(bench.server.handshakes).toBeLessThan(12);
  });
});

describe("in a browser", () => {
  function createEnvironment() {
    const listeners = new Set<() => void>();
    const state = { online: true, visible: true };
    return {
      set(change: Partial<typeof state>) {
        Object.assign(state, change);
        for (const listener of [...listeners]) listener();
      },
      subscribers: () => listeners.size,
      isOnline: () => state.online,
      isVisible: () => state.visible,
      subscribe(changed: () => void) {
        listeners.add(changed);
        return () => listeners.delete(changed);
      },
    };
  }

  test("the client rests while offline, and comes back with the network", async () => {
    const environment = createEnvironment();
    const bench = createBench({ environment });
    bench.client.connect();
    await bench.time.advance(20_000);
    environment.set({ online: false });
    bench.server.refuseWith(1006);
    bench.server.cut();
    await bench.time.advance(29_000);
    expect(bench.server.handshakes).toBe(1);
    bench.server.refuseWith(undefined);
    environment.set({ online: true });
    await bench.time.advance(10);
    expect([bench.client.state, bench.server.handshakes]).toEqual(["connected", 2]);
  });

  test("a hidden page rests while its server fails, and retries when it is seen", async () => {
    const environment = createEnvironment();
    const bench = createBench({ environment });
    environment.set({ visible: false });
    bench.server.refuseWith(1006);
    bench.client.connect();
    await bench.time.advance(25_000);
    expect(bench.server.handshakes).toBe(2);
    bench.server.refuseWith(undefined);
    environment.set({ visible: true });
    await bench.time.advance(10);
    expect(bench.client.state).toBe("connected");
  });

  test("a connection that died meanwhile is found at once", async () => {
    const environment = createEnvironment();
    const bench = createBench({ environment });
    bench.client.connect();
    await bench.time.advance(15_000);
    bench.server.misbehave("say-nothing");
    environment.set({ visible: true });
    await bench.time.advance(11_000);
    expect(bench.server.handshakes).toBe(2);
    bench.client.close();
    expect(environment.subscribers()).toBe(0);
  });
});
