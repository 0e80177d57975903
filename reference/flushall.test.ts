// FLUSHALL at run time, seen by clients of two servers: an acknowledged message has reached every member, or the member is told (4003).
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeCodes } from "../generated/protocol.gen.ts";
import { startTestServer, type TestClient, type TestServer } from "./testing/in-process-server.ts";
import { until } from "./testing/test-node.ts";
import { TestRedis } from "./testing/test-redis.ts";

let redis: TestRedis;
let servers: TestServer[] = [];
beforeAll(async () => {
  redis = await TestRedis.start();
  servers = await Promise.all([1, 2].map(() => startTestServer({ REDIS_URL: redis.url })));
  await until("both are ready", () => servers.every(({ hub }) => hub.available));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.drain()));
  await redis.stop();
});

const membersPerServer = 3;

/** Chats until its connection ends. @returns the contents that were acknowledged */
async function chat(client: TestClient, name: string): Promise<string[]> {
  const acked: string[] = [];
  for (let count = 0; ; count++) {
    const content = `${name}-${count}`;
    const reply = await client.request("chat", { room: "lobby", content }).catch(() => undefined);
    if (reply === undefined) return acked;
    if (reply.type === "ack") acked.push(content);
    else await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test.each([1, 2, 3])("what was acknowledged and lost is told to those that it concerns (round %i)", async (round) => {
  await until("both are ready", () => servers.every(({ hub }) => hub.available));
  const names = servers.flatMap((_, server) =>
    Array.from({ length: membersPerServer }, (_, index) => `u${round}-${server}-${index}`),
  );
  const clients = await Promise.all(names.map((name, index) => servers[index % servers.length]!.connect(name)));
  const idle = await servers[0]!.connect(`idle-${round}`);
  for (const client of clients) await client.request("join_room", { room: "lobby" });
  const received = clients.map((client) => {
    const contents: string[] = [];
    client.socket.on("message", (data) => {
      const { type, payload } = JSON.parse(data.toString());
      if (type === "message") contents.push(payload.content);
    });
    return contents;
  });
  const talks = clients.slice(0, 2).map((client, index) => chat(client, names[index]!));
  await until("they talk", () => received.every((contents) => contents.length > 20));
  await redis.run("FLUSHALL");
  // Everybody is told, whoever was in a room and whoever was in none: their broadcasts may be missing.
  const codes = await Promise.all([...clients, idle].map(async ({ closed }) => (await closed).code));
  expect(new Set(codes)).toEqual(new Set([closeCodes.STATE_LOST.code]));
  const acked = (await Promise.all(talks)).flat();
  expect(acked.length).toBeGreaterThan(20);
  // Nobody has got anything twice.
  for (const contents of received) expect(new Set(contents).size).toBe(contents.length);
  // A node that has just lost its lease closes with 1013 until it has a new one.
  let again: TestClient | undefined;
  await until("it takes connections again", async () => {
    again = await servers[1]!.connect(`again-${round}`).catch(() => undefined);
    return again !== undefined;
  });
  await until("the room is whole again", async () => {
    const reply = await again!.request("join_room", { room: "lobby" });
    return reply.type === "joined_room" && reply.payload.memberCount === 1;
  });
  expect((await again!.request("chat", { room: "lobby", content: "after" })).type).toBe("ack");
  again!.socket.close();
});
