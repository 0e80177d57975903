// Messages that go to every connection and do not say of whom they are: two checks at the same time would take each other's for their own.
import type { Channel, Contract, Effect } from "../../spec/contract.ts";

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
  return (
    broadcasters({ contract, channel }).length > 0 ||
    contract.state.relations.some(({ onDisconnect }) => onDisconnect.some(isAnonymousBroadcast))
  );
}

/** The messages of the client that cause such a broadcast. */
export function broadcasters({
  contract,
  channel,
}: {
  readonly contract: Contract;
  readonly channel: Channel;
}): readonly string[] {
  const operations = contract.operations.filter((operation) => operation.channel === channel.id);
  return operations.filter(({ effects }) => effects.some(isAnonymousBroadcast)).flatMap(({ messages }) => messages);
}

function isAnonymousBroadcast(effect: Effect): boolean {
  return (
    effect.kind === "deliver" && effect.to.kind === "all" && ![...effect.bindings.values()].some(({ kind }) => kind === "sender")
  );
}
