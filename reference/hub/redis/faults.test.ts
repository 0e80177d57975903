// What the Redis hub does when Redis, a connection to it, or a node goes away.
import { afterEach, expect, it } from "vitest";
import { chatter, contents, type TestConnection, TestNode, testSettings, until } from "../../testing/test-node.ts";
import { TestRedis } from "../../testing/test-redis.ts";
import { HubUnavailable } from "../hub.ts";

let redis: TestRedis;
const nodes: TestNode[] = [];

async function start(...args: string[]): Promise<void> {
  redis = await TestRedis.start(...args);
}

async function node(): Promise<TestNode> {
  const created = new TestNode({ url: redis.url });
  nodes.push(created);
  return created.available();
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ hub }) => hub.close()));
  await redis.stop();
});

const seqs = (connection: TestConnection): number[] => connection.events.map(({ seq }) => seq);
it("loses, duplicates and reorders nothing while its pub/sub connections are killed repeatedly", async () => {
  await start();
  const [a, b] = await Promise.all([node(), node()]);
  const [ada, bob] = await Promise.all([a.connect("ada"), b.connect("bob")]);
  await bob.join("lobby");
  const { seq } = await ada.join("lobby");
  bob.events.length = 0;
  const talk = chatter(ada, "lobby");
  for (let drop = 1; drop <= 8; drop++) {
    await until("more is acknowledged", () => talk.acked.size >= drop * 50);
    await redis.run("CLIENT", "KILL", "TYPE", "pubsub");
  }
  await until("more is acknowledged", () => talk.acked.size >= 500);
  await talk.stop();
  const last = Math.max(...talk.acked.keys());
  for (const connection of [ada, bob]) {
    await until("all has arrived", () => connection.events.at(-1)?.seq === last);
    const messages = connection.events.filter((event) => event.seq > seq);
    expect(messages.map((event) => event.seq)).toEqual(Array.from({ length: last - seq }, (_, index) => seq + 1 + index));
    expect(connection.lostRooms).toEqual([]);
    const got = contents(connection);
    for (const [position, content] of talk.acked) expect(got.get(position)).toBe(content);
  }
});

it("acknowledges each message once while its command connections are killed", async () => {
  await start();
  const [a, b] = await Promise.all([node(), node()]);
  const [ada, bob] = await Promise.all([a.connect("ada"), b.connect("bob")]);
  await ada.join("lobby");
  await bob.join("lobby");
  const talks = [ada, bob].map((connection) => chatter(connection, "lobby"));
  for (let drop = 1; drop <= 8; drop++) {
    await until("more is acknowledged", () => talks.every(({ acked }) => acked.size >= drop * 30));
    await redis.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  }
  for (const talk of talks) await talk.stop();
  const acked = new Map(talks.flatMap((talk) => [...talk.acked]));
  expect(acked.size).toBe(talks.reduce((sum, talk) => sum + talk.acked.size, 0));
  const last = Math.max(...acked.keys());
  await until("all has arrived", () => seqs(ada).at(-1) === last && seqs(bob).at(-1) === last);
  const got = [...contents(bob).values()].filter((content) => content !== undefined);
  expect(new Set(got).size).toBe(got.length);
  for (const [position, content] of acked) expect(contents(ada).get(position)).toBe(content);
  expect(ada.lostRooms).toEqual([]);
});

it("keeps the epoch after a restart without data loss", async () => {
  await start("--appendonly", "yes", "--appendfsync", "always");
  const [a, b] = await Promise.all([node(), node()]);
  const [ada, bob] = await Promise.all([a.connect("ada"), b.connect("bob")]);
  await ada.join("lobby");
  const { epoch } = await bob.join("lobby");
  await ada.say("lobby", "before");
  await redis.kill();
  await until("both notice", () => !a.hub.available && !b.hub.available);
  await expect(ada.say("lobby", "meanwhile")).rejects.toThrow(/Redis/);
  await redis.start();
  await Promise.all([a.available(), b.available()]);
  expect((await ada.say("lobby", "after")).epoch).toBe(epoch);
  await until("bob has it", () => bob.told.at(-1) === "message after");
  expect(bob.told).toEqual(["message before", "message after"]);
  expect([...ada.lostRooms, ...bob.lostRooms]).toEqual([]);
  // Nobody took anybody for dead because Redis was away.
  expect((await bob.join("lobby")).memberCount).toBe(2);
});

it("starts a new epoch after a restart with possible data loss, and reports it to everyone", async () => {
  await start("--appendonly", "yes", "--appendfsync", "everysec");
  const a = await node();
  const [ada, bob] = await Promise.all([a.connect("ada"), a.connect("bob")]);
  await ada.join("lobby");
  const since = await bob.join("lobby");
  await redis.kill();
  await redis.start();
  await a.available();
  await until("all are told", () => ada.lostRooms.includes("lobby") && bob.lostRooms.includes("lobby"));
  await ada.detach();
  const again = await a.connect("ada2");
  const joined = await again.join("lobby", since);
  expect(joined.epoch).not.toBe(since.epoch);
  expect(joined.recovered).toBe(false);
});

