// Fan-out: members in one room, one of them publishing; and how late deliveries are where there is little to do.
import { FanOutDriver } from "./fan-out-driver.ts";
import type { Plan } from "./plan.ts";
import { addRound, type FanOutCase, type Latency, type Results, type Rounds } from "./results.ts";
import type { Stage } from "./run-servers.ts";
import { type PeerId, startPeer } from "./servers.ts";
import { medianOf, percentileOf } from "./statistics.ts";

const compared: readonly PeerId[] = ["reference", "guide", "socket.io", "uws", "bun", "bare"];
const comparedByLatency: readonly PeerId[] = ["reference", "guide"];

export async function measureFanOut(plan: Plan, stage: Stage): Promise<NonNullable<Results["fanout"]>> {
  const cases: FanOutCase[] = [];
  let latency: Latency | undefined;
  const frameBytes: Rounds<number> = {};
  for (const members of plan.fanout.members) {
    await stage.withPeers(compared, async (running) => {
      const drivers = new Map<PeerId, FanOutDriver>();
      try {
        for (const peer of running) {
          stage.say(`fan-out: ${members} members join ${peer.id}`);
          const crowd = await FanOutDriver.connectAll(peer, { members });
          drivers.set(peer.id, crowd);
        }
        const sized = plan.fanout.inFlight.map((inFlight): FanOutCase => ({ members, inFlight, samples: {} }));
        // Round 0 is not counted: what has been compiled by then serves all that follow.
        for (let round = 0; round <= plan.rounds; round++) {
          stage.say(`fan-out: ${members} members, round ${round} of ${plan.rounds}`);
          for (const { inFlight, samples } of sized) {
            for (const { id } of stage.inTurn(running, round)) {
              const crowd = drivers.get(id)!;
              await crowd.publishClosed(inFlight, plan.measureMs / 3);
              const sample = await crowd.publishClosed(inFlight, plan.measureMs);
              if (round > 0) addRound(samples, id, sample);
            }
          }
        }
        cases.push(...sized);
        for (const [id, crowd] of drivers) frameBytes[id] = [crowd.frameBytes];
        if (members === plan.latency.members) latency = await measureLatency(plan, stage, sized, drivers);
      } finally {
        for (const crowd of drivers.values()) crowd.close();
      }
    });
  }
  return { cases, latency: latency!, frameBytes };
}

/** Bytes of one delivery of the reference: the bare server writes as many. */
export async function probeFrameBytes(): Promise<number> {
  const peer = await startPeer("reference");
  try {
    const crowd = await FanOutDriver.connectAll(peer, { members: 2 });
    await crowd.publishClosed(1, 0);
    crowd.close();
    return crowd.frameBytes;
  } finally {
    await peer.stop();
  }
}

async function measureLatency(
  plan: Plan,
  stage: Stage,
  cases: readonly FanOutCase[],
  drivers: ReadonlyMap<PeerId, FanOutDriver>,
): Promise<Latency> {
  const single = cases.reduce((least, one) => (one.inFlight < least.inFlight ? one : least));
  const ids = comparedByLatency.filter((id) => drivers.has(id));
  const capacities = ids.map((id) => medianOf(single.samples[id]!.map(({ count, wallMs }) => count / wallMs)));
  const perSecond = (Math.min(...capacities) * 1000) / single.members / 10;
  const p99Ms: Rounds<number> = {};
  for (let round = 0; round < plan.rounds; round++) {
    stage.say(`latency at a tenth of capacity, round ${round + 1} of ${plan.rounds}`);
    for (const id of stage.inTurn(ids, round)) {
      const latencies: number[] = [];
      await drivers.get(id)!.publishOpen(perSecond, plan.latency.measureMs, (latencyMs) => latencies.push(latencyMs));
      addRound(p99Ms, id, percentileOf(latencies, 99));
    }
  }
  return { members: single.members, perSecond, p99Ms };
}
