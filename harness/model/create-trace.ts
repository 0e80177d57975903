// History -> connections and invocations: which send is which operation, which frame answers it, and when its effects were certain.

import type { Message } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import type { History, HistoryEvent } from "./history.ts";
import { isSameId, receive } from "./match-replies.ts";
import { callsOf, type Protocol } from "./protocol.ts";
import { createRecogniser, type Recogniser } from "./recognise.ts";
import { type Connection, type Invocation, type Knowledge, NEVER, type Trace } from "./trace.ts";

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
      const { joinsMessages } = protocol.channel;
      const isJoined = isBatch(event.frame) || (joinsMessages && Array.isArray(event.frame));
      const inBatch = isJoined && !joinsMessages;
      for (const frame of isJoined ? (event.frame as readonly unknown[]) : [event.frame])
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
      answered: [],
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
  const isPlain = ({ name, format }: Message) => format === "text" && knowledge.accepts?.(name, frame) === true;
  const message = json ? recogniser.request(frame) : protocol.clientMessages.find(isPlain);
  const valid = message !== undefined && (knowledge.accepts?.(message.name, frame) ?? true);
  // Without a tag it cannot be said to be of an unknown type.
  const tagged = json && protocol.tagOf(frame) !== undefined;
  const malformed = valid ? undefined : !json ? "not-json" : message === undefined && tagged ? "unknown-type" : "not-in-schema";
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

/** Where requests carry their id, for frames that are no known message. */
function correlationOfAny({ contract, channel }: Protocol): string | undefined {
  const names = new Set(
    contract.operations.filter((o) => o.action === "receive" && o.channel === channel.id).flatMap((o) => o.messages),
  );
  return contract.messages.find((message) => names.has(message.name) && message.correlation !== undefined)?.correlation;
}

function settledByFence(invocation: Invocation): number {
  return invocation.connection.fences.find((fence) => fence.sentAt > invocation.sentAt)?.answeredAt ?? NEVER;
}
