// The Redis hub on a real redis-server: several nodes, one order.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeHub } from "../testing/hub-contract.ts";
import { patient, TestNode, testSettings, until } from "../testing/test-node.ts";
import { TestRedis } from "../testing/test-redis.ts";

describeHub("the hub on Redis", async (settings, nodeCount) => {
  // A Redis of its own for each test, so that nothing is left of the one before.
  const server = await TestRedis.start();
  const cluster = Array.from({ length: nodeCount }, () => new TestNode({ ...patient, url: server.url, settings }));
  await Promise.all(cluster.map((one) => one.available()));
  return {
    nodes: cluster.map(({ hub }) => hub),
    // A little more, because Redis counts in whole ms of a clock of its own.
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms + 5)),
    close: async () => {
      await Promise.all(cluster.map(({ hub }) => hub.close()));
      await server.stop();
    },
  };
});

let redis: TestRedis;
const nodes: TestNode[] = [];

async function node(): Promise<TestNode> {
  const created = new TestNode({ ...patient, url: redis.url });
  nodes.push(created);
  return created.available();
}

describe("several nodes on one Redis", () => {
  beforeEach(async () => {
    redis = await TestRedis.start();
  });

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(({ hub }) => hub.close()));
    await redis.stop();
  });

  it("gives two nodes that publish concurrently one order", async () => {
    const [a, b] = await Promise.all([node(), node()]);
    const [ada, bob] = await Promise.all([a.connect("ada"), b.connect("bob")]);
    await ada.join("lobby");
    await bob.join("lobby");
    const sent = Array.from({ length: 500 }, (_, index) => index);
    await Promise.all(sent.flatMap((index) => [ada.say("lobby", `a${index}`), bob.say("lobby", `b${index}`)]));
    await until("all have all", () => ada.events.length === 1_001 && bob.events.length === 1_000);
    expect(ada.told.slice(1)).toEqual(bob.told);
    expect(bob.events.map(({ seq }) => seq)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 3));
    // Each sender in its order.
    expect(bob.told.filter((text) => text.startsWith("message a"))).toEqual(sent.map((index) => `message a${index}`));
  });

  it("appends what a turn brings to a room in a few calls, and a key in it once", async () => {
    const a = await node();
    const [ada, bob] = [await a.connect("ada"), await a.connect("bob", "ada")];
    await ada.join("lobby");
    await bob.join("lobby");
    await redis.run("CONFIG", "RESETSTAT");
    const key = "a-key-of-32-characters-0123456789";
    const sent = Array.from({ length: 50 }, (_, index) => ada.say("lobby", `${index}`));
    const [first, second] = await Promise.all([ada.publish("lobby", "once", key), bob.publish("lobby", "once", key)]);
    await Promise.all(sent);
    expect(first).toEqual(second);
    expect(bob.told.filter((text) => text.startsWith("message"))).toEqual([
      ...sent.map((_, index) => `message ${index}`),
      "message once",
    ]);
    const [, calls] = /cmdstat_spublish:calls=(\d+)/.exec(String(await redis.run("INFO", "commandstats"))) ?? [];
    expect(Number(calls)).toBeLessThan(10);
  });

  it("supports the maximum rate of the settings", async () => {
    const settings = { ...testSettings, publishUser: { burst: 1_000_000_000, perSecond: 1_000_000_000 } };
    const fast = new TestNode({ ...patient, url: redis.url, settings });
    nodes.push(fast);
    const ada = await (await fast.available()).connect("ada");
    await ada.join("lobby");
    await ada.say("lobby", "hi");
  });
});
