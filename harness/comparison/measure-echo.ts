// Echo: a request and its reply, the request validated by the reference and parsed by the others.
import { EchoCrowd } from "./echo-crowd.ts";
import type { Plan } from "./plan.ts";
import { addRound, type EchoCase, type Results } from "./results.ts";
import type { Stage } from "./run-servers.ts";
import type { PeerId } from "./servers.ts";

const compared: readonly PeerId[] = ["reference", "ws", "uws"];

export async function measureEcho(plan: Plan, stage: Stage): Promise<NonNullable<Results["echo"]>> {
  const { connections } = plan.echo;
  const cases = plan.echo.inFlight.map((inFlight): EchoCase => ({ connections, inFlight, samples: {} }));
  await stage.withPeers(compared, async (running) => {
    const crowds = new Map<PeerId, EchoCrowd>();
    try {
      for (const peer of running) crowds.set(peer.id, await EchoCrowd.gather(peer, connections));
      // Round 0 is not counted, as for fan-out.
      for (let round = 0; round <= plan.rounds; round++) {
        stage.say(`echo, round ${round} of ${plan.rounds}`);
        for (const { inFlight, samples } of cases) {
          for (const { id } of stage.inTurn(running, round)) {
            const crowd = crowds.get(id)!;
            await crowd.run(inFlight, plan.measureMs / 3);
            const sample = await crowd.run(inFlight, plan.measureMs);
            if (round > 0) addRound(samples, id, sample);
          }
        }
      }
    } finally {
      for (const crowd of crowds.values()) crowd.close();
    }
  });
  return { cases };
}
