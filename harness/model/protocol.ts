// A Contract arranged for collector one WebSocket channel: which message a frame is, what an operation delivers, where positions stand.
import type {
  Bindings,
  Channel,
  Contract,
  Effect,
  ErrorCode,
  ErrorValue,
  Message,
  Operation,
  Pointer,
  Relation,
  Stream,
  Value,
} from "../../spec/contract.ts";
import { isErrorValue } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";

export type Deliver = Extract<Effect, { kind: "deliver" }>;

/** One effect that sends a message to others, and the values that it binds. */
export interface Delivery {
  readonly effect: Deliver;
  /** The operation it belongs to, or the relation whose tuples go with a connection. */
  readonly cause: { readonly operation: Operation } | { readonly relation: Relation };
  /** Bound pointers whose value is fixed when the operation is sent, sorted. */
  readonly fixed: readonly (readonly [Pointer, Value])[];
  /** Bound pointers that hold a number of tuples. */
  readonly counts: readonly { readonly pointer: Pointer; readonly relation: string }[];
  /** By how much the effect before it changes the number of tuples of a relation: +1 or -1. */
  readonly changes: ReadonlyMap<string, 1 | -1>;
}

export interface Protocol {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly clientMessages: readonly Message[];
  readonly serverMessages: readonly Message[];
  /** The value where the client's messages have their tag. */
  readonly tagOf: (frame: unknown) => string | number | boolean | undefined;
  /** Where the client's messages have their tag. */
  readonly tagAt: Pointer | undefined;
  /** The operation that a message from the client asks for. */
  readonly operationOf: (message: string) => Operation | undefined;
  /** Message name -> the effects that send it to others. */
  readonly deliveries: ReadonlyMap<string, readonly Delivery[]>;
  /** Names of messages that answer an operation. */
  readonly replies: ReadonlySet<string>;
  readonly streamOf: (message: string) => Stream | undefined;
  readonly streamOfReply: (message: string) => Stream | undefined;
  /** The operation whose reply proves that the connection is served in order. */
  readonly fence: Operation | undefined;
}

/** Arranges the contract for the channel. @throws Error when `channelId` is not a channel of the contract */
export function createProtocol(contract: Contract, channelId?: string): Protocol {
  const channel = contract.channels.find((candidate) =>
    channelId === undefined ? candidate.kind === "websocket" : candidate.id === channelId,
  );
  if (channel === undefined) throw new Error(`no WebSocket channel ${channelId ?? ""} in ${contract.file}`);
  const messages = new Map(contract.messages.map((message) => [message.name, message]));
  const operations = contract.operations.filter((operation) => operation.channel === channel.id);
  const received = operations.filter((operation) => operation.action === "receive");
  const clientNames = new Set(received.flatMap((operation) => operation.messages));
  const replies = new Set(received.flatMap((operation) => operation.reply ?? []));
  const errorMessages = contract.errors?.replies.map(({ message }) => message) ?? [];
  const deliveries = collectDeliveries(contract, [...received, ...callsOf(contract)]);
  const serverNames = new Set([
    ...replies,
    ...deliveries.keys(),
    ...operations.filter((operation) => operation.action === "send").flatMap((operation) => operation.messages),
    ...(channel.handshake?.first === undefined ? [] : [channel.handshake.first]),
    ...errorMessages,
  ]);
  const byMessage = new Map(received.flatMap((operation) => operation.messages.map((name) => [name, operation] as const)));
  const streams = channel.delivery?.streams ?? [];
  const pick = (names: ReadonlySet<string>) => [...names].flatMap((name) => messages.get(name) ?? []);
  const fence = channel.delivery?.fence;
  const tagAt = pick(clientNames).find(({ tag }) => tag !== undefined)?.tag?.pointer;
  return {
    tagAt,
    tagOf: (frame) => {
      const tag = tagAt === undefined ? undefined : lookup(frame, tagAt);
      return isErrorValue(tag) ? tag : undefined;
    },
    contract,
    channel,
    clientMessages: pick(clientNames),
    serverMessages: pick(serverNames),
    operationOf: (message) => byMessage.get(message),
    deliveries,
    replies,
    streamOf: (message) => streams.find((stream) => stream.messages.includes(message)),
    streamOfReply: (message) => streams.find((stream) => stream.replies.includes(message)),
    fence:
      fence === undefined
        ? undefined
        : received.find((operation) => operation.id === fence || operation.messages.includes(fence)),
  };
}

