// Fan-out in both modes: order, closes, queues, and how often it writes.
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { createFanOut, FlushingWebSocket } from "./fan-out.ts";
import { encodeTextFrame } from "./frame-chain.ts";
import type { Outbox } from "./outbox.ts";
import { startTestServer } from "./testing/in-process-server.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** Opens connections to one server, each with its outbox and the texts that its client received. */
async function start(mode: "batched" | "unbatched", count: number, perMessageDeflate = false) {
  const fanOut = createFanOut(mode);
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true, WebSocket: FlushingWebSocket, perMessageDeflate });
  const accepted: { socket: FlushingWebSocket; tcp: Socket; outbox: Outbox }[] = [];
  server.on("upgrade", (request, tcp: Socket, head) => {
    sockets.handleUpgrade(request, tcp, head, (socket) => {
      accepted.push({ socket, tcp, outbox: fanOut.createOutbox(socket, tcp, () => {}) });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const connections = [];
  for (let index = 0; index < count; index++) {
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const received: string[] = [];
    client.on("message", (data) => received.push(data.toString()));
    await once(client, "open");
    connections.push({ client, received, ...accepted[index]! });
    stops.push(() => client.terminate());
  }
  stops.push(() => server.close());
  return { fanOut, connections };
}

describe.each(["batched", "unbatched"] as const)("fan-out, %s", (mode) => {
  test("keeps the order per connection, for any mix of shared and single frames", async () => {
    const { fanOut, connections } = await start(mode, 4);
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({ to: fc.subarray([0, 1, 2, 3]) }),
            fc.record({ own: fc.integer({ min: 0, max: 3 }) }),
            fc.constant("turn" as const),
          ),
          { maxLength: 60 },
        ),
        async (steps) => {
          const expected: string[][] = [[], [], [], []];
          for (const step of steps) {
            if (step === "turn") await new Promise(setImmediate);
            else {
              const text = `frame ${sent++} ${"é".repeat(sent % 200)}`;
              const event = { text };
              for (const index of "to" in step ? step.to : [step.own]) {
                if ("to" in step) connections[index]!.outbox.sendShared(event);
                else connections[index]!.outbox.send(text);
                expected[index]!.push(text);
              }
            }
          }
          for (const [index, { received }] of connections.entries()) {
            await vi.waitUntil(() => received.length >= expected[index]!.length, { timeout: 10_000, interval: 1 });
            expect(received.splice(0)).toEqual(expected[index]);
          }
        },
      ),
      { numRuns: 50 },
    );
    expect(fanOut.delivered).toBeGreaterThan(0);
  });

  test("keeps the order per connection, for any mix of rooms, replies, joins and leaves", async () => {
    const { fanOut, connections } = await start(mode, 4);
    const subscribers = connections.map(({ outbox }, index) => ({
      member: { clientId: `c-${index}`, userId: "u", username: "u" },
      outbox,
      onEvent: (event: { text: string }) => outbox.sendShared(event),
      onEphemeral() {},
      onStateLost() {},
    }));
    let sent = 0;
    const connection = fc.integer({ min: 0, max: 3 });
    const room = fc.integer({ min: 0, max: 1 });
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ room }) },
      { weight: 2, arbitrary: fc.record({ own: connection }) },
      { weight: 2, arbitrary: fc.record({ join: connection, room }) },
      { weight: 1, arbitrary: fc.record({ leave: connection, room }) },
      { weight: 1, arbitrary: fc.constant("turn" as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const rooms = [0, 1].map(() => ({ audience: fanOut.createAudience(), members: new Set<number>() }));
        const expected: string[][] = [[], [], [], []];
        for (const one of steps) {
          if (one === "turn") {
            await new Promise(setImmediate);
            continue;
          }
          const text = `frame ${sent++}`;
          if ("own" in one) {
            connections[one.own]!.outbox.send(text);
            expected[one.own]!.push(text);
            continue;
          }
          const { audience, members } = rooms[one.room]!;
          if ("join" in one) {
            audience.add(subscribers[one.join]!);
            members.add(one.join);
          } else if ("leave" in one) {
            audience.delete(subscribers[one.leave]!);
            members.delete(one.leave);
          } else {
            audience.send({ room: `${one.room}`, epoch: "e", seq: sent, text, excludeClientId: null });
            for (const index of members) expected[index]!.push(text);
          }
        }
        for (const [index, { received }] of connections.entries()) {
          await vi.waitUntil(() => received.length >= expected[index]!.length, { timeout: 10_000, interval: 1 });
          expect(received.splice(0)).toEqual(expected[index]);
        }
      }),
      {
        numRuns: 100,
        // A member that joins again while the room's frames wait gets none of them twice.
        examples: [[[{ join: 3, room: 1 }, { room: 1 }, { join: 3, room: 1 }, { room: 1 }]]],
      },
    );
  });

  test("frames sent before a close arrive before it, whoever closes", async () => {
    const { connections } = await start(mode, 2);
    const [ours, theirs] = connections;
    ours!.outbox.send("last words");
    ours!.socket.close(1000);
    await once(ours!.client, "close");
    expect(ours!.received).toEqual(["last words"]);
    // The message and the close come in one packet, so that both are read in one turn.
    theirs!.socket.on("message", () => theirs!.outbox.send("answer"));
    const wire = (theirs!.client as unknown as { _socket: Socket })._socket;
    wire.cork();
    theirs!.client.send("question");
    theirs!.client.close(1000);
    wire.uncork();
    await once(theirs!.client, "close");
    expect(theirs!.received).toEqual(["answer"]);
  });

  test("sends nothing to a closed connection and does not throw", async () => {
    const { connections } = await start(mode, 2);
    const [gone, here] = connections;
    gone!.tcp.destroy();
    for (const { outbox } of connections) outbox.sendShared({ text: "anyone?" });
    await vi.waitUntil(() => here!.received.length === 1, { timeout: 10_000 });
  });

  test("counts the bytes of a client that does not read", async () => {
    const { connections } = await start(mode, 1);
    const [{ client, outbox }] = connections as [(typeof connections)[0]];
    client.pause();
    const text = "x".repeat(100_000);
    await vi.waitUntil(
      () => {
        outbox.send(text);
        return outbox.queuedBytes > 1_000_000;
      },
      { timeout: 20_000, interval: 1 },
    );
  });

  test("the server sends the same frames in both modes", async () => {
    const server = await startTestServer({}, createFanOut(mode));
    stops.push(() => server.drain());
    const [ada, bob] = [await server.connect("ada"), await server.connect("bob")];
    for (const client of [ada, bob]) await client.request("join_room", { room: "lobby" });
    await ada.fence();
    for (let count = 0; count < 30; count++) {
      ada.send({ type: "chat", id: `c${count}`, payload: { room: "lobby", content: `${count}` } });
      if (count % 3 === 0) ada.send({ type: "ping", id: `p${count}`, payload: count });
    }
    const frames = await ada.fence();
    const replies = frames.flatMap(({ replyTo }) => replyTo ?? []);
    expect(replies).toEqual(
      Array.from({ length: 30 }, (_, index) => (index % 3 === 0 ? [`c${index}`, `p${index}`] : [`c${index}`])).flat(),
    );
    const contents = (await bob.fence()).flatMap(({ type, payload }) => (type === "message" ? [payload.content] : []));
    expect(contents).toEqual(Array.from({ length: 30 }, (_, index) => `${index}`));
  });
});

