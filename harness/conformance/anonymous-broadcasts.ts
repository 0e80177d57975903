// Messages that go to connections of every check and do not say of whom they are: two checks at the same time would take each other's for their own.
import type { Effect, Value } from "../../spec/contract.ts";
import type { ContractUnderTest } from "../client/context.ts";
import { dataOf } from "../schema/contract-data.ts";

type Deliver = Extract<Effect, { kind: "deliver" }>;

type Described = Pick<ContractUnderTest, "contract" | "channel">;

/** How long a broadcast may go on arriving after its sender has its reply, in ms: other connections are written by threads of their own. */
export const stragglerMs = 50;

/** Whether some operation of the channel, or the end of a connection, delivers such a message. Checks then run one after the other. */
export function broadcastsAnonymously(subject: Described): boolean {
  return (
    broadcasters(subject).length > 0 ||
    subject.contract.state.relations.some(({ onDisconnect }) => onDisconnect.some((one) => isAnonymousBroadcast(subject, one)))
  );
}

/** The messages of the client that cause such a broadcast. */
export function broadcasters(subject: Described): readonly string[] {
  const operations = subject.contract.operations.filter((operation) => operation.channel === subject.channel.id);
  return operations
    .filter(({ effects }) => effects.some((one) => isAnonymousBroadcast(subject, one)))
    .flatMap(({ messages }) => messages);
}

function isAnonymousBroadcast(subject: Described, effect: Effect): boolean {
  return (
    effect.kind === "deliver" && isShared(subject, effect) && ![...effect.bindings.values()].some(({ kind }) => kind === "sender")
  );
}

/** So many different names must fit a column, or checks of one run cannot each have their own. */
const enoughNames = 200;

const shared = new WeakMap<Deliver, boolean>();

/** Whether connections of other checks receive it too: it goes to all, or to a relation in which no check has a name of its own. */
export function isShared({ contract, channel }: Described, effect: Deliver): boolean {
  const { to } = effect;
  if (to.kind !== "relation") return to.kind === "all";
  const known = shared.get(effect);
  if (known !== undefined) return known;
  const isCommon = ([column, value]: readonly [string, Value]) => {
    if (value.kind !== "message") return value.kind === "literal";
    const names = Array.from({ length: enoughNames }, (_, at) =>
      dataOf(contract).columnValue(channel, column, `wsproof-${at}`, at + 1),
    );
    return new Set(names.map((name) => JSON.stringify(name))).size < enoughNames;
  };
  const answer = [...to.where].every(isCommon);
  shared.set(effect, answer);
  return answer;
}
