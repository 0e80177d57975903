// The roles in a log, from the contract alone: the operation that publishes, the one that joins, and where their fields are.
import type { Channel, Contract, Effect, Operation, Pointer, Stream } from "../../spec/contract.ts";
import { conjuncts, schemasAt } from "../../spec/schema-walk.ts";

export interface LogRoles {
  readonly stream: Stream;
  readonly publish: Operation;
  readonly join: Operation;
  /** In the publish and in what it delivers: a free text that comes through unchanged, else a free integer from `least` on. */
  readonly content: { readonly sent: Pointer; readonly delivered: Pointer; readonly least: number | undefined };
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

/**
 * Undefined where the contract promises no log in total order, or not enough to take part in one.
 * @param allows what may tell publishes apart, default a text
 */
export function logRoles(
  contract: Contract,
  channel: Channel,
  allows: "text" | "text-or-integer" = "text",
): LogRoles | undefined {
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
      const roles = join === undefined ? undefined : assign(contract, stream, publish, deliver, join, relation, allows);
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
  allows: "text" | "text-or-integer",
): LogRoles | undefined {
  const sentKey = deliver.bindings.get(stream.key!);
  const add = join.effects.find((effect) => effect.kind === "add");
  if (sentKey?.kind !== "message" || add?.kind !== "add") return undefined;
  const [column, joinKey] = [...add.where][0] ?? [];
  const content = contentOf(contract, stream, publish, deliver, allows);
  if (column === undefined || joinKey?.kind !== "message" || content === undefined) return undefined;
  if (!isFreeText(contract, join, joinKey.pointer, sampleKey) || !isFreeText(contract, publish, sentKey.pointer, sampleKey))
    return undefined;
  const once = publish.effects.find((effect) => effect.kind === "once");
  const replay = join.effects.find((effect) => effect.kind === "replay");
  const reply = join.effects.find((effect) => effect.kind === "reply");
  const changes = changesOf(contract, stream, relation);
  // A count that no later message of the log corrects says nothing of the end of a run.
  const isCounted = [...changes.values()].some(({ count }) => count !== undefined);
  return {
    stream,
    publish,
    join,
    content,
    key: { published: sentKey.pointer, joined: joinKey.pointer, column },
    once: once?.kind === "once" && once.key.kind === "message" ? once.key.pointer : undefined,
    replay:
      replay?.kind === "replay" && replay.since.kind === "message"
        ? { since: replay.since.pointer, recovered: replay.recovered }
        : undefined,
    joinedCount: isCounted && reply?.kind === "reply" ? countIn(reply.bindings, relation) : undefined,
    delivered: deliver.message,
    changes,
  };
}

/** The longest names that a run gives to logs and to publishes. */
const sampleKey = "p1-log-1".padEnd(24, "1");
const sampleContent = `${sampleKey}.${"1.1".padEnd(15, "1")}`;
/** Fewer integers would not tell all publishes of a run apart. */
const fewestIntegers = 100_000;

function contentOf(
  contract: Contract,
  stream: Stream,
  publish: Operation,
  deliver: Deliver,
  allows: "text" | "text-or-integer",
): LogRoles["content"] | undefined {
  const free = [...deliver.bindings].flatMap(([delivered, value]) =>
    delivered !== stream.key && value.kind === "message" ? [{ delivered, sent: value.pointer }] : [],
  );
  const text = free.find(({ sent }) => isFreeText(contract, publish, sent, sampleContent));
  if (text !== undefined) return { ...text, least: undefined };
  if (allows === "text") return undefined;
  for (const one of free) {
    const least = leastFreeInteger(contract, publish, one.sent);
    if (least !== undefined) return { ...one, least };
  }
  return undefined;
}

/** What must hold for a field of the operation's message; undefined where the message has none. */
function constraintsAt(contract: Contract, operation: Operation, pointer: Pointer): Record<string, unknown>[] | undefined {
  const message = contract.messages.find(({ name }) => name === operation.messages[0]);
  const found = message === undefined ? undefined : schemasAt(message.payload, pointer, contract.definitions);
  return found?.flatMap((schema) => conjuncts(schema, contract.definitions));
}

const narrowing = ["enum", "const", "pattern", "format", "not", "oneOf", "anyOf", "if", "multipleOf"];

function isFreeText(contract: Contract, operation: Operation, pointer: Pointer, sample: string): boolean {
  const parts = constraintsAt(contract, operation, pointer);
  if (parts === undefined) return false;
  return parts.every((part) => {
    const types = [part.type ?? "string"].flat();
    const allowed = typeof part.pattern !== "string" || matches(part.pattern, sample);
    const others = narrowing.filter((keyword) => keyword !== "pattern").some((keyword) => part[keyword] !== undefined);
    return types.includes("string") && allowed && !others && Number(part.maxLength ?? sample.length) >= sample.length;
  });
}

function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return false;
  }
}

function leastFreeInteger(contract: Contract, operation: Operation, pointer: Pointer): number | undefined {
  const parts = constraintsAt(contract, operation, pointer);
  if (parts === undefined || parts.length === 0) return undefined;
  const isInteger = (part: Record<string, unknown>) => [part.type].flat().some((type) => type === "integer" || type === "number");
  if (!parts.some(isInteger) || parts.some((part) => narrowing.some((keyword) => part[keyword] !== undefined))) return undefined;
  const least = Math.max(...parts.map((part) => Math.ceil(Number(part.minimum ?? Number(part.exclusiveMinimum ?? -1) + 1))));
  const most = Math.min(...parts.map((part) => Number(part.maximum ?? part.exclusiveMaximum ?? Number.MAX_SAFE_INTEGER)));
  return most - least >= fewestIntegers ? least : undefined;
}

function countIn(bindings: Deliver["bindings"], relation: string): Pointer | undefined {
  return [...bindings].find(([, value]) => value.kind === "count" && value.relation === relation)?.[0];
}

/** Messages of the stream that operations, and disconnects, deliver when they add to or take from the relation. */
function changesOf(contract: Contract, { messages }: Stream, relation: string): LogRoles["changes"] {
  const changes = new Map<string, { count: Pointer | undefined; by: -1 | 1 }>();
  const lists = [
    ...contract.operations.map(({ effects }) => effects),
    ...contract.state.relations.map(({ onDisconnect }) => onDisconnect),
  ];
  for (const effects of lists) {
    const change = effects.find((effect) => (effect.kind === "add" || effect.kind === "remove") && effect.relation === relation);
    if (change === undefined) continue;
    for (const effect of effects) {
      if (effect.kind === "deliver" && messages.includes(effect.message))
        changes.set(effect.message, { count: countIn(effect.bindings, relation), by: change.kind === "add" ? 1 : -1 });
    }
  }
  return changes;
}
