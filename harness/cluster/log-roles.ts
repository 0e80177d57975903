// Who plays which part in a log, from the contract alone: the operation that publishes, the one that joins, and where each thing stands.
import type { Channel, Contract, Effect, Operation, Pointer, Stream } from "../../spec/contract.ts";

export interface LogRoles {
  readonly stream: Stream;
  readonly publish: Operation;
  readonly join: Operation;
  /** In the publish and in what it delivers: free text that comes through unchanged. */
  readonly content: { readonly sent: Pointer; readonly delivered: Pointer };
  /** In the publish and in the join: which log. */
  readonly key: { readonly published: Pointer; readonly joined: Pointer; readonly column: string };
  /** In the publish: the idempotency key, where the contract has one. */
  readonly once: Pointer | undefined;
  /** In the join: the position to come back with, and in its reply whether all that was missed follows. */
  readonly replay: { readonly since: Pointer; readonly recovered: Pointer | undefined } | undefined;
  /** In the join's reply: the relation's count. */
  readonly joinedCount: Pointer | undefined;
  /** The name of what a publish delivers. */
  readonly delivered: string;
  /** Events that change the relation: where the count stands after them, and by how much they change it. */
  readonly changes: ReadonlyMap<string, { readonly count: Pointer | undefined; readonly by: -1 | 1 }>;
}

type Deliver = Extract<Effect, { kind: "deliver" }>;

/** Undefined where the contract promises no log in total order, or not enough to take part in one. */
export function logRoles(contract: Contract, channel: Channel): LogRoles | undefined {
  const received = contract.operations.filter((operation) => operation.channel === channel.id && operation.action === "receive");
  for (const stream of channel.delivery?.streams ?? []) {
    if (stream.order !== "total" || stream.key === undefined || stream.epoch === undefined || stream.seq === undefined) continue;
    for (const publish of received) {
      const deliver = publish.effects.find(
        (effect): effect is Deliver =>
          effect.kind === "deliver" && effect.to.kind === "relation" && stream.messages.includes(effect.message),
      );
      if (deliver?.to.kind !== "relation" || publish.effects.some(({ kind }) => kind === "add" || kind === "remove")) continue;
      const { relation } = deliver.to;
      const join = received.find(({ effects }) =>
        effects.some((effect) => effect.kind === "add" && effect.relation === relation),
      );
      const roles = join === undefined ? undefined : assign(contract, stream, publish, deliver, join, relation);
      if (roles !== undefined) return roles;
    }
  }
  return undefined;
}

function assign(
  contract: Contract,
  stream: Stream,
  publish: Operation,
  deliver: Deliver,
  join: Operation,
  relation: string,
): LogRoles | undefined {
  const sentKey = deliver.bindings.get(stream.key!);
  const add = join.effects.find((effect) => effect.kind === "add");
  if (sentKey?.kind !== "message" || add?.kind !== "add") return undefined;
  const [column, joinKey] = [...add.where][0] ?? [];
  const content = [...deliver.bindings].find(([at, value]) => at !== stream.key && value.kind === "message");
  if (column === undefined || joinKey?.kind !== "message" || content?.[1].kind !== "message") return undefined;
  const once = publish.effects.find((effect) => effect.kind === "once");
  const replay = join.effects.find((effect) => effect.kind === "replay");
  const reply = join.effects.find((effect) => effect.kind === "reply");
  return {
    stream,
    publish,
    join,
    content: { sent: content[1].pointer, delivered: content[0] },
    key: { published: sentKey.pointer, joined: joinKey.pointer, column },
    once: once?.kind === "once" && once.key.kind === "message" ? once.key.pointer : undefined,
    replay:
      replay?.kind === "replay" && replay.since.kind === "message"
        ? { since: replay.since.pointer, recovered: replay.recovered }
        : undefined,
    joinedCount: reply?.kind === "reply" ? countIn(reply.bindings, relation) : undefined,
    delivered: deliver.message,
    changes: changesOf(contract, relation),
  };
}

function countIn(bindings: Deliver["bindings"], relation: string): Pointer | undefined {
  return [...bindings].find(([, value]) => value.kind === "count" && value.relation === relation)?.[0];
}

/** Deliveries of operations, and of disconnects, that add to or take from the relation. */
function changesOf(contract: Contract, relation: string): LogRoles["changes"] {
  const changes = new Map<string, { count: Pointer | undefined; by: -1 | 1 }>();
  const lists = [
    ...contract.operations.map(({ effects }) => effects),
    ...contract.state.relations.map(({ onDisconnect }) => onDisconnect),
  ];
  for (const effects of lists) {
    const change = effects.find((effect) => (effect.kind === "add" || effect.kind === "remove") && effect.relation === relation);
    if (change === undefined) continue;
    for (const effect of effects) {
      if (effect.kind === "deliver")
        changes.set(effect.message, { count: countIn(effect.bindings, relation), by: change.kind === "add" ? 1 : -1 });
    }
  }
  return changes;
}
