// History -> connections and invocations: which send is which operation, which frame answers it, and when its effects were certain.
import type { Message, Operation } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import type { History, HistoryEvent, HttpCall } from "./history.ts";
import { callsOf, type Protocol } from "./protocol.ts";

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
  readonly accepts?: (message: string, frame: unknown) => boolean;
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
  reply: { readonly at: number; readonly frame: unknown; readonly message: Message; readonly error: unknown } | undefined;
  /** Further frames that answer it. */
  readonly extraReplies: number[];
  outcome: "ok" | "fail" | "info";
  /** From here on its effects are certain: its reply, or where it has none the reply to a later fence of the same connection. */
  settledAt: number;
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
      const invocation = createInvocation(protocol, knowledge, connection, invocations.length, at, event.frame, event.json);
      for (const earlier of connection.invocations) {
        if (invocation.id === undefined || earlier.id !== invocation.id || earlier.reply !== undefined) continue;
        earlier.ambiguous = true;
        invocation.ambiguous = true;
      }
      invocations.push(invocation);
      connection.invocations.push(invocation);
    } else if (at < connection.hungUpAt) receive(protocol, connection, at, event.frame);
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
      ...{
        number: invocations.length,
        connection,
        sentAt: at,
        frame: event.frame,
        malformed: undefined,
        id: undefined,
        ambiguous: false,
      },
      message: contract.messages.find(({ name }) => name === operation?.messages[0]),
      ...{ operation, reply: undefined, extraReplies: [], outcome: "info", settledAt: NEVER },
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
    asked.reply = { at, frame: event.frame, message, error: done ? undefined : named?.code };
    asked.outcome = done ? "ok" : "fail";
  }
}

function createInvocation(
  protocol: Protocol,
  knowledge: Knowledge,
  connection: Connection,
  number: number,
  sentAt: number,
  frame: unknown,
  json: boolean,
): Invocation {
  const message = json ? protocol.fromClient(frame) : undefined;
  const valid = message !== undefined && (knowledge.accepts?.(message.name, frame) ?? true);
  // Without a tag it cannot be said to be of an unknown type.
  const tagged = json && protocol.tagOf(frame) !== undefined;
  const malformed = !json ? "not-json" : valid ? undefined : message === undefined && tagged ? "unknown-type" : "not-in-schema";
  const correlation = message?.correlation ?? correlationOfAny(protocol);
  return {
    ...{ number, connection, sentAt, frame, message, malformed, ambiguous: false, reply: undefined },
    ...{ extraReplies: [], outcome: "info" as const, settledAt: NEVER },
    operation: malformed === undefined && message !== undefined ? protocol.operationOf(message.name) : undefined,
    id: json && correlation !== undefined ? lookup(frame, correlation) : undefined,
  };
}

/** Where requests carry their id, for frames that are no known message. */
function correlationOfAny({ contract, channel }: Protocol): string | undefined {
  const names = new Set(
    contract.operations.filter((o) => o.action === "receive" && o.channel === channel.id).flatMap((o) => o.messages),
  );
  return contract.messages.find((message) => names.has(message.name) && message.correlation !== undefined)?.correlation;
}

function receive(protocol: Protocol, connection: Connection, at: number, frame: unknown) {
  const message = protocol.fromServer(frame);
  if (message !== undefined && message.name === protocol.channel.handshake?.first && connection.readyAt === NEVER) {
    connection.readyAt = at;
    connection.first = frame;
    for (const attribute of protocol.contract.state.attributes)
      connection.attributes.set(attribute.name, lookup(frame, attribute.at));
  }
  const invocation = message === undefined ? undefined : findAsked(protocol, connection, message, frame);
  if (invocation !== undefined && message !== undefined) {
    if (invocation.reply === undefined) answer(protocol, invocation, at, frame, message);
    else invocation.extraReplies.push(at);
  }
  connection.received.push({ at, frame, message, invocation });
}

/** The invocation that the frame answers. Only what was sent before can be answered, and the oldest that waits comes first. */
function findAsked(protocol: Protocol, connection: Connection, message: Message, frame: unknown): Invocation | undefined {
  const id = message.correlation === undefined ? undefined : lookup(frame, message.correlation);
  if (id !== undefined) {
    // An operation that promises no reply has none, whatever else carries its id; it may be refused all the same.
    const isError = message.name === protocol.contract.errors?.reply.message;
    const asked = connection.invocations.filter(
      (invocation) =>
        invocation.id === id && (isError || invocation.operation === undefined || invocation.operation.reply !== undefined),
    );
    return asked.find((invocation) => invocation.reply === undefined) ?? asked.at(-1);
  }
  if (!protocol.replies.has(message.name) || message.name === protocol.contract.errors?.reply.message) return undefined;
  return connection.invocations.find(
    (invocation) =>
      invocation.reply === undefined &&
      invocation.message?.correlation === undefined &&
      invocation.operation?.reply?.includes(message.name),
  );
}

function answer(protocol: Protocol, invocation: Invocation, at: number, frame: unknown, message: Message) {
  const errors = protocol.contract.errors?.reply;
  const isError = errors !== undefined && message.name === errors.message;
  invocation.reply = { at, frame, message, error: isError ? lookup(frame, errors.code ?? "") : undefined };
  invocation.outcome = isError ? "fail" : "ok";
  const isFence = invocation.outcome === "ok" && invocation.operation !== undefined && invocation.operation === protocol.fence;
  if (isFence) invocation.connection.fences.push({ sentAt: invocation.sentAt, answeredAt: at });
}

function settledByFence(invocation: Invocation): number {
  return invocation.connection.fences.find((fence) => fence.sentAt > invocation.sentAt)?.answeredAt ?? NEVER;
}
