// A Redis Cluster of three masters, each with a replica, under two nodes of the hub: servers are killed, paused and replaced and slots
// move while every room is spoken in. What was acknowledged is delivered, or its members are told.
import { createKeys } from "../../hub/redis/keys.ts";
import { TestCluster } from "../test-cluster.ts";
import { TestNode, testSettings } from "../test-node.ts";
import type { TestRedis } from "../test-redis.ts";
import type { Acked } from "./check-stays.ts";
import { Resident } from "./resident.ts";

const roomCount = 12;
const maxRunMs = 20 * 60_000;
/** Longer than anything takes on a machine with other work. */
const patienceMs = 90_000;
/** The cluster's own patience; the hub's is longer. */
const clusterArgs = "--cluster-node-timeout 2000 --cluster-require-full-coverage no --appendonly yes --appendfsync always";
const unhurried = { commandMs: 3_000, leaseMs: 15_000, heartbeatMs: 1_000, settings: { ...testSettings, eventsPerRoom: 50_000 } };

export interface ClusterTrial {
  readonly acknowledged: number;
  /** Kind -> how often. */
  readonly faults: Readonly<Record<string, number>>;
  /** Times that a member was told that entries of its room may be lost. */
  readonly told: number;
  /** Messages that some member has missed, because their log is gone or it was away, and of which it was told. */
  readonly missedAndTold: number;
  /** Lost, doubled, changed or out of order without a word: what must not be. */
  readonly anomalies: readonly string[];
}

/**
 * It ends after so many faults, when so many messages have been acknowledged.
 * @param say told each fault
 */
export async function runClusterTrial(
  { messages, faultCount }: { readonly messages: number; readonly faultCount: number },
  say: (text: string) => void,
): Promise<ClusterTrial> {
  const cluster = await TestCluster.start(3, ...clusterArgs.split(" "));
  const nodes: TestNode[] = [];
  try {
    const servers: TestRedis[] = [...cluster.masters];
    for (const master of cluster.masters) servers.push(await cluster.addReplica(master));
    const url = servers.map((one) => one.url).join(",");
    for (let at = 0; at < 2; at++) nodes.push(await new TestNode({ url, ...unhurried }).available());
    const rooms = Array.from({ length: roomCount }, (_, at) => `room-${at}`);
    const acked: Acked[] = [];
    const residents = rooms.flatMap((room) => nodes.map((node, at) => new Resident(node, room, `${room}-${at}`, acked)));
    await wholeAgain(nodes, residents);
    const endsAtMs = performance.now() + maxRunMs;
    const faults: Record<string, number> = {};
    for (let round = 0; (acked.length < messages || round < faultCount) && performance.now() < endsAtMs; round++) {
      const { kind, happened } = await injectFault(cluster, servers, rooms, round);
      if (happened) faults[kind] = (faults[kind] ?? 0) + 1;
      say(`${kind}${happened ? "" : " (not this time)"}; ${acked.length} acknowledged`);
      await pause(1_000);
    }
    if (acked.length < messages) throw new Error(`only ${acked.length} of ${messages} acknowledged within ${maxRunMs} ms`);
    await wholeAgain(nodes, residents);
    await Promise.all(residents.map((one) => one.stopTalking()));
    await allDelivered(residents, acked);
    const findings = residents.map((one) => one.check(acked));
    await Promise.all(residents.map((one) => one.leave()));
    return {
      acknowledged: acked.length,
      faults,
      told: residents.reduce((sum, one) => sum + one.told, 0),
      missedAndTold: new Set(findings.flatMap(({ missedAndTold }) => missedAndTold)).size,
      anomalies: findings.flatMap(({ anomalies }) => anomalies),
    };
  } finally {
    await Promise.all(nodes.map(({ hub }) => hub.close()));
    await cluster.stop();
  }
}