describe("batched fan-out", () => {
  test("writes once per connection and turn, and shares the bytes of equal frames", async () => {
    const { connections } = await start("batched", 3);
    const written = connections.map(({ tcp }) => {
      const chunks: unknown[] = [];
      const write = tcp.write.bind(tcp) as (chunk: unknown) => boolean;
      tcp.write = ((chunk: unknown) => {
        chunks.push(chunk);
        return write(chunk);
      }) as typeof tcp.write;
      return chunks;
    });
    for (let count = 0; count < 10; count++) {
      const event = { text: `shared ${count}` };
      for (const { outbox } of connections) outbox.sendShared(event);
      if (count === 4) connections[2]!.outbox.send("own");
    }
    await vi.waitUntil(() => connections.every(({ received }) => received.length >= 10), { timeout: 10_000 });
    expect(written.map((chunks) => chunks.length)).toEqual([1, 1, 1]);
    expect(written[1]![0]).toBe(written[0]![0]);
    expect(connections[2]!.received[5]).toBe("own");
  });

  test("falls back to ws with an extension or an unexpected socket", async () => {
    const { connections } = await start("batched", 1, true);
    expect(connections[0]!.client.extensions).not.toBe("");
    expect(connections[0]!.socket.outbox).toBeUndefined();
    const { connections: others } = await start("batched", 1);
    const elsewhere = connect(9, "127.0.0.1");
    elsewhere.on("error", () => {});
    stops.push(() => elsewhere.destroy());
    others[0]!.socket.outbox = undefined;
    const outbox = createFanOut().createOutbox(others[0]!.socket, elsewhere, () => {});
    expect(others[0]!.socket.outbox).toBeUndefined();
    outbox.send("by ws");
    await vi.waitUntil(() => others[0]!.received.length === 1, { timeout: 10_000 });
  });

  test.each([0, 125, 126, 65_535, 65_536])("frames %i bytes as RFC 6455 says", (length) => {
    const frame = encodeTextFrame("x".repeat(length));
    const header =
      length < 126
        ? [0x81, length]
        : length < 65_536
          ? [0x81, 126, length >> 8, length & 255]
          : [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0];
    expect([...frame.subarray(0, header.length)]).toEqual(header);
    expect(frame.length).toBe(header.length + length);
  });
});
