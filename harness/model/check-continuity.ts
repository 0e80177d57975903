// Continuity: what one connection sees of a log has no gap, no repetition and no step back, from the place where it came in.
import type { Effect } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical, shown } from "./frame.ts";
import type { Judging } from "./judgement.ts";
import { askedSince, type Log, type Mark, type Position, replayOf, type Sighting } from "./logs.ts";
import { bind, boundOf, type Obligations, textOf } from "./obligations.ts";
import type { World } from "./outcomes.ts";
import type { Deliver } from "./protocol.ts";
import { type Act, type Link, NEVER } from "./recording.ts";

/** Where a connection is in a log. */
interface Cursor {
  epoch: string | undefined;
  /** The next seq that it must see. */
  next: number | undefined;
  seen: Map<number, number>;
  /** A replay under way: all up to `through` was promised by this reply. */
  replay: { readonly mark: Mark; readonly through: number } | undefined;
  /** Up to here a repetition is no mistake: one who is in and asks for what it missed may be sent it again or not. */
  again: number;
}

export function checkContinuity(world: World, obligations: Obligations, logs: readonly Log[], judging: Judging) {
  for (const log of logs) {
    for (const link of world.recording.links.values()) checkLink(world, obligations, log, link, judging);
    for (const mark of log.marks) checkReplayAnswer(log, mark, judging);
  }
}

function checkLink(world: World, obligations: Obligations, log: Log, link: Link, judging: Judging) {
  const sightings = log.sightings.filter((sighting) => sighting.link === link);
  const entries = log.marks.filter((mark) => mark.act.link === link && enters(mark.act));
  const exits = link.acts.filter((act) => act.reply !== undefined && act.outcome === "done" && leaves(world, log, act));
  const moments = [
    ...sightings.map((sighting) => ({ at: sighting.at, run: () => see(log, cursor, sighting, sightings, own, judging) })),
    ...entries.map((mark) => ({ at: mark.at, run: () => enter(obligations, log, cursor, mark) })),
    ...exits.map((act) => ({ at: act.reply?.at ?? 0, run: () => void Object.assign(cursor, blank()) })),
  ].sort((a, b) => a.at - b.at);
  const cursor = blank();
  const own = excludedPlaces(world, obligations, log, link);
  for (const moment of moments) moment.run();
  checkReplayEnd(world, log, link, cursor, own, judging);
  for (const mark of entries) checkReplyFirst(world, obligations, log, mark, sightings, judging);
}

const blank = (): Cursor => ({ epoch: undefined, next: undefined, seen: new Map(), replay: undefined, again: -1 });

/** Whether the act brings its connection into the audience of the log. */
function enters(act: Act): boolean {
  return act.operation?.effects.some((effect) => effect.kind === "add") ?? false;
}

function leaves(world: World, log: Log, act: Act): boolean {
  const removal = act.operation?.effects.some((effect) => effect.kind === "remove") ?? false;
  return removal && keysOf(world, log, act).has(log.key);
}

/** The logs of the stream that an act's deliveries go to, by what they bind at the stream's key. */
function keysOf({ protocol }: World, log: Log, act: Act): Set<string> {
  const keys = new Set<string>();
  for (const effect of act.operation?.effects ?? []) {
    if (effect.kind !== "deliver" || protocol.streamOf(effect.message) !== log.stream) continue;
    const value = log.stream.key === undefined ? undefined : effect.bindings.get(log.stream.key);
    if (value?.kind === "message") keys.add(canonical(lookup(act.frame, value.pointer)));
    else if (value?.kind === "literal") keys.add(canonical(value.value));
  }
  return keys;
}

interface Excluded {
  /** Places of events that the connection caused itself and that are not sent to it. */
  readonly places: ReadonlySet<string>;
  /** How many more there may be, at places that nobody told. */
  readonly unknown: number;
}

function excludedPlaces(world: World, { changed }: Obligations, log: Log, link: Link): Excluded {
  const isExcluded = (effect: Effect): effect is Deliver =>
    effect.kind === "deliver" && effect.sender === "excluded" && log.stream.messages.includes(effect.message);
  const places = new Set<string>();
  /** Text of an event -> how often it happened at a place that no reply told. */
  const untold = new Map<string, { count: number; readonly seen: ReadonlySet<string> }>();
  for (const act of link.acts) {
    const effect = act.operation?.effects.find(isExcluded);
    if (effect === undefined || act.outcome === "refused" || changed.get(act) === "no" || !keysOf(world, log, act).has(log.key))
      continue;
    const mark = log.marks.find((candidate) => candidate.act === act);
    if (mark !== undefined) {
      places.add(placeOf(mark));
      continue;
    }
    const text = textOf(effect.message, bind(effect, { link, frame: act.frame, key: new Map() }));
    const known = untold.get(text) ?? { count: 0, seen: placesSeen(world, log, effect, text) };
    known.count++;
    untold.set(text, known);
  }
  let unknown = 0;
  for (const { count, seen } of untold.values()) {
    for (const place of seen) places.add(place);
    // One who leaves, comes back and leaves again does the same thing twice; others may have seen only one of them.
    unknown += Math.max(0, count - seen.size);
  }
  return { places, unknown };
}

const placeOf = ({ epoch, seq }: Position) => `${epoch} ${seq}`;

/** Where anybody saw the event. */
function placesSeen({ protocol }: World, log: Log, effect: Deliver, text: string): Set<string> {
  const delivery = protocol.deliveries.get(effect.message)?.find((candidate) => candidate.effect === effect);
  const seen = log.sightings.filter(
    ({ message, frame }) =>
      delivery !== undefined && message === effect.message && textOf(message, boundOf(delivery, frame)) === text,
  );
  return new Set(seen.map(placeOf));
}

