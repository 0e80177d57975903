// Binding: what a step means once it is known which connections, names and positions there are.

import type { Operation, Pointer, Stream } from "../../../spec/contract.ts";
import { withValueAt } from "../../client/messages.ts";
import { requiredClaims } from "../../client/preconditions.ts";
import type { User } from "../../client/received.ts";
import type { TestClient } from "../../client/test-client.ts";
import { canonical } from "../../model/frame.ts";
import { keyIn, type PositionedStream, positionOf } from "../../model/logs.ts";
import type { Protocol } from "../../model/protocol.ts";
import { createRecogniser } from "../../model/recognise.ts";
import type { Knowledge } from "../../model/trace.ts";
import { NotTestable } from "../../schema/errors.ts";
import type { Context } from "../context.ts";
import { askedOf, type FieldRole, rolesOf, type SendStep } from "./case.ts";
import { createShortLivedToken } from "./short-lived-tokens.ts";

/** One user of the case and the connections that it had, one after the other. */
export interface Participant {
  readonly user: User;
  readonly node: number;
  client: TestClient | undefined;
  /** Numbers of all its connections. */
  readonly connections: Set<number>;
}

/** What a case has met so far. */
export interface CaseState {
  readonly context: Context;
  readonly protocol: Protocol;
  readonly participants: readonly Participant[];
  /** Names of the keys. */
  readonly keys: readonly string[];
  readonly credentials: Map<string, NonNullable<ReturnType<Knowledge["credentials"]["get"]>>>;
  /** User and operation -> the last frame that had an idempotency key. */
  readonly keyed: Map<string, unknown>;
}

/** The frame to send, with an id of its own; undefined where the step makes no valid one now. */
export async function bindStep(state: CaseState, step: SendStep, participant: Participant): Promise<unknown> {
  const operation = state.protocol.contract.operations.find(({ id }) => id === step.operation);
  if (operation === undefined) return undefined;
  const name = `${participant.user.name} ${operation.id}`;
  const roles = rolesOf(state.protocol, operation);
  const idAt = [...roles].find(([, role]) => role === "id")?.[0];
  const again = step.once === "again" ? state.keyed.get(name) : undefined;
  if (again !== undefined) return idAt === undefined ? again : withValueAt(again, idAt, state.context.id());
  let frame: unknown = step.frame;
  for (const [pointer, role] of roles)
    frame = withValueAt(frame, pointer, await valueFor(state, step, participant, operation, pointer, role));
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
  role: FieldRole,
): Promise<unknown> {
  const { context, keys } = state;
  switch (role) {
    case "id":
      return context.id();
    case "column":
      return keys[step.key % keys.length];
    case "attribute":
      return addressee(state, step, operation, pointer);
    case "once":
      return step.once === "no" ? undefined : `${context.fresh("key")}-0123456789abcdef`.slice(-64);
    case "since":
      return since(state, step, participant, operation);
    case "credential":
      return credential(state, step, participant, operation).catch((error: unknown) => {
        if (!(error instanceof NotTestable)) throw error; // then the step is left out
      });
  }
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
  const last = lastSeen(state, stream as PositionedStream, participant, canonical(state.keys[step.key % state.keys.length]));
  if (last === undefined) return undefined;
  const seq = { last: last.seq, stale: Math.max(0, last.seq - 3), future: last.seq + 1_000 }[step.since];
  const member = (at: Pointer) => at.slice(at.lastIndexOf("/") + 1);
  return { [member(stream.epoch)]: last.epoch, [member(stream.seq)]: seq };
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

async function credential(state: CaseState, step: SendStep, participant: Participant, operation: Operation): Promise<unknown> {
  const { context, protocol, credentials } = state;
  const { name, claims } = participant.user;
  if (step.credential === "other") {
    const other = await context.user();
    if (other.credential !== undefined) credentials.set(other.credential, { good: true, claims: other.claims });
    return other.credential;
  }
  if (step.credential === "short-lived") return (await shortLivedCredential(state, participant.user)).token;
  const lists = new Map([...claims].filter(([, value]) => Array.isArray(value)));
  if (step.credential === "lacking") for (const [claim, value] of shutOut(protocol, operation)) lists.set(claim, [value]);
  if (step.credential === "changed") {
    for (const [claim, values] of Object.entries(requiredClaims(askedOf(protocol)))) {
      if (lists.has(claim)) lists.delete(claim);
      else lists.set(claim, values);
    }
  }
  const bad = step.credential === "bad";
  const token = await context.credential({
    name,
    claims: Object.fromEntries(lists),
    ...(bad ? { forged: "other-key" as const } : {}),
  });
  const others = [...claims].filter(([, value]) => !Array.isArray(value));
  credentials.set(token, { good: !bad, claims: new Map([...others, ...lists]) });
  return token;
}

/** A claim that the operation does not allow, else one with which nobody may connect: the document says what becomes of it here. */
function shutOut({ channel }: Protocol, { requires }: Operation): (readonly [string, unknown])[] {
  const lacked = requires.flatMap((one) =>
    one.kind === "credential" && one.lacks !== undefined ? [[one.lacks.claim, one.lacks.value] as const] : [],
  );
  const refused = (channel.handshake?.refusals ?? []).flatMap(({ when, claim, contains }) =>
    when === "claim" && claim !== undefined ? [[claim, contains] as const] : [],
  );
  return [...lacked, ...refused].slice(0, 1);
}

/** A valid credential of the user that expires soon. @throws NotTestable */
export async function shortLivedCredential(
  { context, credentials }: Pick<CaseState, "context" | "credentials">,
  user: User,
): Promise<{ readonly token: string; readonly expiresAtMs: number }> {
  const { claims, expiresAtMs } = createShortLivedToken(context.clock);
  const token = await credentialOf(context, user, claims);
  credentials.set(token, { good: true, claims: new Map([...user.claims, ...Object.entries(claims)]), expiresAtMs });
  return { token, expiresAtMs };
}

/** Another one of the user. Its lists are kept, such as what it may do; what is made for each credential is made anew. */
function credentialOf(context: Context, { name, claims }: User, extra: Readonly<Record<string, unknown>>): Promise<string> {
  const kept = Object.fromEntries([...claims].filter(([claim, value]) => Array.isArray(value) || claim in extra));
  return context.credential({ name, claims: { ...kept, ...extra } });
}
