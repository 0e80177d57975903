// Injects the planned faults into a cluster, one after the other, and heals each; the clients go on meanwhile.

import type { Clock } from "../client/clock.ts";
import type { LogClient } from "../cluster/log-client.ts";
import type { NemesisHooks } from "../cluster/nemesis-hooks.ts";
import { TargetLost } from "../schema/errors.ts";
import { keptAfterReloadMs } from "./load-balancer.ts";
import type { PlannedFault } from "./nemesis-plan.ts";
import type { Cluster } from "./nodes.ts";

export interface Nemesis {
  readonly cluster: Cluster;
  readonly plan: readonly PlannedFault[];
  /** The faults are spread over this many acknowledged messages. */
  readonly messages: number;
  readonly clock: Clock;
  /** Gets one line for each fault, as it begins. */
  say(line: string): void;
}

/** The next fault comes after this time even if nothing is acknowledged. */
const longestQuietMs = 30_000;

/**
 * Resolves when the last fault is healed.
 * @throws TargetLost when a node ends that no fault has ended
 */
export async function runNemesis({ cluster, plan, messages, clock, say }: Nemesis, hooks: NemesisHooks): Promise<void> {
  for (const [at, fault] of plan.entries()) {
    const untilMs = clock.nowMs() + longestQuietMs;
    await clock.sleep(fault.afterMs);
    const share = (messages * at) / plan.length;
    while (hooks.acknowledged() < share && clock.nowMs() < untilMs) await clock.sleep(50);
    const { what, node, run } = prepare(fault, cluster, hooks);
    const atMs = clock.nowMs();
    const number = `fault ${at + 1} of ${plan.length}`;
    say(`${number}, after ${hooks.acknowledged()} acknowledged: ${what}${node === undefined ? "" : ` (node ${node})`}`);
    await run(() => clock.sleep(fault.forMs));
    hooks.note({ what, node, atMs, endedAtMs: clock.nowMs() });
    for (const [index, one] of cluster.nodes.entries()) {
      const end = one.process.exitReason();
      if (end !== undefined) throw new TargetLost(`node ${index} ended by itself, after ${number} (${what}). ${end}`);
    }
  }
}

interface Prepared {
  readonly what: string;
  readonly node: number | undefined;
  /** @param last waits for the duration of the fault */
  run(last: () => Promise<void>): Promise<void>;
}

function prepare({ kind, node: index, forMs }: PlannedFault, cluster: Cluster, hooks: NemesisHooks): Prepared {
  const { redis, loadBalancer } = cluster;
  const { clients } = hooks;
  const node = cluster.nodes[index]!;
  const ofNode = (what: string, run: Prepared["run"]): Prepared => ({ what, node: index, run });
  const ofAll = (what: string, run: Prepared["run"]): Prepared => ({ what, node: undefined, run });
  switch (kind) {
    case "node-killed":
      return ofNode(`SIGKILL, started again after ${forMs} ms`, async (last) => {
        await node.kill();
        await last();
        await node.restart();
      });
    case "node-paused":
      return ofNode(`SIGSTOP for ${forMs} ms`, async (last) => {
        process.kill(node.process.pid, "SIGSTOP");
        await last();
        process.kill(node.process.pid, "SIGCONT");
      });
    case "rolling-restart":
      return ofNode("SIGTERM, drained, started again", async (last) => {
        await node.drain();
        await last();
        await node.restart();
      });
    case "redis-restarted":
    case "redis-flushed": {
      const empty = kind === "redis-flushed";
      return ofAll(`Redis killed, started again after ${forMs} ms ${empty ? "without" : "with"} its data`, async (last) => {
        await redis.kill();
        await last();
        await redis.start(empty);
      });
    }
    case "subscriber-killed":
      return ofAll("CLIENT KILL of all that listen to Redis", async () => {
        await redis.run("CLIENT", "KILL", "TYPE", "pubsub");
      });
    case "command-connections-killed":
      return ofAll("CLIENT KILL of all that command Redis", async () => {
        await redis.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      });
    case "redis-paused":
      return ofAll(`CLIENT PAUSE of ${forMs} ms`, async (last) => {
        await redis.run("CLIENT", "PAUSE", String(forMs), "ALL");
        await last();
      });
    case "partition-reset":
    case "partition-silent": {
      const how = kind === "partition-reset" ? "reset" : "silence";
      return ofNode(`connection to Redis cut for ${forMs} ms (${how})`, async (last) => {
        node.proxy.cut(how);
        await last();
        node.proxy.heal();
      });
    }
    case "clients-reset":
      return ofAll("every second client resets its connection", async () => {
        for (const client of everySecond(clients)) client.reset();
      });
    case "clients-stalled":
      return ofAll(`every second client reads nothing for ${forMs} ms`, async (last) => {
        const resumes = everySecond(clients).map((client) => client.stall());
        await last();
        for (const resume of resumes) resume();
      });
    case "load-balancer-reloaded":
      return ofAll(`nginx reloaded; its old workers end after ${keptAfterReloadMs} ms`, async (last) => {
        await loadBalancer?.reload();
        await last();
      });
    case "clock-skew":
      return ofAll(`credentials of clocks that are off, for ${forMs} ms`, async (last) => {
        let isOver = false;
        const lasting = last().then(() => {
          isOver = true;
        });
        do await hooks.handshakeWithSkewedClocks();
        while (!isOver);
        await lasting;
      });
  }
}

function everySecond(clients: readonly LogClient[]): readonly LogClient[] {
  return clients.filter((_, at) => at % 2 === 0);
}
