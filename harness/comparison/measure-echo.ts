// Echo: a request and its reply, the request validated by the reference and parsed by the others.
import { EchoDriver } from "./echo-crowd.ts";
import type { Plan } from "./plan.ts";
import { addRound, type EchoCase, type Results } from "./results.ts";
import type { Stage } from "./run-servers.ts";
import type { PeerId } from "./servers.ts";

const compared: readonly PeerId[] = ["reference", "ws", "uws", "bun"];

export async function measureEcho(plan: Plan, stage: Stage): Promise<NonNullable<Results["echo"]>> {
  const { connections } = plan.echo;
  const cases = plan.echo.inFlight.map((inFlight): EchoCase => ({ connections, inFlight, samples: {} }));
  await stage.withPeers(compared, async (running) => {
    const drivers = new Map<PeerId, EchoDriver>();
    try {
      for (const peer of running) drivers.set(peer.id, await EchoDriver.connectAll(peer, connections));
      // Round 0 is not counted, as for fan-out.
      for (let round = 0; round <= plan.rounds; round++) {
        stage.say(`echo, round ${round} of ${plan.rounds}`);
        for (const { inFlight, samples } of cases) {
          for (const { id } of stage.inTurn(running, round)) {
            const crowd = drivers.get(id)!;
            await crowd.run(inFlight, plan.measureMs / 3);
            const sample = await crowd.run(inFlight, plan.measureMs);
            if (round > 0) addRound(samples, id, sample);
          }
        }
      }
    } finally {
      for (const crowd of drivers.values()) crowd.close();
    }
  });
  return { cases };
}
