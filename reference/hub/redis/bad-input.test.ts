// A Redis that cannot be used, or that others write to: a clear reason, not available, nothing accepted.
import { afterEach, expect, it } from "vitest";
import { type TestConnection, TestNode, testSettings, until } from "../../testing/test-node.ts";
import { freePort, TestRedis } from "../../testing/test-redis.ts";
import { HubUnavailable } from "../hub.ts";
import type { RedisHubOptions } from "../redis-hub.ts";
import { type Client, explainRedisError, inspectServer } from "./server.ts";

const redises: TestRedis[] = [];
const nodes: TestNode[] = [];

async function start(...args: string[]): Promise<TestRedis> {
  const redis = await TestRedis.start(...args);
  redises.push(redis);
  return redis;
}

function node(options: Partial<RedisHubOptions> & { url: string }): TestNode {
  const created = new TestNode(options);
  nodes.push(created);
  return created;
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ hub }) => hub.close()));
  await Promise.all(redises.splice(0).map((redis) => redis.stop()));
});

/** The node refuses Redis for this reason, and accepts nothing. */
async function refuses({ hub }: TestNode, reason: RegExp): Promise<void> {
  await until(`it says ${reason}, not "${hub.reason}"`, () => reason.test(hub.reason));
  expect(hub.available).toBe(false);
  const from = { clientId: null, userId: "ada", username: "ada" };
  await expect(hub.publish({ room: "lobby", from, content: "hi", key: undefined, needsMembership: false })).rejects.toThrow(
    HubUnavailable,
  );
}

it("names an invalid URL at construction", () => {
  expect(() => new TestNode({ url: "localhost" })).toThrow(/REDIS_URL.*redis:\/\/.*localhost/);
  expect(() => new TestNode({ url: "http://localhost" })).toThrow(/REDIS_URL.*http:\/\/localhost/);
  expect(() => new TestNode({ url: "redis://:geheim@localhost/x" })).toThrow(/REDIS_URL.*\*\*\*@localhost\/x/);
  expect(() => new TestNode({ url: "redis://one,localhost" })).toThrow(/REDIS_URL.*localhost/);
  expect(() => new TestNode({ url: "redis://:geheim@one,redis://:geheim@two/1" })).toThrow(
    /REDIS_URL: expected several .* without a database.*got "redis:\/\/\*\*\*@one,redis:\/\/\*\*\*@two\/1"/,
  );
});

it("starts without a Redis, and reports it", async () => {
  const port = await freePort();
  const a = node({ url: `redis://127.0.0.1:${port}` });
  await refuses(a, /no Redis answers at redis:\/\/127\.0\.0\.1:\d+ .*ECONNREFUSED/);
});

it("names a host without an address", async () => {
  await refuses(node({ url: "redis://no-such-host.invalid:6379" }), /no-such-host\.invalid:6379 has no address/);
});

it("reports a wrong password without printing it", async () => {
  const redis = await start("--requirepass", "right");
  const a = node({ url: redis.url.replace("//", "//:wrong-secret@") });
  await refuses(a, /refuses user or password: check REDIS_URL \(WRONGPASS\)/);
  expect(a.statuses.join()).not.toContain("wrong-secret");
  await refuses(node({ url: redis.url }), /refuses user or password: check REDIS_URL \(NOAUTH\)/);
  await node({ url: redis.url.replace("//", "//:right@") }).available();
});

it("rejects a Redis that is too old", async () => {
  const client = { sendCommand: async () => "redis_version:6.2.14\r\nrole:master\r\nrun_id:abc\r\n" } as unknown as Client;
  await expect(inspectServer(client, "key")).rejects.toThrow(/Redis 6\.2\.14 is too old: sharded pub\/sub needs Redis 7\.0/);
  // Before 6.0 it does not even know HELLO.
  expect(explainRedisError(new Error("ERR unknown command `HELLO`"), "redis://h")).toMatch(/too old/);
});

