// Continuity: what one connection sees of a log has no gap, no repetition and no step back, from the position where it joined.
import type { Effect } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import type { ResultCollector } from "./evaluation-result.ts";
import { canonical, shown } from "./frame.ts";
import { type Acknowledgement, askedSince, type Log, type Observation, type Position, replayOf } from "./logs.ts";
import { scopeOf } from "./membership.ts";
import { bind, boundOf, type Obligations, textOf } from "./obligation.ts";
import type { Evaluation } from "./outcomes.ts";
import type { Deliver } from "./protocol.ts";
import { type Connection, type Invocation, NEVER } from "./trace.ts";

/** Where a connection is in a log. */
interface Cursor {
  epoch: string | undefined;
  /** The next seq that it must see. */
  next: number | undefined;
  seen: Map<number, number>;
  /** A replay under way: all up to `through` was promised by this reply. */
  replay: { readonly acknowledgement: Acknowledgement; readonly through: number } | undefined;
  /** Up to here a repetition is no mistake: one who is in and asks for what it missed may be sent it again or not. */
  again: number;
}

export function checkContinuity(
  evaluation: Evaluation,
  obligations: Obligations,
  logs: readonly Log[],
  collector: ResultCollector,
) {
  for (const log of logs) {
    for (const connection of evaluation.trace.connections.values())
      checkConnection(evaluation, obligations, log, connection, collector);
    for (const acknowledgement of log.acknowledgements) checkReplayAnswer(log, acknowledgement, collector);
  }
}

function checkConnection(
  evaluation: Evaluation,
  obligations: Obligations,
  log: Log,
  connection: Connection,
  collector: ResultCollector,
) {
  const observations = log.observations.filter((observation) => observation.connection === connection);
  const entries = log.acknowledgements.filter(
    (acknowledgement) => acknowledgement.invocation.connection === connection && enters(acknowledgement.invocation),
  );
  const exits = connection.invocations.filter(
    (invocation) => invocation.reply !== undefined && invocation.outcome === "ok" && leaves(evaluation, log, invocation),
  );
  const moments = [
    ...observations.map((observation) => ({
      at: observation.at,
      run: () => see(log, cursor, observation, observations, own, collector),
    })),
    ...entries.map((acknowledgement) => ({
      at: acknowledgement.at,
      run: () => enter(obligations, log, cursor, acknowledgement),
    })),
    ...exits.map((invocation) => ({ at: invocation.reply?.at ?? 0, run: () => void Object.assign(cursor, blank()) })),
  ].sort((a, b) => a.at - b.at);
  const cursor = blank();
  const own = excludedPositions(evaluation, obligations, log, connection);
  for (const moment of moments) moment.run();
  checkReplayEnd(evaluation, log, connection, cursor, own, collector);
  for (const acknowledgement of entries) checkReplyFirst(evaluation, obligations, log, acknowledgement, observations, collector);
}

const blank = (): Cursor => ({ epoch: undefined, next: undefined, seen: new Map(), replay: undefined, again: -1 });

/** Whether the invocation brings its connection into the audience of the log. */
function enters(invocation: Invocation): boolean {
  return invocation.operation?.effects.some((effect) => effect.kind === "add") ?? false;
}

function leaves(evaluation: Evaluation, log: Log, invocation: Invocation): boolean {
  const removal = invocation.operation?.effects.some((effect) => effect.kind === "remove") ?? false;
  return removal && keysOf(evaluation, log, invocation).has(log.key);
}

/** The logs of the stream that an invocation's deliveries go to, by what they bind at the stream's key. */
function keysOf({ protocol }: Evaluation, log: Log, invocation: Invocation): Set<string> {
  const keys = new Set<string>();
  for (const effect of invocation.operation?.effects ?? []) {
    if (effect.kind !== "deliver" || protocol.streamOf(effect.message) !== log.stream) continue;
    const value = log.stream.key === undefined ? undefined : effect.bindings.get(log.stream.key);
    if (value?.kind === "message") keys.add(canonical(lookup(invocation.frame, value.pointer)));
    else if (value?.kind === "literal") keys.add(canonical(value.value));
  }
  return keys;
}

interface Excluded {
  /** Places of events that the connection caused itself and that are not sent to it. */
  readonly positions: ReadonlySet<string>;
  /** How many more there may be, at positions that no reply named. */
  readonly unknown: number;
}

