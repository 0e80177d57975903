// Which invocation a received frame answers: by its id, else in the order of the requests.
import type { Message } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "./frame.ts";
import { errorIn, isErrorMessage, type Protocol } from "./protocol.ts";
import type { Recogniser } from "./recognise.ts";
import { type Connection, type Invocation, NEVER } from "./trace.ts";

interface Arrived {
  readonly at: number;
  readonly frame: unknown;
  readonly inBatch: boolean;
}

export function receive(protocol: Protocol, recogniser: Recogniser, connection: Connection, arrived: Arrived) {
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
  invocation.connection.answered.push({ sentAt: invocation.sentAt, answeredAt: arrived.at });
  const isFence = invocation.outcome === "ok" && invocation.operation !== undefined && invocation.operation === protocol.fence;
  if (isFence) invocation.connection.fences.push({ sentAt: invocation.sentAt, answeredAt: arrived.at });
}

/** Equal by type and value. What has no id is equal to nothing. */
export function isSameId(one: unknown, other: unknown): boolean {
  return one !== undefined && one !== null && canonical(one) === canonical(other);
}
