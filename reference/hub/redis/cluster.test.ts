// The hub on a Redis Cluster of three masters: the same contract, and what is left of it while one of them is away.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { describeHub } from "../../testing/hub-contract.ts";
import { TestCluster } from "../../testing/test-cluster.ts";
import { chatter, contents, patient, type TestConnection, TestNode, until } from "../../testing/test-node.ts";
import type { TestRedis } from "../../testing/test-redis.ts";
import { HubUnavailable } from "../hub.ts";
import { createKeys } from "./keys.ts";
import { slotOf } from "./shards.ts";

let cluster: TestCluster;
let prefixes = 0;

beforeAll(async () => {
  cluster = await TestCluster.start(3);
});

afterAll(() => cluster.stop());

describeHub("the hub on a Redis Cluster", async (settings, nodeCount) => {
  // Keys of its own for each test, so that nothing is left of the one before.
  const prefix = `test-${prefixes++}:`;
  const nodes = Array.from({ length: nodeCount }, () => new TestNode({ ...patient, url: cluster.url, prefix, settings }));
  await Promise.all(nodes.map((one) => one.available()));
  return {
    nodes: nodes.map(({ hub }) => hub),
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms + 5)),
    close: async () => {
      await Promise.all(nodes.map(({ hub }) => hub.close()));
    },
  };
});

it("computes the same slot as Redis", async () => {
  for (const key of ["", "a", "123456789", "wsproof:{r:lobby}:log", "{}a", "a{}{b}", "{a}{b}", "}{ä", "a{b", "{r:a}b}:log"])
    expect(slotOf(key), key).toBe(await cluster.masters[0]!.run("CLUSTER", "KEYSLOT", key));
});

/** Three servers and as many nodes share a machine that may be busy. */
const unhurried = { commandMs: 2_000, leaseMs: 6_000, heartbeatMs: 1_000 };