it("rejects several URLs that are not nodes of one Redis Cluster", async () => {
  const redis = await start();
  await refuses(
    node({ url: `${redis.url},${redis.url.replace("127.0.0.1", "localhost")}` }),
    /is no node of a Redis Cluster: give one URL/,
  );
});

it("rejects a Redis Cluster without slots", async () => {
  const redis = await start("--cluster-enabled", "yes");
  await refuses(node({ url: redis.url }), /no master of the Redis Cluster at .* has slots yet/);
});

it("rejects a read-only replica", async () => {
  const primary = await start();
  const replica = await start("--replicaof", "127.0.0.1", `${primary.port}`);
  await refuses(node({ url: replica.url }), /read-only replica: give the URL of its primary/);
});

it("detects that its Redis has become a replica", async () => {
  const [first, second] = await Promise.all([start(), start()]);
  const a = await node({ url: first.url }).available();
  await first.run("REPLICAOF", "127.0.0.1", `${second.port}`);
  await refuses(a, /read-only replica/);
});

it("rejects a Redis that evicts keys", async () => {
  const redis = await start("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru");
  const a = node({ url: redis.url });
  await refuses(a, /maxmemory-policy allkeys-lru\): set maxmemory-policy to noeviction/);
  await redis.run("CONFIG", "SET", "maxmemory-policy", "noeviction");
  await a.available();
});

it("accepts nothing while Redis is out of memory, keeps its data, and recovers", async () => {
  const redis = await start();
  const a = await node({ url: redis.url }).available();
  const [ada, bob] = await Promise.all([a.connect("ada"), a.connect("bob")]);
  await ada.join("lobby");
  await bob.join("lobby");
  await redis.run("CONFIG", "SET", "maxmemory", "1mb");
  await expect(ada.say("lobby", "no room")).rejects.toThrow(/out of memory: raise maxmemory/);
  await refuses(a, /out of memory/);
  // Leaving frees memory, so it works.
  await bob.detach();
  await redis.run("CONFIG", "SET", "maxmemory", "0");
  await a.available();
  await ada.say("lobby", "again");
  await until("it has come", () => ada.told.at(-1) === "message again");
  expect(ada.told).toEqual(["user_joined bob 2", "user_left bob disconnect 1", "message again"]);
  expect(ada.lostRooms).toEqual([]);
});

it("rejects a database with keys of another program", async () => {
  const redis = await start();
  await redis.run("SET", "wsproof:{nodes}:format", "another program");
  const a = node({ url: redis.url });
  await refuses(a, /foreign data under wsproof:\{nodes\}:format: expected "wsproof rooms 1", got "another program"/);
  await redis.run("DEL", "wsproof:{nodes}:format");
  await redis.run("RPUSH", "wsproof:{nodes}:format", "list");
  await refuses(a, /foreign data under wsproof:\{nodes\}:format/);
  await redis.run("DEL", "wsproof:{nodes}:format");
  await a.available();
});

