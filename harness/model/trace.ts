// History -> connections and invocations: which send is which operation, which frame answers it, and when its effects were certain.
import type { ErrorValue, Message, Operation } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "./frame.ts";
import type { History, HistoryEvent, HttpCall } from "./history.ts";
import { callsOf, errorIn, isErrorMessage, type Protocol } from "./protocol.ts";
import { type Accepts, createRecogniser, type Recogniser } from "./recognise.ts";

/** A moment is an index into the history. NEVER: it did not happen in this history. */
export const NEVER = Number.POSITIVE_INFINITY;

/** What the harness knows and the history does not say. */
export interface Knowledge {
  /** The claims of the credential that a user of the history connected with. */
  readonly claimsOf: (user: string) => ReadonlyMap<string, unknown>;
  /** Credential as sent -> what it is. A value that is missing here is not checked. */
  readonly credentials: ReadonlyMap<string, CredentialFacts>;
  /** When the credential that the connection opened with expires, in ms of the history; undefined: not within the run. */
  readonly expiryOf?: (connection: number) => number | undefined;
  /** The target was alive then, and all that it had sent is in the history, in ms of the history; default: nothing is known of it. */
  readonly aliveAtMs?: number;
  /** Whether the frame keeps the schema of the message. Without it every frame with a known tag counts as valid. */
  readonly accepts?: Accepts;
  /** Shorter deadline for deliveries than the contract's, in ms; used while shrinking. */
  readonly deadlineMs?: number;
}

export interface CredentialFacts {
  readonly good: boolean;
  readonly claims: ReadonlyMap<string, unknown>;
  /** When it expires, in ms of the history; undefined: not within the run. */
  readonly expiresAtMs?: number;
}

/** One connection. A reconnect is another one. */
export interface Connection {
  readonly id: number;
  readonly node: string;
  readonly user: string;
  readonly openAt: number;
  /** When the handshake's first message came; where there is none, when it opened. */
  readyAt: number;
  first: unknown;
  readonly attributes: Map<string, unknown>;
  /** When we began to close it. What it receives later is not checked: it may or may not reach us. */
  hungUpAt: number;
  closedAt: number;
  closeCode: number | undefined;
  /** The earliest moment at which the server may have ended it; NEVER where nothing ended it. Known once `recordEnds` has run. */
  endFrom: number;
  /** One request over HTTP: it is no connection, has one invocation, and receives nothing but its answer. */
  readonly http: HttpCall | undefined;
  readonly invocations: Invocation[];
  readonly fences: Fence[];
  readonly received: Received[];
}

/** A fence that was answered. It speaks for its own connection alone. */
export interface Fence {
  readonly sentAt: number;
  readonly answeredAt: number;
}

export interface Received {
  readonly at: number;
  readonly frame: unknown;
  readonly message: Message | undefined;
  /** It came as an item of an array. */
  readonly inBatch: boolean;
  /** It answers this invocation, so it is no delivery. */
  readonly invocation: Invocation | undefined;
}

/** One frame that a client sent. */
export interface Invocation {
  readonly number: number;
  readonly connection: Connection;
  readonly sentAt: number;
  readonly frame: unknown;
  readonly message: Message | undefined;
  readonly operation: Operation | undefined;
  /** Why it is no message of the protocol: an ErrorCode's `when`. */
  readonly malformed: "not-json" | "unknown-type" | "not-in-schema" | undefined;
  readonly id: unknown;
  /** Another invocation with the same id waited at the same time, so a reply cannot be told to be its own. */
  ambiguous: boolean;
  /** The array that it was sent in, and its index there. */
  readonly batch: { readonly size: number; readonly index: number } | undefined;
  reply: Reply | undefined;
  /** Further frames that answer it. */
  readonly extraReplies: number[];
  /** Frames that carry its id and are no message of the protocol. */
  readonly unrecognised: number[];
  /** An error without an id was taken to answer it. */
  looseErrorAt: number | undefined;
  outcome: "ok" | "fail" | "info";
  /** From here on its effects are certain: its reply, or where it has none the reply to a later fence of the same connection. */
  settledAt: number;
}