it("reports lost state to everyone when Redis comes back without its data", async () => {
  await start();
  const [a, b] = await Promise.all([node(), node()]);
  const [ada, bob, idle] = await Promise.all([a.connect("ada"), b.connect("bob"), b.connect("idle")]);
  const since = await ada.join("lobby");
  await bob.join("lobby");
  await redis.kill();
  await redis.start();
  await Promise.all([a.available(), b.available()]);
  for (const connection of [ada, bob, idle]) await until("it is told", () => connection.lostRooms.includes(null));
  const again = await a.connect("ada2");
  const joined = await again.join("lobby", since);
  expect(joined).toMatchObject({ recovered: false, memberCount: 1 });
  expect(joined.epoch).not.toBe(since.epoch);
});

it("detects that a running Redis has lost its data", async () => {
  await start();
  const a = await node();
  const ada = await a.connect("ada");
  await ada.join("lobby");
  await redis.run("FLUSHALL");
  // Until it has noticed, nothing is accepted that nobody would see.
  const outcome = await ada.say("lobby", "into the void").catch((error: Error) => error);
  expect(outcome).toBeInstanceOf(HubUnavailable);
  await until("it is told", () => ada.lostRooms.includes(null));
  await a.available();
  const again = await a.connect("ada2");
  expect((await again.join("lobby")).memberCount).toBe(1);
});

it.each([
  ["its position", "wsproof:{r:lobby}"],
  ["its log", "wsproof:{r:lobby}:log"],
  ["its members", "wsproof:{r:lobby}:members"],
  ["the order of its members", "wsproof:{r:lobby}:order"],
])("starts a new epoch for a room that has lost %s, and goes on", async (_, key) => {
  await start();
  const [a, b] = await Promise.all([node(), node()]);
  const [ada, bob] = await Promise.all([a.connect("ada"), b.connect("bob")]);
  await ada.join("lobby");
  const since = await bob.join("lobby");
  await ada.say("lobby", "before");
  await redis.run("DEL", key);
  // Either it goes on as before, or both are told, on both nodes.
  await until("it goes on, or both are told", async () => {
    const sent = await ada.say("lobby", "after").catch(() => undefined);
    const isTold = [ada, bob].map(({ lostRooms }) => lostRooms.includes("lobby"));
    return isTold.every(Boolean) || (sent?.epoch === since.epoch && !isTold.some(Boolean) && bob.told.includes("message after"));
  });
  const again = await b.connect("cora");
  const joined = await again.join("lobby", since);
  const { seq, epoch } = (await a.hub.publish({
    room: "lobby",
    from: ada.member,
    content: "x",
    key: undefined,
    needsMembership: false,
  })) as { seq: number; epoch: string };
  expect(epoch).toBe(joined.epoch);
  await until("the new one has it", () => again.events.at(-1)?.seq === seq);
});

it("accepts nothing while Redis is paused, and nothing takes effect later", async () => {
  await start();
  const [a, b] = await Promise.all([node(), node()]);
  const [ada, bob] = await Promise.all([a.connect("ada"), b.connect("bob")]);
  await ada.join("lobby");
  await bob.join("lobby");
  // Longer than a command may take, shorter than the connection is given up.
  await redis.run("CLIENT", "PAUSE", "1500", "ALL");
  await expect(ada.say("lobby", "too late")).rejects.toThrow(HubUnavailable);
  await a.available();
  await ada.say("lobby", "in time");
  await until("bob has it", () => bob.told.at(-1) === "message in time");
  expect(bob.told).toEqual(["message in time"]);
  expect([...ada.lostRooms, ...bob.lostRooms]).toEqual([]);
});

it("drops a Redis that hangs, closes in time, and reconnects", async () => {
  await start();
  const [a, b] = await Promise.all([node(), node()]);
  const ada = await a.connect("ada");
  await ada.join("lobby");
  redis.signal("SIGSTOP");
  const outcome = await ada.say("lobby", "unknown").catch((error: Error) => error.name);
  expect(outcome).toBe("HubUncertain");
  expect(a.hub.available).toBe(false);
  // It ends although nobody answers.
  await b.hub.close();
  redis.signal("SIGCONT");
  await a.available();
  await until(
    "it is told or can go on",
    async () =>
      ada.lostRooms.length > 0 ||
      (await ada.say("lobby", "x").then(
        () => true,
        () => false,
      )),
  );
});