it.each([
  ["a string in place of the room", ["SET", "wsproof:{r:lobby}", "x"]],
  ["another hash in place of the room", ["HSET", "wsproof:{r:lobby}", "name", "x"]],
  ["a string in place of the log", ["SET", "wsproof:{r:lobby}:log", "x"]],
  ["another stream in place of the log", ["XADD", "wsproof:{r:lobby}:log", "*", "a", "b"]],
  ["a list in place of the members", ["RPUSH", "wsproof:{r:lobby}:members", "x"]],
  ["a string in place of the order", ["SET", "wsproof:{r:lobby}:order", "x"]],
])("rejects only the room that has foreign data: %s", async (_, command) => {
  const redis = await start();
  const a = await node({ url: redis.url }).available();
  const ada = await a.connect("ada");
  await redis.run(...command);
  const before = await redis.run("DUMP", command[1]!);
  await expect(ada.join("lobby")).rejects.toThrow(/foreign data under the hub's keys/);
  expect(await redis.run("DUMP", command[1]!)).toEqual(before);
  expect(((await redis.run("KEYS", "wsproof:{r:lobby}*")) as string[]).filter((key) => key !== command[1])).toEqual([]);
  // The others go on.
  await ada.join("attic");
  await ada.say("attic", "hi");
  expect(a.hub.available).toBe(true);
});

it("ignores garbage on its channels", async () => {
  const redis = await start();
  const a = await node({ url: redis.url }).available();
  const [ada, bob] = await Promise.all([a.connect("ada"), a.connect("bob")]);
  await ada.join("lobby");
  const { epoch, seq } = await bob.join("lobby");
  const garbage = [
    "",
    "hello",
    "typing {",
    "typing null",
    `${epoch} x 1 1 m op {}`,
    `${epoch} ${seq + 1} 1 1 m op {`,
    // Well-formed, but not in the log: beyond the end, before it, of another epoch.
    `${epoch} ${seq + 50} 1 1 m op {"content":"forged"}`,
    `${epoch} 1 1 1 m op {"content":"forged"}`,
    `elsewhere ${seq + 1} 1 1 m op {"content":"forged"}`,
    "x".repeat(1_000_000),
  ];
  for (const text of garbage) {
    for (const channel of ["wsproof:{r:lobby}:log", "wsproof:{all}:log", `wsproof:{n:${a.hub.nodeName}}:log`])
      await redis.run("SPUBLISH", channel, text);
  }
  await ada.say("lobby", "real");
  for (const connection of [ada, bob] satisfies TestConnection[]) {
    await until("the real one has come", () => connection.told.at(-1) === "message real");
    expect(connection.told.filter((text) => text.startsWith("message"))).toEqual(["message real"]);
    expect([...connection.lostRooms, ...connection.ephemeralEvents]).toEqual([]);
  }
  expect(a.warnings.some((reason) => reason.includes("garbage on the channel"))).toBe(true);
  expect(a.hub.available).toBe(true);
});

it("reloads scripts that Redis has dropped", async () => {
  const redis = await start();
  const a = await node({ url: redis.url }).available();
  const ada = await a.connect("ada");
  await ada.join("lobby");
  await redis.run("SCRIPT", "FLUSH");
  await ada.say("lobby", "hi");
  await until("it has come", () => ada.told.at(-1) === "message hi");
});

it("keeps the keys of one script in one slot of a Redis Cluster", async () => {
  // One process that has all slots: it refuses keys of two slots in one command as a larger cluster does.
  const redis = await start("--cluster-enabled", "yes");
  await redis.run("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  await until("the cluster is up", async () => String(await redis.run("CLUSTER", "INFO")).includes("cluster_state:ok"));
  const settings = { ...testSettings, publishUser: { burst: 5, perSecond: 0.001 } };
  const [a, b] = await Promise.all([
    node({ url: redis.url, settings }).available(),
    node({ url: redis.url, settings }).available(),
  ]);
  const [ada, bob] = await Promise.all([a.connect("ada"), b.connect("bob")]);
  await ada.join("lobby");
  await bob.join("lobby");
  await ada.join("attic");
  const first = await ada.publish("lobby", "one", "0123456789abcdef");
  expect(await ada.publish("lobby", "one", "0123456789abcdef")).toEqual(first);
  expect(await ada.publish("attic", "one", "0123456789abcdef")).toEqual(first);
  await a.hub.direct(ada.member, "bob", "two");
  await a.hub.publish({ room: null, from: ada.member, content: "three", key: undefined, needsMembership: false });
  expect(await ada.publish("lobby", "four")).toMatchObject({ refused: "RATE_LIMITED" });
  await until("all has come", () => bob.told.length === 2 && bob.ephemeralEvents.length === 1);
  b.hub.destroy();
  await until("bob has left", () => ada.told.at(-1) === "user_left bob disconnect 1");
});
