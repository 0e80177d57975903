// What an append costs: two nodes against redis-benchmark with the same script, and against the number of rooms and members. Prints a table, or with --json its rows.
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { HubSettings, Subscriber } from "../hub/hub.ts";
import { scripts } from "../hub/redis/commands.ts";
import { createKeys } from "../hub/redis/keys.ts";
import { RedisHub } from "../hub/redis-hub.ts";
import { TestRedis } from "./test-redis.ts";

const settings: HubSettings = {
  membersPerRoom: 20_000,
  connectionsPerUser: 1e6,
  publishUser: { burst: 1_000_000_000, perSecond: 1_000_000_000 },
  eventsPerRoom: 1_000,
  keepRoomMs: 60_000,
  keepKeyMs: 120_000,
};
const content = "x".repeat(100);
const inFlight = 64;
const rounds = 5;

class Connection implements Subscriber {
  readonly member;
  constructor(clientId: string) {
    this.member = { clientId, userId: clientId, username: clientId };
  }
  onEvent(): void {}
  onEphemeral(): void {}
  onStateLost(room: string | null): void {
    throw new Error(`lost ${room}`);
  }
}

async function open(url: string): Promise<RedisHub> {
  const hub = new RedisHub({ url, settings });
  while (!hub.available) await new Promise((resolve) => setTimeout(resolve, 10));
  return hub;
}

async function connect(hub: RedisHub, clientId: string, rooms: readonly string[]): Promise<Connection> {
  const connection = new Connection(clientId);
  await hub.attach(connection);
  for (const room of rooms) await hub.join(connection, room, undefined, () => {});
  return connection;
}

/** Publishes `count` messages, `inFlight` at a time, over the rooms in turn. @returns acknowledged appends per second */
async function publish(hub: RedisHub, from: Connection, rooms: readonly string[], count: number): Promise<number> {
  let sent = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (sent < count) {
        const room = rooms[sent++ % rooms.length]!;
        const answer = await hub.publish({ room, from: from.member, content, key: undefined, needsMembership: true });
        if ("refused" in answer) throw new Error(answer.refused);
      }
    }),
  );
  return count / ((performance.now() - startedAt) / 1000);
}

// --- two nodes, a process each ---

const self = fileURLToPath(import.meta.url);
const roomsOfNodes = ["lobby", "attic", "cellar", "garden"];

async function nodeProcess(url: string, name: string): Promise<void> {
  const hub = await open(url);
  const connection = await connect(hub, name, roomsOfNodes);
  await publish(hub, connection, roomsOfNodes, 2_000);
  process.send?.("ready");
  process.on("disconnect", () => process.exit());
  process.on("message", async (count: number) => process.send?.(await publish(hub, connection, roomsOfNodes, count)));
}

interface Compared {
  readonly reference: number[];
  readonly nodes: number[];
}

/** In turn, so that whatever else the machine does meets both. @returns calls, and acknowledged appends, per second */
async function compare(redis: TestRedis): Promise<Compared> {
  const benchmark = await prepareRedisBenchmark(redis);
  const children = ["one", "two"].map((name) => fork(self, [redis.url, name]));
  await Promise.all(children.map((child) => once(child, "message")));
  const compared: Compared = { reference: [], nodes: [] };
  for (let round = 0; round < rounds; round++) {
    compared.reference.push(benchmark());
    const answers = children.map(async (child) => Number((await once(child, "message"))[0]));
    for (const child of children) child.send(10_000);
    compared.nodes.push((await Promise.all(answers)).reduce((sum, perSecond) => sum + perSecond, 0));
  }
  for (const child of children) child.kill();
  return compared;
}