/** One fault and its end, such as a server that is killed and comes back. @returns `happened`: false where the Cluster did not let it */
async function injectFault(
  cluster: TestCluster,
  servers: readonly TestRedis[],
  rooms: readonly string[],
  round: number,
): Promise<{ readonly kind: string; readonly happened: boolean }> {
  let happened = true;
  const masters = await mastersOf(servers);
  const master = masters[Math.floor(round / faultKinds.length) % masters.length]!;
  const kind = faultKinds[round % faultKinds.length]!;
  const replica = servers.find((one) => !masters.includes(one));
  switch (kind) {
    case "master killed, replaced by its replica": {
      await master.kill();
      await within("a replica takes over", async () => (await mastersOf(servers)).length >= masters.length);
      await master.start();
      break;
    }
    case "master killed, back at once":
      await master.kill();
      await master.start();
      break;
    case "master paused for 1 s":
      await paused(master, 1_000);
      break;
    case "master paused until it is replaced":
      await paused(master, 6_000);
      break;
    case "replica killed":
      await replica?.kill();
      await replica?.start();
      happened = replica !== undefined;
      break;
    case "replica takes over in order":
      happened = replica !== undefined && (await succeeds(replica.run("CLUSTER", "FAILOVER")));
      break;
    case "slot of a room moved": {
      const key = createKeys("wsproof:").room(rooms[round % rooms.length]!).stream;
      const owners = await Promise.all(masters.map(async (one) => ((await owns(one, key)) ? [one] : [])));
      const [from] = owners.flat();
      const to = masters.find((one) => one !== from);
      happened = from !== undefined && to !== undefined && (await succeeds(cluster.moveSlot(key, from, to)));
      break;
    }
  }
  await within("all servers follow or lead", async () => (await statesOf(servers)).every((state) => state === "ok"));
  if (kind === "master paused until it is replaced") happened = !(await mastersOf(servers)).includes(master);
  return { kind, happened };
}

const faultKinds = [
  "master killed, replaced by its replica",
  "slot of a room moved",
  "replica killed",
  "master paused for 1 s",
  "replica takes over in order",
  "master killed, back at once",
  "master paused until it is replaced",
] as const;

async function paused(server: TestRedis, ms: number): Promise<void> {
  server.signal("SIGSTOP");
  await pause(ms);
  server.signal("SIGCONT");
}

async function mastersOf(servers: readonly TestRedis[]): Promise<TestRedis[]> {
  const roles = await Promise.all(servers.map((one) => one.run("ROLE").catch(() => [])));
  return servers.filter((_, at) => (roles[at] as unknown[])[0] === "master");
}

/** Only the master of its slot answers. */
function owns(master: TestRedis, key: string): Promise<boolean> {
  return succeeds(master.run("EXISTS", key));
}

function succeeds(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}

/** Of each server: `ok` where the cluster is, and where a replica has its master. */
async function statesOf(servers: readonly TestRedis[]): Promise<string[]> {
  return Promise.all(
    servers.map(async (one) => {
      const [info, replication] = await Promise.all([one.run("CLUSTER", "INFO"), one.run("INFO", "replication")]).catch(() => []);
      const isOk = String(info).includes("cluster_state:ok") && !String(replication).includes("master_link_status:down");
      return isOk ? "ok" : "not yet";
    }),
  );
}

async function wholeAgain(nodes: readonly TestNode[], residents: readonly Resident[]): Promise<void> {
  const isWhole = () => nodes.every(({ hub }) => hub.reason === "ok") && residents.every(({ isHome }) => isHome);
  await within("all members are in their rooms", async () => isWhole());
}

/** Deliveries may be late, but come: what has not come by then is found when it is judged. */
async function allDelivered(residents: readonly Resident[], acked: readonly Acked[]): Promise<void> {
  await within("all is delivered", async () => residents.every((one) => one.hasSeen(acked))).catch(() => undefined);
}

async function within(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const endsAtMs = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() > endsAtMs) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await pause(50);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
