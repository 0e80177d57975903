// Positions: all observers see the same event at a position, replies name the position of their event, and counts are exact at every position.
import { lookup } from "../../spec/pointer.ts";
import type { ResultCollector } from "./evaluation-result.ts";
import { canonical, shown } from "./frame.ts";
import { type Acknowledgement, changeBy, type Log, type Observation } from "./logs.ts";
import { scopeOf } from "./membership.ts";
import { bind, boundOf, type Obligations, textOf } from "./obligation.ts";
import type { Evaluation } from "./outcomes.ts";
import { splitBindings } from "./protocol.ts";
import { onceOf } from "./repeats.ts";
import type { Invocation } from "./trace.ts";

export function checkPositions(
  evaluation: Evaluation,
  obligations: Obligations,
  logs: readonly Log[],
  collector: ResultCollector,
) {
  for (const log of logs) {
    const events = checkObservers(evaluation, log, collector);
    checkAcknowledgements(evaluation, log, events, collector);
    checkAcknowledgementOrder(log, collector);
    checkCounts(evaluation, log, events, collector);
  }
  checkRepeats(obligations, logs, collector);
}

const positionKey = ({ epoch, seq }: { epoch: string; seq: number }) => `${epoch} ${seq}`;

/** All that the document binds in a message, numbers of tuples among it. */
function identity({ protocol }: Evaluation, { message, frame }: Observation): string {
  const pointers = new Set((protocol.deliveries.get(message) ?? []).flatMap(({ effect }) => [...effect.bindings.keys()]));
  return `${message} ${canonical([...pointers].sort().map((pointer) => [pointer, canonical(lookup(frame, pointer))]))}`;
}

function checkObservers(evaluation: Evaluation, log: Log, collector: ResultCollector): Map<string, Observation> {
  const events = new Map<string, Observation>();
  for (const observation of [...log.observations].sort((a, b) => a.at - b.at)) {
    const first = events.get(positionKey(observation));
    if (first === undefined) {
      events.set(positionKey(observation), observation);
      continue;
    }
    const same = identity(evaluation, first) === identity(evaluation, observation);
    const wanted = `at seq ${observation.seq} what connection ${first.connection.id} saw there: ${shown(first.frame)}`;
    collector.check(same, "position-consistent-between-observers", log.stream.pointer, wanted, shown(observation.frame), [
      first.at,
      observation.at,
    ]);
  }
  return events;
}

function checkAcknowledgements(
  evaluation: Evaluation,
  log: Log,
  events: ReadonlyMap<string, Observation>,
  collector: ResultCollector,
) {
  const { pointer } = log.stream;
  for (const invocation of log.withoutPosition) {
    const at = invocation.reply?.at ?? invocation.sentAt;
    collector.check(
      false,
      "reply-carries-position",
      pointer,
      "a reply that carries its position",
      shown(invocation.reply?.frame),
      [invocation.sentAt, at],
    );
  }
  const taken = new Map<string, Acknowledgement>();
  for (const acknowledgement of log.acknowledgements) {
    collector.decide("reply-carries-position");
    if (acknowledgement.appended !== "yes") continue;
    const rival = taken.get(positionKey(acknowledgement));
    const both = `seq ${acknowledgement.seq} for two events`;
    collector.check(rival === undefined, "reply-position-is-event", pointer, "a separate position for each event", both, [
      acknowledgement.at,
      rival?.at ?? acknowledgement.at,
    ]);
    taken.set(positionKey(acknowledgement), acknowledgement);
    const event = events.get(positionKey(acknowledgement));
    if (event === undefined) continue;
    const wanted = textsOf(evaluation, log, acknowledgement.invocation, event);
    const deliveries = evaluation.protocol.deliveries.get(event.message) ?? [];
    const same = deliveries.some((delivery) => wanted.has(textOf(event.message, boundOf(delivery, event.frame))));
    const expected = `at seq ${acknowledgement.seq} the event of the request that was answered with it`;
    collector.check(same, "reply-position-is-event", pointer, expected, shown(event.frame), [
      acknowledgement.invocation.sentAt,
      acknowledgement.at,
      event.at,
    ]);
  }
}

/** What the invocation's own event looks like. */
function textsOf(evaluation: Evaluation, log: Log, invocation: Invocation, event: Observation): Set<string> {
  const texts = new Set<string>();
  for (const delivery of evaluation.protocol.deliveries.get(event.message) ?? []) {
    if (!invocation.operation?.effects.includes(delivery.effect) || !log.stream.messages.includes(delivery.effect.message))
      continue;
    texts.add(textOf(delivery.effect.message, bind(delivery.effect, scopeOf(invocation))));
  }
  return texts;
}

