// Memory: what an idle connection adds to the resident memory of a server that has just been started.
import { setTimeout as sleep } from "node:timers/promises";
import { openIdle } from "./measure-connections.ts";
import type { PeerId } from "./peers.ts";
import type { Plan } from "./plan.ts";
import { residentBytes } from "./process-cost.ts";
import { addRound, type Results, type Rounds } from "./results.ts";
import type { Stage } from "./stage.ts";

const compared: readonly PeerId[] = ["reference", "guide", "socket.io", "uws", "ws"];

export async function measureMemory(plan: Plan, stage: Stage): Promise<NonNullable<Results["memory"]>> {
  const { connections: count, settleMs } = plan.memory;
  const bytes: Rounds<number> = {};
  for (let round = 0; round < plan.rounds; round++) {
    stage.say(`memory, round ${round + 1} of ${plan.rounds}`);
    for (const id of stage.inTurn(compared, round)) {
      await stage.withPeers([id], async ([peer]) => {
        if (peer === undefined) return;
        // What the first connections load and compile is no cost of a connection.
        const first = await openIdle(peer, Math.ceil(count / 10));
        first.end();
        await sleep(settleMs);
        const before = residentBytes(peer.pid);
        const all = await openIdle(peer, count);
        await sleep(settleMs);
        addRound(bytes, id, (residentBytes(peer.pid) - before) / count);
        all.end();
      });
    }
  }
  return { count, bytes };
}