/** redis-benchmark, as many calls under way, the same script with the same arguments. */
async function prepareRedisBenchmark(redis: TestRedis): Promise<() => number> {
  await redis.run("SCRIPT", "LOAD", scripts.publish.text);
  const keys = createKeys("bench:");
  const { meta, stream, members } = keys.room("lobby");
  await redis.run("HSET", members, "one", "{}");
  const scriptKeys = [meta, stream, members, keys.idempotency("one", ""), keys.rate("one")];
  const body = JSON.stringify({ from: { clientId: "one", userId: "one", username: "one" }, content });
  const common = [`${Number.MAX_SAFE_INTEGER}`, "x".repeat(40), "0", "epoch12chars", `${settings.eventsPerRoom}`];
  const rate = [`${settings.publishUser.burst}`, `${settings.publishUser.perSecond}`];
  const rest = [...rate, "0", `${settings.keepRoomMs}`, "0", "m", "lobby", "op.__rand_int__", body, "one", "0"];
  const call = ["EVALSHA", scripts.publish.sha, `${scriptKeys.length}`, ...scriptKeys, ...common, ...rest];
  const args = ["-p", `${redis.port}`, "-n", "20000", "-c", "2", "-P", `${inFlight}`, "-r", "1000000", "--csv", ...call];
  return () => {
    const text = execFileSync("redis-benchmark", args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
    return Number(/","([\d.]+)"/.exec(text.trim().split("\n").at(-1) ?? "")?.[1]);
  };
}

// --- one append among many ---

/** Redis' own time for one append, in microseconds. */
async function costOfAppend(redis: TestRedis, roomCount: number, membersElsewhere: number): Promise<number[]> {
  await redis.run("FLUSHALL");
  const hub = await open(redis.url);
  const rooms = Array.from({ length: roomCount }, (_, index) => `room-${index}`);
  const connection = await connect(hub, "one", rooms);
  for (let at = 0; at < membersElsewhere; at += 100) {
    await Promise.all(
      Array.from({ length: Math.min(100, membersElsewhere - at) }, (_, index) => connect(hub, `m${at + index}`, ["elsewhere"])),
    );
  }
  await publish(hub, connection, rooms, 2_000);
  const costs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await redis.run("CONFIG", "RESETSTAT");
    await publish(hub, connection, rooms, 4_000);
    const stats = String(await redis.run("INFO", "commandstats"));
    costs.push(Number(/cmdstat_evalsha:.*?usec_per_call=([\d.]+)/.exec(stats)?.[1]));
  }
  await hub.close();
  return costs;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function main(): Promise<void> {
  const redis = await TestRedis.start();
  try {
    const rows: [string, string, string][] = [];
    const compared = await compare(redis);
    const [reference, nodes] = [median(compared.reference), median(compared.nodes)];
    const perSecond = (value: number): string => `${Math.round(value)}/s`;
    rows.push(["redis-benchmark, the same script", perSecond(reference), "1"]);
    rows.push(["two nodes, acknowledged appends", perSecond(nodes), `${(nodes / reference).toFixed(2)} (target at least 0.5)`]);
    const base = median(await costOfAppend(redis, 10, 10));
    const micros = (value: number): string => `${value.toFixed(1)} us`;
    rows.push(["Redis' time per append: 10 rooms, 10 members elsewhere", micros(base), "1"]);
    for (const [rooms, members] of [
      [10_000, 10],
      [10, 10_000],
    ] as const) {
      const cost = median(await costOfAppend(redis, rooms, members));
      rows.push([
        `the same: ${rooms} rooms, ${members} members elsewhere`,
        micros(cost),
        `${(cost / base).toFixed(2)} (flat is 1)`,
      ]);
    }
    if (process.argv.includes("--json")) {
      process.stdout.write(JSON.stringify(rows.map(([what, value, ratio]) => ({ what, value, ratio }))));
      return;
    }
    const width = Math.max(...rows.map(([name]) => name.length));
    process.stdout.write(
      `median of ${rounds} rounds, ${inFlight} appends under way on each connection, messages of ${content.length} characters\n\n`,
    );
    for (const [name, value, ratio] of rows)
      process.stdout.write(`${name.padEnd(width)}  ${value.padStart(10)}  ratio ${ratio}\n`);
  } finally {
    await redis.stop();
  }
}

const [url, name] = process.argv.slice(2).filter((word) => word !== "--json");
if (url === undefined || name === undefined) await main();
else await nodeProcess(url, name);