/** Requests in order have positions in order: those of one sender, and those of which one was answered before the other was sent. */
function checkAcknowledgementOrder(log: Log, collector: ResultCollector) {
  const acknowledgements = log.acknowledgements
    .filter(({ appended }) => appended === "yes")
    .sort((a, b) => a.invocation.sentAt - b.invocation.sentAt);
  for (const [index, acknowledgement] of acknowledgements.entries()) {
    for (const earlier of acknowledgements.slice(0, index)) {
      if (earlier.epoch !== acknowledgement.epoch || log.stream.order === "none") continue;
      const mine = earlier.invocation.connection === acknowledgement.invocation.connection;
      if (!mine && (earlier.at >= acknowledgement.invocation.sentAt || log.stream.order !== "total")) continue;
      const rule = mine ? "order-sender" : "order-real-time";
      const wanted = mine
        ? "positions in the order of the sender's requests"
        : "a later position than that of a request answered before it was sent";
      const actual = `seq ${earlier.seq}, then seq ${acknowledgement.seq}`;
      collector.check(earlier.seq < acknowledgement.seq, rule, log.stream.pointer, wanted, actual, [
        earlier.invocation.sentAt,
        earlier.at,
        acknowledgement.invocation.sentAt,
        acknowledgement.at,
      ]);
    }
  }
}

/** From one position to the next, a count changes by what the event between them does. */
function checkCounts(evaluation: Evaluation, log: Log, events: ReadonlyMap<string, Observation>, collector: ResultCollector) {
  for (const relation of countedRelations(evaluation, log)) {
    for (const epoch of new Set(log.observations.map((observation) => observation.epoch))) {
      const inEpoch = [...events.values()].filter((event) => event.epoch === epoch).sort((a, b) => a.seq - b.seq);
      const known = new Map<number, number>();
      for (const event of inEpoch) {
        const before = known.get(event.seq - 1);
        const step = changeBy(evaluation.protocol.deliveries.get(event.message), relation, event.frame);
        const expected = before === undefined || step === undefined ? undefined : before + step;
        const got = countIn(evaluation, event, relation);
        if (got !== undefined && expected !== undefined) {
          const rule = "count-exact-at-position";
          const previous = events.get(`${epoch} ${event.seq - 1}`);
          collector.check(got === expected, rule, log.stream.pointer, `${expected} at seq ${event.seq}`, `${got}`, [
            previous?.at ?? event.at,
            event.at,
          ]);
        }
        const now = got ?? expected;
        if (now !== undefined) known.set(event.seq, now);
      }
      checkAcknowledgedCounts(log, relation, epoch, known, collector);
    }
  }
}

function checkAcknowledgedCounts(
  log: Log,
  relation: string,
  epoch: string,
  known: ReadonlyMap<number, number>,
  collector: ResultCollector,
) {
  for (const acknowledgement of log.acknowledgements.filter((candidate) => candidate.epoch === epoch)) {
    const effect = acknowledgement.invocation.operation?.effects.find((candidate) => candidate.kind === "reply");
    if (effect?.kind !== "reply") continue;
    for (const count of splitBindings(effect.bindings).counts) {
      const expected = known.get(acknowledgement.seq);
      if (count.relation !== relation || expected === undefined) continue;
      const got = lookup(acknowledgement.frame, count.pointer);
      const rule = "count-exact-at-position";
      collector.check(got === expected, rule, effect.pointer, `${expected} at seq ${acknowledgement.seq}`, shown(got), [
        acknowledgement.invocation.sentAt,
        acknowledgement.at,
      ]);
    }
  }
}

function countedRelations({ protocol }: Evaluation, log: Log): Set<string> {
  return new Set(
    log.stream.messages.flatMap((name) =>
      (protocol.deliveries.get(name) ?? []).flatMap(({ counts }) => counts.map((count) => count.relation)),
    ),
  );
}

function countIn({ protocol }: Evaluation, { message, frame }: Observation, relation: string): number | undefined {
  for (const { counts } of protocol.deliveries.get(message) ?? []) {
    const pointer = counts.find((count) => count.relation === relation)?.pointer;
    const value = pointer === undefined ? undefined : lookup(frame, pointer);
    if (typeof value === "number") return value;
  }
  return undefined;
}

/** A repetition is answered as the first was: with the same position. */
function checkRepeats({ repeats }: Obligations, logs: readonly Log[], collector: ResultCollector) {
  const acknowledgements = new Map(
    logs.flatMap((log) =>
      log.acknowledgements.map((acknowledgement) => [acknowledgement.invocation, { ...acknowledgement, key: log.key }] as const),
    ),
  );
  for (const [invocation, { of, certain }] of repeats) {
    const once = onceOf(invocation);
    const repeated = acknowledgements.get(invocation);
    const first = acknowledgements.get(of);
    if (!certain || once === undefined || repeated === undefined || first === undefined) continue;
    collector.cover(once.pointer);
    const same = positionKey(repeated) === positionKey(first) && repeated.key === first.key;
    const events = [of.sentAt, first.at, invocation.sentAt, repeated.at];
    collector.check(
      same,
      "idempotency-key-honoured",
      once.pointer,
      `the same reply as the first: seq ${first.seq}`,
      `seq ${repeated.seq}`,
      events,
    );
  }
}
