// Messages that go to every connection and do not say of whom they are: two checks at the same time would take each other's for their own.
import type { Channel, Contract } from "../../spec/contract.ts";

/** How long a broadcast may go on arriving after its sender has its reply, in ms: other connections are written by threads of their own. */
export const stragglerMs = 50;

/** Whether some operation of the channel, or the end of a connection, delivers such a message. Checks then run one after the other. */
export function broadcastsAnonymously({
  contract,
  channel,
}: {
  readonly contract: Contract;
  readonly channel: Channel;
}): boolean {
  const operations = contract.operations.filter((operation) => operation.channel === channel.id);
  const effects = [
    ...operations.flatMap((operation) => operation.effects),
    ...contract.state.relations.flatMap(({ onDisconnect }) => onDisconnect),
  ];
  return effects.some(
    (effect) =>
      effect.kind === "deliver" &&
      effect.to.kind === "all" &&
      ![...effect.bindings.values()].some(({ kind }) => kind === "sender"),
  );
}
