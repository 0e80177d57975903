// The Redis hub on a real redis-server: several nodes, one order.
import { afterEach, beforeEach, expect, it } from "vitest";
import { TestNode, until } from "./redis/test-node.ts";
import { TestRedis } from "./redis/test-redis.ts";

let redis: TestRedis;
const nodes: TestNode[] = [];

async function node(): Promise<TestNode> {
  const created = new TestNode({ url: redis.url });
  nodes.push(created);
  return created.available();
}

beforeEach(async () => {
  redis = await TestRedis.start();
});

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ hub }) => hub.close()));
  await redis.stop();
});

it("shows two nodes that publish at once one order", async () => {
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