function enter({ changed }: Obligations, log: Log, cursor: Cursor, mark: Mark) {
  const since = askedSince(log.stream, mark.act);
  const brought = since !== undefined && recoveredOf(mark) === true && since.epoch === mark.epoch ? since : undefined;
  if (changed.get(mark.act) !== "yes") {
    if (brought !== undefined) cursor.again = mark.seq;
    if (changed.get(mark.act) === "maybe") Object.assign(cursor, { next: undefined, replay: undefined });
    return;
  }
  const next = (brought ?? mark).seq + 1;
  const replay = brought === undefined ? undefined : { mark, through: mark.appended === "yes" ? mark.seq - 1 : mark.seq };
  Object.assign(cursor, { ...blank(), epoch: mark.epoch, next, replay });
}

function recoveredOf(mark: Mark): unknown {
  const pointer = replayOf(mark.act)?.recovered;
  return pointer === undefined ? undefined : lookup(mark.frame, pointer);
}

function see(log: Log, cursor: Cursor, sighting: Sighting, all: readonly Sighting[], own: Excluded, judging: Judging) {
  const { epoch, seq, at, frame } = sighting;
  const { pointer } = log.stream;
  if (cursor.epoch !== epoch) Object.assign(cursor, { ...blank(), epoch });
  const before = cursor.seen.get(seq);
  cursor.seen.set(seq, at);
  judging.check(
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
  judging.check(seq >= next, "order-total", pointer, `seq ${next} or later`, `seq ${seq}`, [...lastSeen(cursor, at), at]);
  if (seq < next) return;
  const missing = Array.from({ length: Math.min(seq - next, 100) }, (_, index) => next + index).filter(
    (place) => !own.places.has(`${epoch} ${place}`),
  );
  const late = missing.some((place) => all.some((other) => other.epoch === epoch && other.seq === place && other.at > at));
  const rule = late
    ? "order-total"
    : missing.some((place) => place <= (cursor.replay?.through ?? -1))
      ? "replay-complete"
      : "position-contiguous";
  const events = [...(cursor.replay === undefined ? [] : [cursor.replay.mark.at]), ...lastSeen(cursor, at), at];
  judging.check(
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
  replay === undefined ? otherwise : (replayOf(replay.mark.act)?.pointer ?? otherwise);

function skipOwn(cursor: Cursor, own: Excluded) {
  while (cursor.next !== undefined && own.places.has(`${cursor.epoch} ${cursor.next}`)) cursor.next++;
}

/** All that a reply said it would send again must come. */
function checkReplayEnd({ recording, knowledge }: World, log: Log, link: Link, cursor: Cursor, own: Excluded, judging: Judging) {
  skipOwn(cursor, own);
  const { replay, next } = cursor;
  if (replay === undefined || next === undefined) return;
  const { mark, through } = replay;
  const pointer = pointerOfReplay(cursor, log.stream.pointer);
  const expected = `seq ${next} to ${through} again`;
  if (next + own.unknown > through) judging.decide("replay-complete");
  else if (link.hungUpAt === NEVER && link.closedAt === NEVER) {
    const deadlineMs = (recording.history[mark.at]?.atMs ?? 0) + (knowledge.deadlineMs ?? log.stream.withinMs);
    const fence = link.fences.find(({ sentAt }) => (recording.history[sentAt]?.atMs ?? 0) >= deadlineMs);
    if (fence === undefined) judging.wait({ rule: "replay-complete", pointer, connection: link.id, expected });
    else
      judging.check(false, "replay-complete", pointer, expected, "none within the deadline", [
        mark.act.sentAt,
        mark.at,
        fence.answeredAt,
      ]);
  }
}

/** A reply that says "recovered" speaks of the same epoch and of a place that was there. */
function checkReplayAnswer(log: Log, mark: Mark, judging: Judging) {
  const replay = replayOf(mark.act);
  const since = askedSince(log.stream, mark.act);
  if (replay?.recovered === undefined || since === undefined) return;
  const recovered = recoveredOf(mark);
  const possible = since.epoch === mark.epoch && since.seq <= mark.seq;
  const wanted = possible ? "true or false" : `false: there is nothing after ${shown(since)} in this log`;
  const honest = possible ? typeof recovered === "boolean" : recovered === false;
  if (recovered === true) judging.cover(replay.pointer);
  judging.check(honest, "replay-honest", replay.pointer, `${wanted} at ${replay.recovered}`, shown(recovered), [
    mark.act.sentAt,
    mark.at,
  ]);
}

/** The reply that brings a connection in comes before any event. */
function checkReplyFirst(
  { recording }: World,
  { changed }: Obligations,
  log: Log,
  mark: Mark,
  sightings: readonly Sighting[],
  judging: Judging,
) {
  if (changed.get(mark.act) !== "yes") return;
  const earlier = mark.act.link.acts.filter((act) => act.number < mark.act.number && act.outcome !== "refused");
  const quietFrom = Math.max(
    mark.act.sentAt,
    ...earlier.map((act) => (act.settledAt === NEVER ? recording.history.length : act.settledAt)),
  );
  const early = sightings.find(({ at }) => at > quietFrom && at < mark.at);
  const events = [mark.act.sentAt, early?.at ?? mark.at, mark.at];
  judging.check(
    early === undefined,
    "reply-before-events",
    log.stream.pointer,
    "the reply before any event",
    shown(early?.frame),
    events,
  );
}