function excludedPositions(evaluation: Evaluation, { changed }: Obligations, log: Log, connection: Connection): Excluded {
  const isExcluded = (effect: Effect): effect is Deliver =>
    effect.kind === "deliver" && effect.sender === "excluded" && log.stream.messages.includes(effect.message);
  const positions = new Set<string>();
  /** Text of an event -> how often it happened at a position that no reply named. */
  const unnamed = new Map<string, { count: number; readonly seen: ReadonlySet<string> }>();
  for (const invocation of connection.invocations) {
    const effect = invocation.operation?.effects.find(isExcluded);
    if (
      effect === undefined ||
      invocation.outcome === "fail" ||
      changed.get(invocation) === "no" ||
      !keysOf(evaluation, log, invocation).has(log.key)
    )
      continue;
    const acknowledgement = log.acknowledgements.find((candidate) => candidate.invocation === invocation);
    if (acknowledgement !== undefined) {
      positions.add(positionKey(acknowledgement));
      continue;
    }
    const text = textOf(effect.message, bind(effect, scopeOf(invocation)));
    const known = unnamed.get(text) ?? { count: 0, seen: positionsSeen(evaluation, log, effect, text) };
    known.count++;
    unnamed.set(text, known);
  }
  let unknown = 0;
  for (const { count, seen } of unnamed.values()) {
    for (const position of seen) positions.add(position);
    // One who leaves, comes back and leaves again does the same thing twice; others may have seen only one of them.
    unknown += Math.max(0, count - seen.size);
  }
  return { positions, unknown };
}

const positionKey = ({ epoch, seq }: Position) => `${epoch} ${seq}`;

/** Where anybody saw the event. */
function positionsSeen({ protocol }: Evaluation, log: Log, effect: Deliver, text: string): Set<string> {
  const delivery = protocol.deliveries.get(effect.message)?.find((candidate) => candidate.effect === effect);
  const seen = log.observations.filter(
    ({ message, frame }) =>
      delivery !== undefined && message === effect.message && textOf(message, boundOf(delivery, frame)) === text,
  );
  return new Set(seen.map(positionKey));
}

function enter({ changed }: Obligations, log: Log, cursor: Cursor, acknowledgement: Acknowledgement) {
  const since = askedSince(log.stream, acknowledgement.invocation);
  const brought =
    since !== undefined && recoveredOf(acknowledgement) === true && since.epoch === acknowledgement.epoch ? since : undefined;
  if (changed.get(acknowledgement.invocation) !== "yes") {
    if (brought !== undefined) cursor.again = acknowledgement.seq;
    if (changed.get(acknowledgement.invocation) === "maybe") Object.assign(cursor, { next: undefined, replay: undefined });
    return;
  }
  const next = (brought ?? acknowledgement).seq + 1;
  const replay =
    brought === undefined
      ? undefined
      : { acknowledgement, through: acknowledgement.appended === "yes" ? acknowledgement.seq - 1 : acknowledgement.seq };
  Object.assign(cursor, { ...blank(), epoch: acknowledgement.epoch, next, replay });
}

function recoveredOf(acknowledgement: Acknowledgement): unknown {
  const pointer = replayOf(acknowledgement.invocation)?.recovered;
  return pointer === undefined ? undefined : lookup(acknowledgement.frame, pointer);
}

function see(
  log: Log,
  cursor: Cursor,
  observation: Observation,
  all: readonly Observation[],
  own: Excluded,
  collector: ResultCollector,
) {
  const { epoch, seq, at, frame } = observation;
  const { pointer } = log.stream;
  if (cursor.epoch !== epoch) Object.assign(cursor, { ...blank(), epoch });
  const before = cursor.seen.get(seq);
  cursor.seen.set(seq, at);
  collector.check(
    before === undefined || seq <= cursor.again,
    "position-once",
    pointer,
    `seq ${seq} once`,
    `once more: ${shown(frame)}`,
    [before ?? at, at],
  );
  if (before !== undefined) return;
  skipOwn(cursor, own);
  const { next } = cursor;
  cursor.next = Math.max(next ?? 0, seq + 1);
  if (next === undefined || log.stream.order !== "total") return;
  collector.check(seq >= next, "order-total", pointer, `seq ${next} or later`, `seq ${seq}`, [...lastSeen(cursor, at), at]);
  if (seq < next) return;
  const missing = Array.from({ length: Math.min(seq - next, 100) }, (_, index) => next + index).filter(
    (missed) => !own.positions.has(`${epoch} ${missed}`),
  );
  const late = missing.some((missed) => all.some((other) => other.epoch === epoch && other.seq === missed && other.at > at));
  const rule = late
    ? "order-total"
    : missing.some((missed) => missed <= (cursor.replay?.through ?? -1))
      ? "replay-complete"
      : "position-contiguous";
  const events = [...(cursor.replay === undefined ? [] : [cursor.replay.acknowledgement.at]), ...lastSeen(cursor, at), at];
  collector.check(
    missing.length <= own.unknown,
    rule,
    rule === "replay-complete" ? pointerOfReplay(cursor, pointer) : pointer,
    `seq ${next}`,
    `seq ${seq}`,
    events,
  );
}

