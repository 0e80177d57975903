// Binding: what a step means once it is known which connections, names and positions there are.

import type { Operation, Pointer, Stream } from "../../../spec/contract.ts";
import { lookup } from "../../../spec/pointer.ts";
import { withValueAt } from "../../client/messages.ts";
import { canonical } from "../../model/frame.ts";
import { keyIn, type PositionedStream, positionOf } from "../../model/logs.ts";
import { createRecogniser } from "../../model/recognise.ts";
import { NotTestable } from "../../schema/errors.ts";
import { type Field, fieldsOf, messageOf, type SendStep } from "./case.ts";
import { credentialFor } from "./case-credentials.ts";
import type { CaseState, Participant } from "./case-state.ts";
import { heldValues } from "./held-values.ts";

/** The frame to send, with an id of its own; undefined where the step makes no valid one now. */
export async function bindStep(state: CaseState, step: SendStep, participant: Participant): Promise<unknown> {
  const operation = state.protocol.contract.operations.find(({ id }) => id === step.operation);
  if (operation === undefined) return undefined;
  const name = `${participant.user.name} ${operation.id}`;
  const fields = fieldsOf(state.protocol, operation);
  const idAt = [...fields].find(([, { role }]) => role === "id")?.[0];
  const again = step.once === "again" ? state.keyed.get(name) : undefined;
  if (again !== undefined) return idAt === undefined ? again : withValueAt(again, idAt, newId(state, operation));
  let frame: unknown = step.frame;
  for (const [pointer, field] of fields) {
    const value = await valueFor(state, step, participant, operation, pointer, field);
    if (value === nothingHeld) return undefined;
    frame = withValueAt(frame, pointer, value);
  }
  // Members that are left out are undefined so far.
  frame = JSON.parse(JSON.stringify(frame));
  const message = operation.messages.find((candidate) => state.context.wrongWith(candidate, frame).length === 0);
  if (message === undefined) return undefined;
  if (step.once !== "no") state.keyed.set(name, frame);
  return frame;
}

async function valueFor(
  state: CaseState,
  step: SendStep,
  participant: Participant,
  operation: Operation,
  pointer: Pointer,
  field: Field,
): Promise<unknown> {
  const { context, keys } = state;
  switch (field.role) {
    case "id":
      return step.correlated === false ? undefined : newId(state, operation);
    case "column":
      return keys.of(field.column, step.key);
    case "held":
      return held(state, step, participant, operation, pointer, field);
    case "attribute":
      return addressee(state, step, operation, pointer);
    case "once":
      return step.once === "no" ? undefined : `${context.fresh("key")}-0123456789abcdef`.slice(-64);
    case "since":
      return since(state, step, participant, operation);
    case "credential":
      return credentialFor(state, step, participant, operation).catch((error: unknown) => {
        if (!(error instanceof NotTestable)) throw error; // then the step is left out
      });
  }
}

const nothingHeld = Symbol("the connection holds no such value");

function newId({ context, protocol }: CaseState, operation: Operation): unknown {
  return context.id(messageOf(protocol, operation)?.name);
}

/** A value that the server made for this connection; where there is none, the drawn one if the document says that it is rejected. */
function held(
  state: CaseState,
  step: SendStep,
  participant: Participant,
  operation: Operation,
  pointer: Pointer,
  { relation, column }: Extract<Field, { role: "held" }>,
): unknown {
  const values = heldValues(state, participant, relation, column);
  if (values.length > 0) return values[step.key % values.length];
  const isRejected = operation.requires.some(
    (one) =>
      one.kind === "relation" &&
      one.present &&
      one.relation === relation &&
      [...one.where.values()].some((value) => value.kind === "message" && value.pointer === pointer),
  );
  return isRejected ? lookup(step.frame, pointer) : nothingHeld;
}

function addressee(state: CaseState, step: SendStep, operation: Operation, pointer: Pointer): unknown {
  const named = [
    ...operation.requires.flatMap((one) => (one.kind === "connection" ? [one] : [])),
    ...operation.effects.flatMap((one) => (one.kind === "deliver" && one.to.kind === "connection" ? [one.to] : [])),
  ].find(({ equals }) => equals.kind === "message" && equals.pointer === pointer);
  const to = step.to < 0 ? undefined : state.participants[step.to % state.participants.length];
  return (named === undefined ? undefined : to?.client?.attributes.get(named.attribute)) ?? state.context.fresh("nobody");
}

/** A position in the log of the step's key: the last that the participant has seen, one before it, or one that never was. */
function since(state: CaseState, step: SendStep, participant: Participant, operation: Operation): unknown {
  const replay = operation.effects.find(({ kind }) => kind === "replay");
  const stream = state.protocol.channel.delivery?.streams.find(({ name }) => replay?.kind === "replay" && name === replay.stream);
  if (step.since === "no" || stream?.epoch === undefined || stream.seq === undefined) return undefined;
  const last = lastSeen(state, stream as PositionedStream, participant, streamKey(state, step, stream));
  if (last === undefined) return undefined;
  const seq = { last: last.seq, stale: Math.max(0, last.seq - 3), future: last.seq + 1_000 }[step.since];
  const member = (at: Pointer) => at.slice(at.lastIndexOf("/") + 1);
  return { [member(stream.epoch)]: last.epoch, [member(stream.seq)]: seq };
}

/** The key of the stream that the operation asks about, as text. */
function streamKey(state: CaseState, step: SendStep, { key }: Stream): string {
  const operation = state.protocol.contract.operations.find(({ id }) => id === step.operation);
  const bound = operation?.effects.flatMap((effect) =>
    effect.kind === "reply" || effect.kind === "deliver" ? (effect.bindings.get(key ?? "") ?? []) : [],
  )[0];
  const field =
    bound?.kind === "message" && operation !== undefined ? fieldsOf(state.protocol, operation).get(bound.pointer) : undefined;
  return canonical(field?.role === "column" ? state.keys.of(field.column, step.key) : undefined);
}

function lastSeen(state: CaseState, stream: PositionedStream, participant: Participant, key: string) {
  const speaks = new Set([...stream.messages, ...stream.replies]);
  const recogniser = createRecogniser(state.protocol, (name, frame) => state.context.wrongWith(name, frame).length === 0);
  for (const event of [...state.context.history()].reverse()) {
    if (event.kind !== "receive" || !participant.connections.has(event.connection)) continue;
    const position = positionOf(stream, event.frame);
    const message = recogniser.event(event.frame, stream.replies);
    if (
      position !== undefined &&
      message !== undefined &&
      speaks.has(message.name) &&
      keyIn(stream as Stream, event.frame) === key
    )
      return position;
  }
  return undefined;
}