export interface Reply {
  readonly at: number;
  readonly frame: unknown;
  readonly message: Message;
  /** The error code; undefined where the reply is no error. */
  readonly error: ErrorValue | undefined;
  /** The frame is this message as well. */
  readonly both: Message | undefined;
  readonly inBatch: boolean;
}

export interface Trace {
  readonly history: History;
  /** Without requests over HTTP. */
  readonly connections: ReadonlyMap<number, Connection>;
  readonly invocations: readonly Invocation[];
}

/** Reads a history once, from front to back. */
export function createTrace(protocol: Protocol, history: History, knowledge: Knowledge): Trace {
  const connections = new Map<number, Connection>();
  const invocations: Invocation[] = [];
  const calls = new Map<number, Connection>();
  const recogniser = createRecogniser(protocol, knowledge.accepts);
  const isBatch = (frame: unknown) => protocol.channel.batch !== undefined && Array.isArray(frame);
  history.forEach((event, at) => {
    if (event.kind === "fault" || event.kind === "note") return;
    if (event.kind === "open" && event.http !== undefined) {
      calls.set(event.connection, createCall(protocol, knowledge, event, at));
      return;
    }
    const call = calls.get(event.connection);
    if (call !== undefined) {
      takeCall(protocol, call, invocations, event, at);
      return;
    }
    if (event.kind === "open") {
      const connection = createConnection(event.connection, event.node, event.user, at);
      if (protocol.channel.handshake?.first === undefined) connection.readyAt = at;
      connections.set(event.connection, connection);
      return;
    }
    const connection = connections.get(event.connection);
    if (connection === undefined) return;
    if (event.kind === "hang-up") connection.hungUpAt = Math.min(connection.hungUpAt, at);
    else if (event.kind === "close") {
      connection.closedAt = at;
      connection.closeCode = event.code;
    } else if (event.kind === "send") {
      const items = isBatch(event.frame) ? (event.frame as readonly unknown[]) : [];
      const frames = items.length > 0 ? items : [event.frame];
      for (const [index, frame] of frames.entries()) {
        const batch = items.length > 0 ? { size: items.length, index } : undefined;
        const sent = { connection, number: invocations.length, sentAt: at, frame, json: event.json, batch };
        const invocation = createInvocation(protocol, knowledge, recogniser, sent);
        markAmbiguous(protocol, connection, invocation);
        invocations.push(invocation);
        connection.invocations.push(invocation);
      }
    } else if (at < connection.hungUpAt) {
      const inBatch = isBatch(event.frame);
      for (const frame of inBatch ? (event.frame as readonly unknown[]) : [event.frame])
        receive(protocol, recogniser, connection, { at, frame, inBatch });
    }
  });
  for (const invocation of invocations) invocation.settledAt = invocation.reply?.at ?? settledByFence(invocation);
  return { history, connections, invocations };
}

function createConnection(id: number, node: string, user: string, openAt: number): Connection {
  return {
    ...{ id, node, user, openAt, readyAt: NEVER, first: undefined, attributes: new Map() },
    ...{
      hungUpAt: NEVER,
      closedAt: NEVER,
      closeCode: undefined,
      endFrom: NEVER,
      http: undefined,
      invocations: [],
      fences: [],
      received: [],
    },
  };
}

/** The attributes of its sender are those that its credential says. */
function createCall(
  protocol: Protocol,
  knowledge: Knowledge,
  { connection, node, user, http }: Extract<HistoryEvent, { kind: "open" }>,
  at: number,
): Connection {
  const claims = knowledge.claimsOf(user);
  const attributes = new Map<string, unknown>();
  for (const { name, claim } of protocol.contract.state.attributes)
    if (claim !== undefined) attributes.set(name, claims.get(claim));
  return { ...createConnection(connection, node, user, at), attributes, http };
}