const lastSeen = (cursor: Cursor, at: number) => {
  const earlier = [...cursor.seen.values()].filter((other) => other < at);
  return earlier.length === 0 ? [] : [Math.max(...earlier)];
};
const pointerOfReplay = ({ replay }: Cursor, otherwise: string) =>
  replay === undefined ? otherwise : (replayOf(replay.acknowledgement.invocation)?.pointer ?? otherwise);

function skipOwn(cursor: Cursor, own: Excluded) {
  while (cursor.next !== undefined && own.positions.has(`${cursor.epoch} ${cursor.next}`)) cursor.next++;
}

/** All that a reply said it would send again must come. */
function checkReplayEnd(
  { trace, knowledge }: Evaluation,
  log: Log,
  connection: Connection,
  cursor: Cursor,
  own: Excluded,
  collector: ResultCollector,
) {
  skipOwn(cursor, own);
  const { replay, next } = cursor;
  if (replay === undefined || next === undefined) return;
  const { acknowledgement, through } = replay;
  const pointer = pointerOfReplay(cursor, log.stream.pointer);
  const expected = `seq ${next} to ${through} again`;
  if (next + own.unknown > through) collector.decide("replay-complete");
  else if (connection.hungUpAt === NEVER && connection.closedAt === NEVER) {
    const deadlineMs = (trace.history[acknowledgement.at]?.atMs ?? 0) + (knowledge.deadlineMs ?? log.stream.withinMs);
    const fence = connection.fences.find(({ sentAt }) => (trace.history[sentAt]?.atMs ?? 0) >= deadlineMs);
    if (fence === undefined) collector.wait({ rule: "replay-complete", pointer, connection: connection.id, expected });
    else
      collector.check(false, "replay-complete", pointer, expected, "none within the deadline", [
        acknowledgement.invocation.sentAt,
        acknowledgement.at,
        fence.answeredAt,
      ]);
  }
}

/** A reply that says "recovered" speaks of the same epoch and of a position that exists. */
function checkReplayAnswer(log: Log, acknowledgement: Acknowledgement, collector: ResultCollector) {
  const replay = replayOf(acknowledgement.invocation);
  const since = askedSince(log.stream, acknowledgement.invocation);
  if (replay?.recovered === undefined || since === undefined) return;
  const recovered = recoveredOf(acknowledgement);
  const possible = since.epoch === acknowledgement.epoch && since.seq <= acknowledgement.seq;
  const wanted = possible ? "true or false" : `false: there is nothing after ${shown(since)} in this log`;
  const honest = possible ? typeof recovered === "boolean" : recovered === false;
  if (recovered === true) collector.cover(replay.pointer);
  collector.check(honest, "replay-flag-truthful", replay.pointer, `${wanted} at ${replay.recovered}`, shown(recovered), [
    acknowledgement.invocation.sentAt,
    acknowledgement.at,
  ]);
}

/** The reply that brings a connection in comes before any event. */
function checkReplyFirst(
  { trace }: Evaluation,
  { changed }: Obligations,
  log: Log,
  acknowledgement: Acknowledgement,
  observations: readonly Observation[],
  collector: ResultCollector,
) {
  if (changed.get(acknowledgement.invocation) !== "yes") return;
  const earlier = acknowledgement.invocation.connection.invocations.filter(
    (invocation) => invocation.number < acknowledgement.invocation.number && invocation.outcome !== "fail",
  );
  const quietFrom = Math.max(
    acknowledgement.invocation.sentAt,
    ...earlier.map((invocation) => (invocation.settledAt === NEVER ? trace.history.length : invocation.settledAt)),
  );
  const early = observations.find(({ at }) => at > quietFrom && at < acknowledgement.at);
  const events = [acknowledgement.invocation.sentAt, early?.at ?? acknowledgement.at, acknowledgement.at];
  collector.check(
    early === undefined,
    "reply-before-events",
    log.stream.pointer,
    "the reply before any event",
    shown(early?.frame),
    events,
  );
}