/** Operations over HTTP that deliver to connections: what they deliver is one with what connections publish. */
export function callsOf(contract: Contract): Operation[] {
  const http = new Set(contract.channels.filter(({ kind }) => kind === "http").map(({ id }) => id));
  return contract.operations.filter(
    ({ action, channel, effects }) => action === "receive" && http.has(channel) && effects.some(({ kind }) => kind === "deliver"),
  );
}

/** Whether the document says nothing of when the operation succeeds. */
export function saysNothing({ effectsKnown, requires }: Operation): boolean {
  return !effectsKnown && requires.length === 0;
}

/**
 * Whether the server may answer the operation with this close for reasons that nobody outside can see, such as a missing login: the
 * document says nothing of when it succeeds, and the code is one of RFC 6455 section 7.4 for a decision of the application that the
 * document does not keep for malformed frames, for a limit or for a missed heartbeat.
 */
export function mayCloseUnforeseen(
  { contract, channel }: Pick<Protocol, "contract" | "channel">,
  operation: Operation,
  code: number,
): boolean {
  const errors = (contract.errors?.codes ?? []).filter(({ close }) => close === code);
  const isOfFrames = errors.length > 0 && errors.every(({ when }) => frameErrors.has(when));
  const isOfLimit = channel.limits.some((limit) => "close" in limit && limit.close === code);
  const isDecision = code === 1000 || code === 1008 || (code >= 3000 && code < 5000);
  return saysNothing(operation) && isDecision && !isOfFrames && !isOfLimit && channel.heartbeat?.close !== code;
}

/** Reasons that stand in the frame alone. */
export const frameErrors: ReadonlySet<ErrorCode["when"] | undefined> = new Set(["not-json", "not-in-schema", "unknown-type"]);

/** Whether the message carries errors. */
export function isErrorMessage({ contract }: Pick<Protocol, "contract">, name: string): boolean {
  return contract.errors?.replies.some(({ message }) => message === name) ?? false;
}

/** The error code of a frame, where the message carries errors; undefined where it has none that the document could declare. */
export function errorIn({ contract }: Pick<Protocol, "contract">, name: string, frame: unknown): ErrorValue | undefined {
  const at = contract.errors?.replies.find(({ message }) => message === name)?.code;
  const code = at === undefined ? undefined : lookup(frame, at);
  return isErrorValue(code) ? code : undefined;
}

function collectDeliveries(contract: Contract, operations: readonly Operation[]): Map<string, Delivery[]> {
  const found = new Map<string, Delivery[]>();
  const collect = (effects: readonly Effect[], cause: Delivery["cause"]) => {
    const changes = new Map<string, 1 | -1>();
    for (const effect of effects) {
      if (effect.kind === "add") changes.set(effect.relation, 1);
      if (effect.kind === "remove") changes.set(effect.relation, -1);
      if (effect.kind !== "deliver") continue;
      const delivery = { effect, cause, ...splitBindings(effect.bindings), changes: new Map(changes) };
      found.set(effect.message, [...(found.get(effect.message) ?? []), delivery]);
    }
  };
  for (const operation of operations) collect(operation.effects, { operation });
  for (const relation of contract.state.relations) collect(relation.onDisconnect, { relation });
  return found;
}

/** A list of the tuples of a relation, as a set. @see Value */
export interface ListBinding {
  readonly pointer: Pointer;
  readonly relation: string;
  readonly item: string | undefined;
}

/** Separates the bindings whose value is known with the request and its reply from those that count or list tuples. */
export function splitBindings(
  bindings: Bindings,
): Pick<Delivery, "fixed" | "counts"> & { readonly lists: readonly ListBinding[] } {
  const later = new Set(["count", "list", "relation"]);
  const fixed = [...bindings].filter(([, value]) => !later.has(value.kind)).sort(([a], [b]) => (a < b ? -1 : 1));
  const counts = [...bindings].flatMap(([pointer, value]) =>
    value.kind === "count" ? [{ pointer, relation: value.relation }] : [],
  );
  const lists = [...bindings].flatMap(([pointer, value]) =>
    value.kind === "list" ? [{ pointer, relation: value.relation, item: value.item }] : [],
  );
  return { fixed, counts, lists };
}
