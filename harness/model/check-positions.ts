// Positions: one place one event for all observers, replies name the place of their own event, and numbers are exact place by place.
import { lookup } from "../../spec/pointer.ts";
import { canonical, shown } from "./frame.ts";
import type { Judging } from "./judgement.ts";
import { changeBy, type Log, type Mark, type Sighting } from "./logs.ts";
import { bind, boundOf, type Obligations, textOf } from "./obligations.ts";
import type { World } from "./outcomes.ts";
import { splitBindings } from "./protocol.ts";
import type { Act } from "./recording.ts";
import { onceOf } from "./repeats.ts";

export function checkPositions(world: World, obligations: Obligations, logs: readonly Log[], judging: Judging) {
  for (const log of logs) {
    const events = checkObservers(world, log, judging);
    checkMarks(world, log, events, judging);
    checkMarkOrder(log, judging);
    checkCounts(world, log, events, judging);
  }
  checkRepeats(obligations, logs, judging);
}

const placeOf = ({ epoch, seq }: { epoch: string; seq: number }) => `${epoch} ${seq}`;

/** All that the document binds in a message, numbers of tuples among it. */
function identity({ protocol }: World, { message, frame }: Sighting): string {
  const pointers = new Set((protocol.deliveries.get(message) ?? []).flatMap(({ effect }) => [...effect.bindings.keys()]));
  return `${message} ${canonical([...pointers].sort().map((pointer) => [pointer, canonical(lookup(frame, pointer))]))}`;
}

function checkObservers(world: World, log: Log, judging: Judging): Map<string, Sighting> {
  const events = new Map<string, Sighting>();
  for (const sighting of [...log.sightings].sort((a, b) => a.at - b.at)) {
    const first = events.get(placeOf(sighting));
    if (first === undefined) {
      events.set(placeOf(sighting), sighting);
      continue;
    }
    const same = identity(world, first) === identity(world, sighting);
    const wanted = `at seq ${sighting.seq} what connection ${first.link.id} saw there: ${shown(first.frame)}`;
    judging.check(same, "position-consistent-between-observers", log.stream.pointer, wanted, shown(sighting.frame), [
      first.at,
      sighting.at,
    ]);
  }
  return events;
}

function checkMarks(world: World, log: Log, events: ReadonlyMap<string, Sighting>, judging: Judging) {
  const { pointer } = log.stream;
  for (const act of log.unmarked) {
    const at = act.reply?.at ?? act.sentAt;
    judging.check(false, "reply-carries-position", pointer, "a reply that says its place", shown(act.reply?.frame), [
      act.sentAt,
      at,
    ]);
  }
  const taken = new Map<string, Mark>();
  for (const mark of log.marks) {
    judging.decide("reply-carries-position");
    if (mark.appended !== "yes") continue;
    const rival = taken.get(placeOf(mark));
    const both = `seq ${mark.seq} for two events`;
    judging.check(rival === undefined, "reply-position-is-event", pointer, "a place of its own for each event", both, [
      mark.at,
      rival?.at ?? mark.at,
    ]);
    taken.set(placeOf(mark), mark);
    const event = events.get(placeOf(mark));
    if (event === undefined) continue;
    const wanted = textsOf(world, log, mark.act, event);
    const deliveries = world.protocol.deliveries.get(event.message) ?? [];
    const same = deliveries.some((delivery) => wanted.has(textOf(event.message, boundOf(delivery, event.frame))));
    const expected = `at seq ${mark.seq} the event of the request that was answered with it`;
    judging.check(same, "reply-position-is-event", pointer, expected, shown(event.frame), [mark.act.sentAt, mark.at, event.at]);
  }
}

/** What the act's own event looks like. */
function textsOf(world: World, log: Log, act: Act, event: Sighting): Set<string> {
  const texts = new Set<string>();
  for (const delivery of world.protocol.deliveries.get(event.message) ?? []) {
    if (!act.operation?.effects.includes(delivery.effect) || !log.stream.messages.includes(delivery.effect.message)) continue;
    texts.add(textOf(delivery.effect.message, bind(delivery.effect, { link: act.link, frame: act.frame, key: new Map() })));
  }
  return texts;
}