describe("one of three masters", () => {
  const keys = createKeys("wsproof:");
  const nodes: TestNode[] = [];
  let own: TestCluster;
  /** Has nothing that a node needs for itself. */
  let victim: TestRedis;

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(({ hub }) => hub.close()));
    await own.stop();
  });

  async function start(...args: string[]): Promise<void> {
    own = await TestCluster.start(3, "--cluster-node-timeout", "1000", ...args);
    const needed = [keys.live, keys.broadcast.stream].map((key) => own.masterOf(key));
    victim = own.masters.find((master) => !needed.includes(master))!;
  }

  /** One whose inbox is elsewhere. */
  async function node(): Promise<TestNode> {
    for (;;) {
      const created = await new TestNode({ url: own.url, ...unhurried }).available();
      nodes.push(created);
      if (own.masterOf(keys.inbox(created.hub.nodeName).stream) !== victim) return created;
    }
  }

  /** A name whose keys are all on the victim, or all elsewhere. */
  function name(kind: string, isThere: boolean, keysOf: (name: string) => readonly string[]): string {
    for (let at = 0; ; at++) {
      const one = `${kind}-${at}`;
      if (keysOf(one).every((key) => (own.masterOf(key) === victim) === isThere)) return one;
    }
  }

  const room = (isThere: boolean): string => name("room", isThere, (one) => [keys.room(one).stream]);
  const user = (kind: string): string => name(kind, false, (one) => [keys.client(one), keys.rate(one)]);

  /** All of what was acknowledged was seen in its place, and nothing is missing between. */
  function expectWhole(connection: TestConnection, of: string, acked: ReadonlyMap<number, string>): void {
    const events = connection.events.filter((event) => event.room === of);
    const seqs = events.map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, at) => seqs[0]! + at));
    const said = contents({ events } as TestConnection);
    for (const [seq, content] of acked) if (seq >= seqs[0]!) expect(said.get(seq)).toBe(content);
    expect(new Set([...said.values()].filter((one) => one !== undefined)).size).toBe(
      [...said.values()].filter((one) => one !== undefined).length,
    );
  }

  it.each([
    ["keeps its data", true],
    ["has lost its data", false],
  ])("is killed: its rooms are unavailable, the others go on; it comes back and %s", async (_, isDurable) => {
    await start(
      "--cluster-require-full-coverage",
      "no",
      ...(isDurable ? ["--appendonly", "yes", "--appendfsync", "always"] : []),
    );
    const [a, b] = await Promise.all([node(), node()]);
    const [ada, bob] = await Promise.all([a.connect(user("ada")), b.connect(user("bob"))]);
    const [there, here] = [room(true), room(false)];
    for (const connection of [ada, bob]) for (const one of [there, here]) await connection.join(one);
    const since = await bob.join(there);
    const talks = { there: chatter(ada, there), here: chatter(bob, here) };
    await until("both are spoken in", () => talks.there.acked.size > 50 && talks.here.acked.size > 50);
    await victim.kill();
    await until("the node knows", () => /^1 of 3 masters cannot be used: no Redis answers/.test(a.hub.reason));
    const { length } = talks.there.refused;
    const before = talks.here.acked.size;
    await until("what is there is refused, and the rest goes on", () => {
      return talks.there.refused.length > length + 20 && talks.here.acked.size > before + 200;
    });
    expect(talks.there.refused.slice(length + 5)).toEqual(talks.there.refused.slice(length + 5).map(() => "HubUnavailable"));
    // New ones come, but not in there.
    const cora = await b.connect(user("cora"));
    await cora.join(here);
    await expect(cora.join(there)).rejects.toThrow(HubUnavailable);
    expect([a, b].map(({ hub }) => hub.available)).toEqual([true, true]);
    expect([ada, bob].map(({ lostRooms }) => lostRooms)).toEqual([[], []]);
    await victim.start();
    if (isDurable) {
      const acked = talks.there.acked.size;
      await until("it is spoken in again", () => talks.there.acked.size > acked + 50);
    } else {
      await until("all are told", () => [ada, bob].every(({ lostRooms }) => lostRooms.includes(there)));
    }
    await Promise.all(Object.values(talks).map((talk) => talk.stop()));
    for (const [one, talk] of [
      [here, talks.here],
      [there, talks.there],
    ] as const) {
      if (one === there && !isDurable) continue;
      const last = Math.max(...talk.acked.keys());
      for (const connection of [ada, bob]) {
        await until("all has come", () => connection.events.findLast((event) => event.room === one)?.seq === last);
        expectWhole(connection, one, talk.acked);
      }
    }
    expect([ada, bob].map(({ lostRooms }) => lostRooms.filter((lost) => lost !== there))).toEqual([[], []]);
    if (isDurable) return;
    const joined = await (await a.connect(user("dan"))).join(there, since);
    expect(joined.recovered).toBe(false);
    expect(joined.epoch).not.toBe(since.epoch);
  });

  it("is killed: closed connections and dead nodes leave rooms on other masters now, and its rooms later", async () => {
    await start("--cluster-require-full-coverage", "no", "--appendonly", "yes", "--appendfsync", "always");
    const [a, b] = await Promise.all([node(), node()]);
    // The list of its rooms is not on the victim, where its inbox is not.
    const [ada, bob, eve] = await Promise.all([a.connect(user("ada")), b.connect(user("bob")), b.connect(user("eve"))]);
    const here = room(false);
    // More than one round of the sweep.
    const there = Array.from({ length: 25 }, (_, at) => name(`room-${at}`, true, (one) => [keys.room(one).stream]));
    for (const one of [...there, here]) for (const connection of [ada, bob, eve]) await connection.join(one);
    await victim.kill();
    await until("the nodes know", () => [a, b].every(({ hub }) => hub.reason !== "ok"));
    const left = (which: string): string[] =>
      ada.events.filter((event) => event.room === which && event.text.includes('"user_left"')).map(({ text }) => text);
    await eve.detach();
    await until("eve has left", () => left(here).length === 1);
    b.hub.destroy();
    await until("bob has left", () => left(here).length === 2);
    expect(there.flatMap(left)).toEqual([]);
    await victim.start();
    await until("both have left the others", () => there.every((one) => left(one).length === 2));
  });

  it("is killed in a Cluster that requires all slots: nothing is accepted until it is back, and the reason names the setting", async () => {
    await start("--appendonly", "yes", "--appendfsync", "always");
    const a = await node();
    const ada = await a.connect(user("ada"));
    const here = room(false);
    await ada.join(here);
    const talk = chatter(ada, here);
    await until("it is spoken in", () => talk.acked.size > 50);
    await victim.kill();
    await until("it says so", () =>
      /is down: a master is missing, and cluster-require-full-coverage is not no/.test(a.hub.reason),
    );
    expect(a.hub.available).toBe(false);
    await victim.start();
    await a.available();
    const acked = talk.acked.size;
    await until("it is spoken in again", () => talk.acked.size > acked + 50);
    await talk.stop();
    const last = Math.max(...talk.acked.keys());
    await until("all has come", () => ada.events.at(-1)?.seq === last);
    expectWhole(ada, here, talk.acked);
    expect(ada.lostRooms).toEqual([]);
  });

  it("receives the slot of a room: its members are told, and can rejoin", async () => {
    await start();
    const [a, b] = await Promise.all([node(), node()]);
    const ada = await a.connect(user("ada"));
    const here = room(false);
    const since = await ada.join(here);
    await ada.say(here, "before");
    await own.moveSlot(keys.room(here).stream, own.masterOf(keys.room(here).stream), victim);
    await until("she is told", async () => {
      await ada.say(here, "meanwhile").catch(() => {});
      return ada.lostRooms.includes(here);
    });
    const [eve, bob] = await Promise.all([a.connect(user("eve")), b.connect(user("bob"))]);
    let joined = await eve.join(here, since);
    expect(joined.recovered).toBe(false);
    joined = await bob.join(here);
    const { seq, epoch } = await bob.say(here, "after");
    expect(epoch).toBe(joined.epoch);
    await until("eve has it", () => eve.events.at(-1)?.seq === seq);
  });

  it("is replaced by its replica: members of its rooms are told, because entries may be lost, and can rejoin", async () => {
    await start();
    await own.addReplica(victim);
    const a = await node();
    const [ada, bob] = await Promise.all([a.connect(user("ada")), a.connect(user("bob"))]);
    const [there, here] = [room(true), room(false)];
    const since = await ada.join(there);
    await bob.join(here);
    await ada.say(there, "before");
    await victim.kill();
    await until("she is told", () => ada.lostRooms.includes(there));
    await until("all is well again", () => a.hub.reason === "ok");
    const eve = await a.connect(user("eve"));
    const joined = await eve.join(there, since);
    expect(joined.recovered).toBe(false);
    expect(joined.epoch).not.toBe(since.epoch);
    const { seq } = await eve.say(there, "after");
    await until("eve has it", () => eve.events.at(-1)?.seq === seq);
    await bob.say(here, "undisturbed");
    expect(bob.lostRooms).toEqual([]);
  });
});
