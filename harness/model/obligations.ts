// Obligations: what every connection must, may and must not receive because of what others did.
import type { DocumentPointer, Where } from "../../spec/contract.ts";
import { collectEnds } from "./disconnect-obligations.ts";
import {
  connectionPresence,
  departure,
  type Key,
  ownPresence,
  ownPresenceAfter,
  type Presence,
  presence,
  resolve,
  resolveKey,
  type Scope,
  scopeOf,
  strongest,
} from "./membership.ts";
import { bind, createObligation, type ForbiddenDelivery, type Obligation, type Obligations, textOf } from "./obligation.ts";
import { type Answer, type Evaluation, expectOutcome } from "./outcomes.ts";
import type { Deliver } from "./protocol.ts";
import { findRepeats, onceOf } from "./repeats.ts";
import { collectReplay } from "./replay-obligations.ts";
import { type Connection, type Invocation, NEVER, promisesReply } from "./trace.ts";

/** Puts every certain or possible change of a relation into the evaluation's membership. */
export function recordChanges(evaluation: Evaluation) {
  const { trace, membership } = evaluation;
  const moments: { at: number; run: () => void }[] = [];
  const endedByServer = new Set(
    evaluation.protocol.contract.operations
      .filter(({ action, channel }) => action === "send" && channel === evaluation.protocol.channel.id)
      .flatMap(({ effects }) => effects.flatMap((effect) => (effect.kind === "remove" ? [effect.relation] : []))),
  );
  for (const invocation of trace.invocations) {
    const scope = scopeOf(invocation);
    if (invocation.outcome === "fail") continue;
    for (const effect of invocation.operation?.effects ?? []) {
      if (effect.kind !== "add" && effect.kind !== "remove") continue;
      if (!isKeyKnown(effect.where, invocation)) continue;
      const key = resolveKey(effect.where, scope);
      moments.push({
        at: invocation.sentAt,
        run: () => {
          const exact = membership.tuple(effect.relation, invocation.connection, key);
          const tuples =
            effect.kind === "add"
              ? [exact]
              : membership.tuples(effect.relation, key).filter((tuple) => tuple.connection === invocation.connection);
          const lasts = effect.kind === "remove" || !endedByServer.has(effect.relation);
          for (const tuple of tuples) membership.change(tuple, invocation, effect.kind === "add" ? "in" : "out", lasts);
        },
      });
    }
  }
  for (const connection of trace.connections.values()) {
    const at = connection.endFrom;
    if (at === NEVER) continue;
    moments.push({
      at,
      run: () =>
        membership.tuplesOf(connection).forEach((tuple) => {
          membership.end(tuple, at);
        }),
    });
  }
  moments.sort((a, b) => a.at - b.at);
  for (const moment of moments) moment.run();
}

/** Whether the columns are known: what the server makes, only its reply shows. */
function isKeyKnown(where: Where, { reply }: Invocation): boolean {
  return reply !== undefined || [...where.values()].every(({ kind }) => kind !== "reply");
}

/** All that follows from the invocations and ends of the evaluation. `recordChanges` has run. */
export function collectObligations(evaluation: Evaluation): Obligations {
  const all: Obligation[] = [];
  /** Everything that may have happened, whoever was there: what a replay can bring. */
  const past: Obligation[] = [];
  const forbidden: ForbiddenDelivery[] = [];
  const changed = new Map<Invocation, Answer>();
  const repeats = findRepeats(evaluation.trace);
  for (const connection of evaluation.trace.connections.values()) collectEnds(evaluation, connection, past, all);
  for (const invocation of evaluation.trace.invocations)
    collectInvocation(evaluation, invocation, { all, past, forbidden, changed, repeats });
  for (const invocation of evaluation.trace.invocations) collectReplay(evaluation, invocation, past, all);
  return { all, forbidden, changed, repeats };
}

