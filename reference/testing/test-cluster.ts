// A real Redis Cluster for one test: several masters, each with a share of the slots, and replicas where a test adds them.
import { slotCount, slotOf } from "../hub/redis/shards.ts";
import { until } from "./test-node.ts";
import { freePort, TestRedis } from "./test-redis.ts";

export class TestCluster {
  readonly masters: readonly TestRedis[];
  readonly #args: readonly string[];
  readonly #replicas: TestRedis[] = [];

  private constructor(masters: readonly TestRedis[], args: readonly string[]) {
    this.masters = masters;
    this.#args = args;
  }

  /** Resolves when every master knows all the others. @param args as on the command line of each redis-server */
  static async start(count: number, ...args: string[]): Promise<TestCluster> {
    const masters = await Promise.all(Array.from({ length: count }, () => startMember(args)));
    const cluster = new TestCluster(masters, args);
    for (const [index, master] of masters.entries()) {
      await master.run("CLUSTER", "SET-CONFIG-EPOCH", `${index + 1}`);
      await master.run("CLUSTER", "ADDSLOTSRANGE", `${cluster.#firstOf(index)}`, `${cluster.#firstOf(index + 1) - 1}`);
      await master.run("CLUSTER", "MEET", "127.0.0.1", `${masters[0]!.port}`, await busPortOf(masters[0]!));
    }
    await until("all masters know each other", async () => {
      const infos = await Promise.all(masters.map(async (master) => String(await master.run("CLUSTER", "INFO"))));
      return infos.every((info) => info.includes("cluster_state:ok") && info.includes(`cluster_size:${count}\r`));
    });
    return cluster;
  }

  #firstOf(index: number): number {
    return Math.round((index * slotCount) / this.masters.length);
  }

  /** Of all its masters, as REDIS_URL takes them. */
  get url(): string {
    return this.masters.map(({ url }) => url).join(",");
  }

  /** The master that had the key at the start. */
  masterOf(key: string): TestRedis {
    const slot = slotOf(key);
    return this.masters.find((_, index) => slot < this.#firstOf(index + 1))!;
  }

  /** Gives the slot of the key, with all that is in it, to another master. */
  async moveSlot(key: string, from: TestRedis, to: TestRedis): Promise<void> {
    const slot = `${slotOf(key)}`;
    const [source, target] = await Promise.all([from, to].map(async (one) => String(await one.run("CLUSTER", "MYID"))));
    await to.run("CLUSTER", "SETSLOT", slot, "IMPORTING", source!);
    await from.run("CLUSTER", "SETSLOT", slot, "MIGRATING", target!);
    const keys = (await from.run("CLUSTER", "GETKEYSINSLOT", slot, "1000")) as string[];
    if (keys.length > 0) await from.run("MIGRATE", "127.0.0.1", `${to.port}`, "", "0", "5000", "KEYS", ...keys);
    for (const one of [to, from]) await one.run("CLUSTER", "SETSLOT", slot, "NODE", target!);
  }

  /** Resolves when the new process follows the master, and all know it. */
  async addReplica(master: TestRedis): Promise<TestRedis> {
    const replica = await startMember(this.#args);
    this.#replicas.push(replica);
    await replica.run("CLUSTER", "MEET", "127.0.0.1", `${master.port}`, await busPortOf(master));
    const id = String(await master.run("CLUSTER", "MYID"));
    await until("it knows the master", async () => String(await replica.run("CLUSTER", "NODES")).includes(id));
    await until("it takes the master", async () =>
      replica.run("CLUSTER", "REPLICATE", id).then(
        () => true,
        () => false,
      ),
    );
    await until("it follows", async () => String(await replica.run("INFO", "replication")).includes("master_link_status:up"));
    const own = String(await replica.run("CLUSTER", "MYID"));
    await until("all know it", async () => {
      const lists = await Promise.all(this.masters.map(async (one) => String(await one.run("CLUSTER", "NODES"))));
      return lists.every((list) => new RegExp(`^${own} .* slave ${id} `, "m").test(list));
    });
    return replica;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.masters, ...this.#replicas].map((one) => one.stop()));
  }
}

async function startMember(args: readonly string[]): Promise<TestRedis> {
  return TestRedis.start("--cluster-enabled", "yes", "--cluster-port", `${await freePort()}`, ...args);
}

async function busPortOf(master: TestRedis): Promise<string> {
  const [, port] = /@(\d+)/.exec(String(await master.run("CLUSTER", "NODES")))!;
  return port!;
}