function takeCall(protocol: Protocol, connection: Connection, invocations: Invocation[], event: HistoryEvent, at: number) {
  const { contract } = protocol;
  const [asked] = connection.invocations;
  if (event.kind === "send") {
    const operation = callsOf(contract).find(({ id }) => id === connection.http?.operation);
    const invocation: Invocation = {
      ...{ number: invocations.length, connection, sentAt: at, frame: event.frame, malformed: undefined, id: undefined },
      message: contract.messages.find(({ name }) => name === operation?.messages[0]),
      ...{ operation, batch: undefined, ...unanswered() },
    };
    invocations.push(invocation);
    connection.invocations.push(invocation);
  } else if (event.kind === "receive" && asked?.operation !== undefined) {
    const { effects, reply = [], requires } = asked.operation;
    const success = effects.find((effect) => effect.kind === "reply")?.message;
    const done = event.status !== undefined && event.status < 300;
    const message = contract.messages.find(({ name }) => (done ? name === success : reply.includes(name) && name !== success));
    if (message === undefined) return;
    const codes = contract.errors?.codes.filter(({ http }) => http === event.status) ?? [];
    const named = codes.find(({ code }) => requires.some((requirement) => requirement.else === code)) ?? codes[0];
    asked.reply = { at, frame: event.frame, message, error: done ? undefined : named?.code, both: undefined, inBatch: false };
    asked.outcome = done ? "ok" : "fail";
  }
}

function createInvocation(
  protocol: Protocol,
  knowledge: Knowledge,
  recogniser: Recogniser,
  { json, ...sent }: Pick<Invocation, "connection" | "number" | "sentAt" | "frame" | "batch"> & { readonly json: boolean },
): Invocation {
  const { frame } = sent;
  const message = json ? recogniser.request(frame) : undefined;
  const valid = message !== undefined && (knowledge.accepts?.(message.name, frame) ?? true);
  // Without a tag it cannot be said to be of an unknown type.
  const tagged = json && protocol.tagOf(frame) !== undefined;
  const malformed = !json ? "not-json" : valid ? undefined : message === undefined && tagged ? "unknown-type" : "not-in-schema";
  const correlation = message?.correlation ?? correlationOfAny(protocol);
  return {
    ...{ ...sent, message, malformed, ...unanswered() },
    operation: malformed === undefined && message !== undefined ? protocol.operationOf(message.name) : undefined,
    id: json && correlation !== undefined ? lookup(frame, correlation) : undefined,
  };
}

/** The fields of an invocation that only what comes later fills. */
function unanswered() {
  return {
    ...{ ambiguous: false, reply: undefined, extraReplies: [], unrecognised: [], looseErrorAt: undefined },
    ...{ outcome: "info" as const, settledAt: NEVER },
  };
}

/** Two requests with one id wait at the same time: only where both are valid and replies come in order, each reply is still known. */
function markAmbiguous({ channel }: Protocol, connection: Connection, invocation: Invocation) {
  for (const earlier of connection.invocations) {
    if (!isSameId(earlier.id, invocation.id) || earlier.reply !== undefined) continue;
    const inOrder = channel.delivery?.replies !== "any-order";
    if (inOrder && earlier.operation?.reply !== undefined && invocation.operation?.reply !== undefined) continue;
    earlier.ambiguous = true;
    invocation.ambiguous = true;
  }
}

/** Equal by type and value. What has no id is equal to nothing. */
function isSameId(one: unknown, other: unknown): boolean {
  return one !== undefined && one !== null && canonical(one) === canonical(other);
}

/** Whether the document promises a reply to this request. */
export function promisesReply({ operation, id }: Pick<Invocation, "operation" | "id">): boolean {
  const correlated = id !== undefined && id !== null;
  return operation?.reply !== undefined && (operation.replyWhen === "always" || correlated);
}

/** Where requests carry their id, for frames that are no known message. */
function correlationOfAny({ contract, channel }: Protocol): string | undefined {
  const names = new Set(
    contract.operations.filter((o) => o.action === "receive" && o.channel === channel.id).flatMap((o) => o.messages),
  );
  return contract.messages.find((message) => names.has(message.name) && message.correlation !== undefined)?.correlation;
}

interface Arrived {
  readonly at: number;
  readonly frame: unknown;
  readonly inBatch: boolean;
}