function collectInvocation(
  evaluation: Evaluation,
  invocation: Invocation,
  found: Obligations & {
    all: Obligation[];
    past: Obligation[];
    forbidden: ForbiddenDelivery[];
    changed: Map<Invocation, Answer>;
  },
) {
  if (invocation.operation === undefined) return;
  const outcome = outcomeOf(evaluation, invocation);
  const scope = scopeOf(invocation);
  const repeat = found.repeats.get(invocation);
  let changed: Answer = "yes";
  let key: Key = new Map();
  for (const effect of invocation.operation.effects) {
    if (effect.kind === "add" || effect.kind === "remove") {
      if (!isKeyKnown(effect.where, invocation)) {
        changed = "maybe";
        found.changed.set(invocation, changed);
        continue;
      }
      key = resolveKey(effect.where, scope);
      const before = ownPresence(evaluation.membership.tuple(effect.relation, invocation.connection, key), invocation);
      changed = before === "maybe" ? "maybe" : (before === "out") === (effect.kind === "add") ? "yes" : "no";
      found.changed.set(invocation, changed);
    }
    if (effect.kind !== "deliver") continue;
    const bound = bind(effect, scope);
    const text = textOf(effect.message, bound);
    const forbid = (receiver: Connection, rule: string, pointer: DocumentPointer, why: string) =>
      found.forbidden.push({ receiver, text, rule, pointer, invocation, why });
    const effective = outcome !== "fail" && repeat?.certain !== true && (effect.when !== "changed" || changed !== "no");
    const cause = {
      bound,
      text,
      invocation,
      cause: invocation.connection,
      from: invocation.sentAt,
      settledAt: invocation.settledAt,
      key: keyOf(effect, scope, key),
    };
    if (effective)
      found.past.push(
        createObligation(evaluation, effect, { ...cause, receiver: invocation.connection, until: NEVER, certain: false }),
      );
    for (const receiver of evaluation.trace.connections.values()) {
      const there = isAddressed(evaluation, invocation, effect, receiver, scope);
      const changes = effect.when === "changed" ? changed : "yes";
      if (outcome === "fail")
        forbid(receiver, "rejected-has-no-effect", invocation.operation.pointer, "the operation was refused");
      else if (repeat?.certain)
        forbid(
          receiver,
          "idempotency-key-honoured",
          onceOf(invocation)?.pointer ?? effect.pointer,
          "it repeats an earlier one with the same key",
        );
      else if (changes === "no") forbid(receiver, "unchanged-announces-nothing", effect.pointer, "it changed nothing");
      else if (receiver === invocation.connection && effect.sender === "excluded")
        forbid(receiver, "sender-is-excluded", effect.pointer, "its sender is excluded");
      else if (there === "out") forbid(receiver, ...absence(evaluation, effect, receiver, invocation, scope));
      else {
        const certain = outcome === "ok" && changes === "yes" && repeat === undefined && there === "in";
        const until = departureOf(evaluation, invocation, effect, receiver, scope);
        found.all.push(createObligation(evaluation, effect, { ...cause, receiver, until, certain }));
      }
    }
  }
}

/** The outcome that a reply showed, or where none is promised the one that the requirements leave. */
export function outcomeOf(evaluation: Evaluation, invocation: Invocation): Invocation["outcome"] {
  if (invocation.outcome !== "info" || invocation.operation === undefined) return invocation.outcome;
  const expected = expectOutcome(evaluation, invocation);
  if (!expected.mayPass && expected.refusals.at(-1)?.certain === true) return "fail";
  return !promisesReply(invocation) && expected.refusals.length === 0 ? "ok" : "info";
}

/** The tuples that a count in the frame counts: those that share the key of the audience, else of the change before it. */
function keyOf(effect: Deliver, scope: Scope, changed: Key): Key {
  return effect.to.kind === "relation" && effect.to.where.size > 0 ? resolveKey(effect.to.where, scope) : changed;
}

/** Whether the receiver is in the audience, over the whole time in which the invocation may have happened. */
function isAddressed(
  evaluation: Evaluation,
  invocation: Invocation,
  effect: Deliver,
  receiver: Connection,
  scope: Scope,
): Presence {
  const { to } = effect;
  if (to.kind === "all")
    return receiver === invocation.connection ? "in" : connectionPresence(receiver, invocation.sentAt, invocation.settledAt);
  if (to.kind === "connection") {
    if (receiver.attributes.get(to.attribute) !== resolve(to.equals, scope)) return "out";
    return receiver === invocation.connection ? "in" : connectionPresence(receiver, invocation.sentAt, invocation.settledAt);
  }
  const tuples = evaluation.membership
    .tuples(to.relation, resolveKey(to.where, scope))
    .filter((tuple) => tuple.connection === receiver);
  return strongest(
    tuples.map((tuple) =>
      receiver === invocation.connection
        ? ownPresenceAfter(tuple, invocation)
        : presence(tuple, invocation.sentAt, invocation.settledAt),
    ),
  );
}

function departureOf(
  evaluation: Evaluation,
  invocation: Invocation,
  effect: Deliver,
  receiver: Connection,
  scope: Scope,
): number {
  const { to } = effect;
  const tuples = to.kind === "relation" ? evaluation.membership.tuples(to.relation, resolveKey(to.where, scope)) : [];
  const left = tuples.filter((tuple) => tuple.connection === receiver).map((tuple) => departure(tuple, invocation.sentAt));
  return Math.min(receiver.hungUpAt, receiver.closedAt, ...left);
}

function absence(
  evaluation: Evaluation,
  effect: Deliver,
  receiver: Connection,
  invocation: Invocation,
  scope: Scope,
): [string, DocumentPointer, string] {
  const { to } = effect;
  if (to.kind !== "relation") return ["delivered-to-nobody-else", effect.pointer, "the receiver is not addressed"];
  const tuples = evaluation.membership
    .tuples(to.relation, resolveKey(to.where, scope))
    .filter((tuple) => tuple.connection === receiver);
  const wasIn = tuples.some((tuple) =>
    tuple.transitions.some((change) => change.to === "in" && change.certain && change.from < invocation.sentAt),
  );
  return wasIn
    ? ["no-delivery-after-removal", effect.pointer, `the receiver had left ${to.relation}`]
    : ["delivered-to-nobody-else", effect.pointer, `the receiver is not in ${to.relation}`];
}
