// What others must receive because a connection ended.
import {
  connectionPresence,
  departure,
  presence,
  presenceAtEnd,
  resolve,
  resolveKey,
  type Scope,
  strongest,
  type Tuple,
} from "./membership.ts";
import { bind, boundOf, createObligation, type Obligation, textOf } from "./obligation.ts";
import type { Evaluation } from "./outcomes.ts";
import type { Deliver } from "./protocol.ts";
import { type Connection, NEVER } from "./trace.ts";

/** A connection that ended: each of its tuples goes, and others are told. */
export function collectEnds(evaluation: Evaluation, connection: Connection, past: Obligation[], all: Obligation[]) {
  const { membership, trace } = evaluation;
  const from = connection.endFrom;
  if (from === NEVER) return;
  for (const tuple of membership.tuplesOf(connection)) {
    const relation = evaluation.protocol.contract.state.relations.find((candidate) => candidate.name === tuple.relation);
    const before = presenceAtEnd(tuple);
    if (relation === undefined || before === "out") continue;
    const scope: Scope = { connection, frame: undefined, key: tuple.key };
    for (const effect of relation.onDisconnect) {
      if (effect.kind !== "deliver") continue;
      const bound = bind(effect, scope);
      const text = textOf(effect.message, bound);
      const seenAt = firstSeen(evaluation, effect, text, from);
      if (seenAt !== NEVER) membership.sawEnd(tuple, seenAt);
      const until = Math.min(seenAt, trace.history.length);
      const cause = {
        bound,
        text,
        invocation: undefined,
        cause: connection,
        from,
        settledAt: connection.closedAt,
        key: tuple.key,
      };
      past.push(createObligation(evaluation, effect, { ...cause, receiver: connection, until: NEVER, certain: false }));
      for (const receiver of trace.connections.values()) {
        if (receiver === connection) continue;
        const tuples = audienceTuples(evaluation, effect, scope, tuple, receiver);
        const there =
          tuples === undefined
            ? connectionPresence(receiver, from, until)
            : strongest(tuples.map((other) => presence(other, from, until)));
        if (there === "out") continue;
        const left = Math.min(receiver.hungUpAt, receiver.closedAt, ...(tuples ?? []).map((other) => departure(other, from)));
        const certain = there === "in" && before === "in";
        all.push(createObligation(evaluation, effect, { ...cause, receiver, until: left, certain }));
      }
    }
  }
}

/** The receiver's tuples in the audience; undefined where it is addressed as a connection. */
function audienceTuples(
  { membership }: Evaluation,
  { to }: Deliver,
  scope: Scope,
  ended: Tuple,
  receiver: Connection,
): readonly Tuple[] | undefined {
  if (to.kind === "all") return undefined;
  if (to.kind === "connection") return receiver.attributes.get(to.attribute) === resolve(to.equals, scope) ? undefined : [];
  const key = to.where.size === 0 ? ended.key : resolveKey(to.where, scope);
  return membership.tuples(to.relation, key).filter((other) => other.connection === receiver);
}

function firstSeen(evaluation: Evaluation, effect: Deliver, text: string, from: number): number {
  const delivery = evaluation.protocol.deliveries.get(effect.message)?.find((candidate) => candidate.effect === effect);
  if (delivery === undefined) return NEVER;
  let first = NEVER;
  for (const connection of evaluation.trace.connections.values()) {
    const seen = connection.received.find(
      ({ at, message, frame }) =>
        at > from && message?.name === effect.message && textOf(effect.message, boundOf(delivery, frame)) === text,
    );
    first = Math.min(first, seen?.at ?? NEVER);
  }
  return first;
}
