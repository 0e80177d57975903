// Memory: what an idle connection adds to the resident memory of a server that has just been started.
import { setTimeout as sleep } from "node:timers/promises";
import { type IdleConnections, openIdle } from "./measure-connections.ts";
import type { Plan } from "./plan.ts";
import { residentBytes } from "./process-cost.ts";
import { addRound, type MemoryCase, type Results } from "./results.ts";
import type { Stage } from "./run-servers.ts";
import type { PeerId } from "./servers.ts";

const compared: readonly PeerId[] = ["reference", "guide", "socket.io", "uws", "bun", "ws"];

export async function measureMemory(plan: Plan, stage: Stage): Promise<NonNullable<Results["memory"]>> {
  const { connections: counts, settleMs } = plan.memory;
  const cases = counts.map((connections): MemoryCase => ({ connections, bytes: {} }));
  for (let round = 0; round < plan.rounds; round++) {
    stage.say(`memory, round ${round + 1} of ${plan.rounds}`);
    for (const id of stage.inTurn(compared, round)) {
      await stage.withPeers([id], async ([peer]) => {
        if (peer === undefined) return;
        // What the first connections load and compile is no cost of a connection.
        const first = await openIdle(peer, Math.ceil(counts[0]! / 10));
        first.end();
        await sleep(settleMs);
        const before = residentBytes(peer.pid);
        const held: IdleConnections[] = [];
        let open = 0;
        for (const { connections, bytes } of cases) {
          held.push(await openIdle(peer, connections - open));
          open = connections;
          await sleep(settleMs);
          addRound(bytes, id, (residentBytes(peer.pid) - before) / connections);
        }
        for (const one of held) one.end();
      });
    }
  }
  return { cases };
}