it("removes the members of a killed node once, within the lease", async () => {
  await start();
  const [a, b, c] = await Promise.all([node(), node(), node()]);
  const [ada, bob, cora] = await Promise.all([a.connect("ada"), b.connect("bob"), b.connect("cora", "bob")]);
  const eve = await c.connect("eve");
  for (const connection of [ada, eve, bob, cora]) await connection.join("lobby");
  await bob.join("attic");
  // As SIGKILL does it: no goodbye, no more beats.
  b.hub.destroy();
  await until("both have left", () =>
    [ada, eve].every(({ told }) => told.filter((text) => text.startsWith("user_left")).length === 2),
  );
  expect(ada.told.at(-1)).toMatch(/^user_left bob disconnect 2$/);
  const { seq } = await ada.say("lobby", "alone");
  await until("eve has it", () => eve.events.at(-1)?.seq === seq);
  expect(eve.told.filter((text) => text.startsWith("user_left"))).toHaveLength(2);
  const left = async (): Promise<string[]> =>
    ((await redis.run("KEYS", "*")) as string[]).filter((key) => key.includes(b.hub.nodeName));
  await until("nothing is left of it", async () => (await left()).length === 0);
  expect(await a.hub.direct(ada.member, "bob", "are you there?")).toEqual({ refused: "RECIPIENT_NOT_FOUND" });
  expect(await redis.run("EXISTS", "wsproof:{u:Ym9i}:connections")).toBe(0);
});

it("closes the connections of a node that was expired but comes back", async () => {
  await start();
  const [a, b] = await Promise.all([node(), node()]);
  const [ada, bob] = await Promise.all([a.connect("ada"), b.connect("bob")]);
  await ada.join("lobby");
  await bob.join("lobby");
  const live = (await redis.run("HKEYS", "wsproof:{nodes}:live")) as string[];
  expect(live).toHaveLength(2);
  // What the others do to a node that has been stopped for too long.
  const dead = a.hub.nodeName;
  await redis.run("HDEL", "wsproof:{nodes}:live", dead);
  await redis.run("SADD", "wsproof:{nodes}:dead", dead);
  await until("ada's end is told", () => bob.told.at(-1) === "user_left ada disconnect 1");
  await until("ada is told", () => ada.lostRooms.includes("lobby"));
  await ada.detach();
  await a.available();
  const again = await a.connect("ada2", "ada");
  await again.join("lobby");
  await until("bob sees her", () => bob.told.at(-1) === "user_joined ada 2");
  expect(bob.told).toEqual(["user_left ada disconnect 1", "user_joined ada 2"]);
});

it("starts while Redis is down, and becomes available with it", async () => {
  await start();
  await redis.kill();
  const a = new TestNode({ url: redis.url });
  nodes.push(a);
  await until("it says so", () => /no Redis answers/.test(a.hub.reason));
  await redis.start();
  await a.available();
  await (await a.connect("ada")).join("lobby");
});

it("counts the rate of a user locally while Redis is away, and reports it", async () => {
  await start();
  const settings = { ...testSettings, publishUser: { burst: 2, perSecond: 0.001 } };
  const a = new TestNode({ url: redis.url, settings });
  nodes.push(a);
  const ada = await (await a.available()).connect("ada");
  await ada.join("lobby");
  expect(a.hub.isRateLocal).toBe(false);
  await redis.kill();
  await until("it is noticed", () => a.hub.isRateLocal);
  for (const _ of [1, 2]) await expect(ada.publish("lobby", "hi")).rejects.toThrow(HubUnavailable);
  expect(await ada.publish("lobby", "hi")).toMatchObject({ refused: "RATE_LIMITED" });
});

it("removes members later whose connection ended while Redis was away", async () => {
  await start("--appendonly", "yes", "--appendfsync", "always");
  const [a, b] = await Promise.all([node(), node()]);
  const [ada, bob] = await Promise.all([a.connect("ada"), b.connect("bob")]);
  await ada.join("lobby");
  await bob.join("lobby");
  await redis.kill();
  await until("it is noticed", () => !a.hub.available);
  await ada.detach();
  await redis.start();
  await until("bob is told", () => bob.told.at(-1) === "user_left ada disconnect 1");
});

it("ends the membership of a join with a lost answer before the next join", async () => {
  await start();
  const [a, b] = await Promise.all([node(), node()]);
  const [ada, bob] = await Promise.all([a.connect("ada"), b.connect("bob")]);
  // The node follows the room already, so that the join itself is what hangs.
  await (await a.connect("eve")).join("lobby");
  await bob.join("lobby");
  redis.signal("SIGSTOP");
  const outcome = await ada.join("lobby").catch((error: Error) => error.name);
  expect(outcome).toBe("HubUncertain");
  redis.signal("SIGCONT");
  await a.available();
  // As often as it takes, as a client would.
  let joined: unknown;
  await until("she is in", async () => {
    joined = await ada.join("lobby").catch(() => undefined);
    return joined !== undefined || ada.lostRooms.length > 0;
  });
  if (ada.lostRooms.length > 0) return;
  const { seq } = await ada.say("lobby", "here");
  await until("bob has it", () => bob.events.at(-1)?.seq === seq);
  // However often she came and went, she is in once.
  const balance = bob.told.reduce(
    (sum, text) => sum + (text.startsWith("user_joined") ? 1 : text.startsWith("user_left") ? -1 : 0),
    0,
  );
  expect(balance).toBe(1);
});
