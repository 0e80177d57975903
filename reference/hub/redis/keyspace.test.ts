// What stands in Redis: only declared keys, each with a TTL or an owner that removes it; after a quiet time only what every deployment has.
import { afterEach, expect, it } from "vitest";
import { patient, quick, TestNode, testSettings, until } from "../../testing/test-node.ts";
import { TestRedis } from "../../testing/test-redis.ts";
import { createKeys } from "./keys.ts";

const prefix = "wsproof:";
const keys = createKeys(prefix);
/** What every deployment keeps. */
const permanent = [keys.broadcast.meta, keys.broadcast.stream, keys.format, keys.live];
const settings = { ...testSettings, keepRoomMs: 200, keepKeyMs: 200 };

let redis: TestRedis;
const nodes: TestNode[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ hub }) => hub.close()));
  await redis.stop();
});

async function node(options: object = {}): Promise<TestNode> {
  const created = new TestNode({ url: redis.url, ...patient, ...options, settings });
  nodes.push(created);
  return created.available();
}

const list = async (...command: string[]): Promise<string[]> => (await redis.run(...command)) as string[];
const has = async (...command: string[]): Promise<boolean> => Number(await redis.run(...command)) > 0;
const allKeys = async (): Promise<string[]> => (await list("KEYS", "*")).sort();

/** Whether a node is alive, or waits to be swept by the others. */
const isKnown = async (id: string): Promise<boolean> => (await has("HEXISTS", keys.live, id)) || has("SISMEMBER", keys.dead, id);

/** Whether somebody removes the key: each kind of key has its owner. */
async function isOwned(key: string): Promise<boolean> {
  if (permanent.includes(key) || key === keys.dead) return true;
  const [, tag = "", rest = ""] = /^wsproof:\{(.*)\}(.*)$/s.exec(key) ?? [];
  const [kind, name] = [tag.slice(0, 2), tag.slice(2)];
  if (kind === "n:") return [":clients", ":rooms"].includes(rest) && isKnown(name);
  if (kind === "c:") return isKnown(String(await redis.run("GET", key)));
  if (kind === "u:" && rest === ":connections") {
    return (await Promise.all((await list("HVALS", key)).map(isKnown))).every(Boolean);
  }
  // A room belongs to its members, and those to the nodes that hold their connections.
  if (kind !== "r:") return false;
  const at = /^:at:(.*)$/.exec(rest);
  if (at) return isKnown(at[1]!);
  return ["", ":log", ":members", ":order"].includes(rest) && has("EXISTS", keys.room(name).members);
}

/** Keys that nobody removes. */
async function strays(): Promise<string[]> {
  const found: string[] = [];
  for (const key of await allKeys()) {
    // -2: gone meanwhile.
    const ttl = Number(await redis.run("PTTL", key));
    if (ttl === -1 && !(await isOwned(key)) && (await has("EXISTS", key))) found.push(key);
  }
  return found;
}

it("has a TTL or an owner for each key, and keeps only what every deployment has", async () => {
  redis = await TestRedis.start();
  const [a, b] = await Promise.all([node(), node()]);
  const [ada, bob] = await Promise.all([a.connect("ada", "user {a}"), b.connect("bob")]);
  for (const room of ["r1", "r2", "r1"]) await ada.join(room);
  await bob.join("r1");
  await ada.publish("r1", "hello", "an-idempotency-key");
  await a.hub.publish({ room: null, from: ada.member, content: "x", key: undefined, needsMembership: false });
  // Over HTTP, into a room without members.
  await a.hub.publish({ room: "empty", from: ada.member, content: "x", key: "another-idempotency-key", needsMembership: false });
  await b.hub.direct(bob.member, "ada", "hi");
  await b.hub.direct(bob.member, "nobody", "hi");
  await a.hub.consumeRate("ada");
  expect(await strays()).toEqual([]);
  expect(await allKeys()).toEqual(expect.arrayContaining([keys.room("r1").members, keys.client("ada"), keys.connections("bob")]));
  await bob.leave("r1");
  await ada.detach();
  expect(await strays()).toEqual([]);
  await bob.detach();
  const inboxes = /^wsproof:\{n:[^}]+\}(:log)?$/;
  await until("all is quiet", async () => (await allKeys()).every((key) => permanent.includes(key) || inboxes.test(key)));
  // What is left of the inboxes ends by itself.
  expect(await strays()).toEqual([]);
});

it("keeps nothing of a node that was killed", async () => {
  redis = await TestRedis.start();
  const a = await node(quick);
  const b = await node(quick);
  const ada = await a.connect("ada");
  await ada.join("r1");
  await (await b.connect("bob")).join("r1");
  const before = (await list("HKEYS", keys.live)).length;
  expect(before).toBe(2);
  a.hub.destroy();
  await until("its members, clients and rooms are gone", async () => {
    const all = await allKeys();
    return (
      !all.includes(keys.client("ada")) &&
      (await list("SMEMBERS", keys.dead)).length === 0 &&
      !all.includes(keys.connections("ada"))
    );
  });
  expect(await strays()).toEqual([]);
  expect(await list("HKEYS", keys.room("r1").members)).toEqual(["bob"]);
});