function receive(protocol: Protocol, recogniser: Recogniser, connection: Connection, arrived: Arrived) {
  const { at, frame, inBatch } = arrived;
  const tagged = recogniser.tagged(frame);
  const isEvent = tagged !== undefined && !protocol.replies.has(tagged.name) && !isErrorMessage(protocol, tagged.name);
  const correlated = isEvent ? undefined : findCorrelated(protocol, recogniser, connection, frame);
  if (correlated !== undefined) {
    const { message, both } = recogniser.reply(frame, correlated.operation);
    if (message === undefined) correlated.unrecognised.push(at);
    else answer(protocol, correlated, arrived, message, both);
    connection.received.push({ at, frame, message, inBatch, invocation: correlated });
    return;
  }
  const awaited = connection.invocations.find((one) => isAwaitedInOrder(one) && one.reply === undefined);
  const message = recogniser.event(frame, awaited?.operation?.reply ?? []);
  if (message !== undefined && message.name === protocol.channel.handshake?.first && connection.readyAt === NEVER) {
    connection.readyAt = at;
    connection.first = frame;
    for (const attribute of protocol.contract.state.attributes)
      connection.attributes.set(attribute.name, lookup(frame, attribute.at));
  }
  const invocation = message === undefined ? undefined : findInOrder(protocol, connection, message, arrived);
  if (invocation !== undefined && message !== undefined) answer(protocol, invocation, arrived, message, undefined);
  connection.received.push({ at, frame, message, inBatch, invocation });
}

/** The invocation whose id the frame carries. Only what was sent before can be answered, and the oldest that waits comes first. */
function findCorrelated(
  protocol: Protocol,
  recogniser: Recogniser,
  connection: Connection,
  frame: unknown,
): Invocation | undefined {
  const ids = recogniser.ids(frame);
  if (ids.length === 0) return undefined;
  const sameId = connection.invocations.filter(({ id }) => ids.some((one) => isSameId(one, id)));
  // An operation that promises no reply has none, whatever else carries its id; it may be refused all the same.
  const { message } = recogniser.reply(frame, sameId[0]?.operation);
  const isError = message !== undefined && isErrorMessage(protocol, message.name);
  const asked = sameId.filter(({ operation }) => isError || operation === undefined || operation.reply !== undefined);
  return asked.find(({ reply }) => reply === undefined) ?? asked.at(-1);
}

/** Whether its reply carries no id, so that replies of a kind come in the order of their requests. */
function isAwaitedInOrder({ message, operation }: Invocation): boolean {
  return message?.correlation === undefined && operation?.reply !== undefined;
}

/** The oldest invocation without an id that the frame may answer. */
function findInOrder(protocol: Protocol, connection: Connection, message: Message, { at }: Arrived): Invocation | undefined {
  const isError = isErrorMessage(protocol, message.name);
  if (!isError && !protocol.replies.has(message.name)) return undefined;
  for (const invocation of connection.invocations) {
    if (
      isError &&
      invocation.malformed !== undefined &&
      invocation.looseErrorAt === undefined &&
      invocation.reply === undefined
    ) {
      invocation.looseErrorAt = at;
      return undefined;
    }
    const waits = isAwaitedInOrder(invocation) && invocation.reply === undefined;
    if (waits && invocation.operation?.reply?.includes(message.name)) return invocation;
  }
  return undefined;
}

function answer(protocol: Protocol, invocation: Invocation, arrived: Arrived, message: Message, both: Message | undefined) {
  if (invocation.reply !== undefined) {
    invocation.extraReplies.push(arrived.at);
    return;
  }
  const isError = isErrorMessage(protocol, message.name);
  const error = isError ? errorIn(protocol, message.name, arrived.frame) : undefined;
  invocation.reply = { ...arrived, message, error, both };
  // What is not positively the declared reply is no success: whether the operation took effect is not known.
  const isDeclared = invocation.operation === undefined || invocation.operation.reply?.includes(message.name) === true;
  invocation.outcome = isError ? "fail" : isDeclared ? "ok" : "info";
  const isFence = invocation.outcome === "ok" && invocation.operation !== undefined && invocation.operation === protocol.fence;
  if (isFence) invocation.connection.fences.push({ sentAt: invocation.sentAt, answeredAt: arrived.at });
}

function settledByFence(invocation: Invocation): number {
  return invocation.connection.fences.find((fence) => fence.sentAt > invocation.sentAt)?.answeredAt ?? NEVER;
}
