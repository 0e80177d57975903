// Connections: how many are accepted in a second, and what a delivery costs where many are open.
import { setTimeout as sleep } from "node:timers/promises";
import { TargetLost } from "../schema/errors.ts";
import { FanOutDriver } from "./fan-out-driver.ts";
import { Member } from "./member.ts";
import type { Plan } from "./plan.ts";
import { addRound, type FlatCase, type Results, type Rounds } from "./results.ts";
import type { Stage } from "./run-servers.ts";
import { type Sample, startSample } from "./sample.ts";
import type { PeerId, RunningPeer } from "./servers.ts";

const compared: readonly PeerId[] = ["reference", "guide", "socket.io", "uws", "bun"];
/** What the bare writer's deliveries cost is the machine's doing: more sockets than its caches hold. */
const comparedWhenMany: readonly PeerId[] = ["reference", "bare"];
const openedAtOnce = 32;
/** For a server to deal with connections that have ended. */
const partingMs = 300;

export async function measureConnections(plan: Plan, stage: Stage): Promise<NonNullable<Results["connections"]>> {
  const count = plan.connections;
  const samples: Rounds<Sample> = {};
  await stage.withPeers(compared, async (running) => {
    for (const peer of running) await accept(peer, Math.ceil(count / 10));
    for (let round = 0; round < plan.rounds; round++) {
      stage.say(`connections, round ${round + 1} of ${plan.rounds}`);
      for (const peer of stage.inTurn(running, round)) {
        addRound(samples, peer.id, await accept(peer, count));
      }
    }
  });
  return { count, samples, flat: await measureFlatness(plan, stage) };
}

/** Opens and, when all are open and have been greeted, ends them. */
async function accept(peer: RunningPeer, count: number): Promise<Sample> {
  const connections = await openIdle(peer, count);
  connections.end();
  await sleep(partingMs);
  return connections.sample;
}

export interface IdleConnections {
  readonly sample: Sample;
  end(): void;
}

/** @throws TargetLost where one is refused or lost */
export async function openIdle(peer: RunningPeer, count: number): Promise<IdleConnections> {
  const members: Member[] = [];
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const owner = {
    counted() {},
    lost: (member: Member, why: string) => fail(new TargetLost(`${peer.id}: connection ${member.index}: ${why}`)),
  };
  const end = startSample(peer.pid);
  let next = 0;
  const openSome = async (): Promise<void> => {
    while (next < count) members.push(await Member.open(peer.url, peer.adapter, next++, 0, owner));
  };
  await Promise.race([failed, Promise.all(Array.from({ length: Math.min(openedAtOnce, count) }, openSome))]);
  return {
    sample: end(count),
    end() {
      for (const member of members) member.end();
    },
  };
}

async function measureFlatness(plan: Plan, stage: Stage): Promise<readonly FlatCase[]> {
  const { perRoom } = plan.flat;
  const cases = plan.flat.connections.map((connections): FlatCase => ({ connections, perRoom, samples: {} }));
  for (const id of comparedWhenMany) {
    // One process for each number, so that all numbers are measured in each round.
    await stage.withPeers(
      cases.map(({ connections }) => ({ id, rooms: connections / perRoom })),
      async (running) => {
        const drivers: FanOutDriver[] = [];
        try {
          for (const [at, { connections }] of cases.entries()) {
            stage.say(`cost of a delivery: ${connections} connections to ${id}`);
            drivers.push(await FanOutDriver.connectAll(running[at]!, { members: connections, rooms: connections / perRoom }));
          }
          for (let round = 0; round < plan.rounds; round++) {
            stage.say(`cost of a delivery, ${id}, round ${round + 1} of ${plan.rounds}`);
            for (const at of stage.inTurn([...cases.keys()], round)) {
              await drivers[at]!.publishClosed(1, plan.measureMs / 3);
              addRound(cases[at]!.samples, id, await drivers[at]!.publishClosed(1, plan.measureMs));
            }
          }
        } finally {
          for (const crowd of drivers) crowd.close();
        }
      },
    );
  }
  return cases;
}