/** Requests in order have places in order: those of one sender, and those of which one was answered before the other was sent. */
function checkMarkOrder(log: Log, judging: Judging) {
  const marks = log.marks.filter(({ appended }) => appended === "yes").sort((a, b) => a.act.sentAt - b.act.sentAt);
  for (const [index, mark] of marks.entries()) {
    for (const earlier of marks.slice(0, index)) {
      if (earlier.epoch !== mark.epoch || log.stream.order === "none") continue;
      const mine = earlier.act.link === mark.act.link;
      if (!mine && (earlier.at >= mark.act.sentAt || log.stream.order !== "total")) continue;
      const rule = mine ? "order-sender" : "order-real-time";
      const wanted = mine
        ? "places in the order of the sender's requests"
        : "a later place than that of a request that was answered before";
      const actual = `seq ${earlier.seq}, then seq ${mark.seq}`;
      judging.check(earlier.seq < mark.seq, rule, log.stream.pointer, wanted, actual, [
        earlier.act.sentAt,
        earlier.at,
        mark.act.sentAt,
        mark.at,
      ]);
    }
  }
}

/** From one place to the next, a number of tuples changes by what the event between them does. */
function checkCounts(world: World, log: Log, events: ReadonlyMap<string, Sighting>, judging: Judging) {
  for (const relation of countedRelations(world, log)) {
    for (const epoch of new Set(log.sightings.map((sighting) => sighting.epoch))) {
      const inEpoch = [...events.values()].filter((event) => event.epoch === epoch).sort((a, b) => a.seq - b.seq);
      const known = new Map<number, number>();
      for (const event of inEpoch) {
        const before = known.get(event.seq - 1);
        const step = changeBy(world.protocol.deliveries.get(event.message), relation, event.frame);
        const expected = before === undefined || step === undefined ? undefined : before + step;
        const got = countIn(world, event, relation);
        if (got !== undefined && expected !== undefined) {
          const rule = "count-exact-at-position";
          const previous = events.get(`${epoch} ${event.seq - 1}`);
          judging.check(got === expected, rule, log.stream.pointer, `${expected} at seq ${event.seq}`, `${got}`, [
            previous?.at ?? event.at,
            event.at,
          ]);
        }
        const now = got ?? expected;
        if (now !== undefined) known.set(event.seq, now);
      }
      checkMarkCounts(log, relation, epoch, known, judging);
    }
  }
}

function checkMarkCounts(log: Log, relation: string, epoch: string, known: ReadonlyMap<number, number>, judging: Judging) {
  for (const mark of log.marks.filter((candidate) => candidate.epoch === epoch)) {
    const effect = mark.act.operation?.effects.find((candidate) => candidate.kind === "reply");
    if (effect?.kind !== "reply") continue;
    for (const count of splitBindings(effect.bindings).counts) {
      const expected = known.get(mark.seq);
      if (count.relation !== relation || expected === undefined) continue;
      const got = lookup(mark.frame, count.pointer);
      const rule = "count-exact-at-position";
      judging.check(got === expected, rule, effect.pointer, `${expected} at seq ${mark.seq}`, shown(got), [
        mark.act.sentAt,
        mark.at,
      ]);
    }
  }
}

function countedRelations({ protocol }: World, log: Log): Set<string> {
  return new Set(
    log.stream.messages.flatMap((name) =>
      (protocol.deliveries.get(name) ?? []).flatMap(({ counts }) => counts.map((count) => count.relation)),
    ),
  );
}

function countIn({ protocol }: World, { message, frame }: Sighting, relation: string): number | undefined {
  for (const { counts } of protocol.deliveries.get(message) ?? []) {
    const pointer = counts.find((count) => count.relation === relation)?.pointer;
    const value = pointer === undefined ? undefined : lookup(frame, pointer);
    if (typeof value === "number") return value;
  }
  return undefined;
}

/** A repetition is answered as the first was: with the same place. */
function checkRepeats({ repeats }: Obligations, logs: readonly Log[], judging: Judging) {
  const marks = new Map(logs.flatMap((log) => log.marks.map((mark) => [mark.act, { ...mark, key: log.key }] as const)));
  for (const [act, { of, certain }] of repeats) {
    const once = onceOf(act);
    const repeated = marks.get(act);
    const first = marks.get(of);
    if (!certain || once === undefined || repeated === undefined || first === undefined) continue;
    judging.cover(once.pointer);
    const same = placeOf(repeated) === placeOf(first) && repeated.key === first.key;
    const events = [of.sentAt, first.at, act.sentAt, repeated.at];
    judging.check(
      same,
      "once-per-key",
      once.pointer,
      `the same reply as the first: seq ${first.seq}`,
      `seq ${repeated.seq}`,
      events,
    );
  }
}
