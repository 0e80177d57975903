// Continuity: what one connection sees of a log has no gap, no repetition and no step back, from the place where it came in.
import type { Effect } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical, shown } from "./frame.ts";
import type { Judging } from "./judgement.ts";
import { askedSince, type Log, type Mark, replayOf, type Sighting } from "./logs.ts";
import type { Obligations } from "./obligations.ts";
import type { World } from "./outcomes.ts";
import { type Act, type Link, NEVER } from "./recording.ts";

/** Where a connection is in a log. */
interface Cursor {
  epoch: string | undefined;
  /** The next seq that it must see. */
  next: number | undefined;
  seen: Map<number, number>;
  /** A replay under way: all up to `through` was promised by this reply. */
  replay: { readonly mark: Mark; readonly through: number } | undefined;
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
  const own = excludedPlaces(obligations, log, link);
  for (const moment of moments) moment.run();
  checkReplayEnd(world, log, link, cursor, own, judging);
  for (const mark of entries) checkReplyFirst(world, obligations, log, mark, sightings, judging);
}

const blank = (): Cursor => ({ epoch: undefined, next: undefined, seen: new Map(), replay: undefined });

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

/** Places of events that the connection caused itself and that are not sent to it. */
function excludedPlaces({ changed }: Obligations, log: Log, link: Link): { places: Set<string>; unknown: number } {
  const isExcluded = (effect: Effect) =>
    effect.kind === "deliver" && effect.sender === "excluded" && log.stream.messages.includes(effect.message);
  const places = new Set<string>();
  for (const mark of log.marks) {
    if (mark.act.link !== link || mark.appended === "no" || !mark.act.operation?.effects.some(isExcluded)) continue;
    places.add(`${mark.epoch} ${mark.seq}`);
  }
  const marked = new Set(log.marks.map(({ act }) => act));
  const silent = link.acts.filter(
    (act) =>
      !marked.has(act) &&
      act.outcome !== "refused" &&
      changed.get(act) !== "no" &&
      act.operation?.effects.some(isExcluded) &&
      !act.operation.effects.some(({ kind }) => kind === "remove"),
  );
  return { places, unknown: silent.length };
}

function enter({ changed }: Obligations, log: Log, cursor: Cursor, mark: Mark) {
  const since = askedSince(log.stream, mark.act);
  const recovered = recoveredOf(mark);
  const wasIn = changed.get(mark.act) === "no";
  if (since !== undefined && recovered === true && since.epoch === mark.epoch) {
    const through = mark.appended === "yes" ? mark.seq - 1 : mark.seq;
    Object.assign(cursor, { epoch: mark.epoch, next: since.seq + 1, seen: new Map(), replay: { mark, through } });
  } else if (!wasIn) Object.assign(cursor, { epoch: mark.epoch, next: mark.seq + 1, seen: new Map(), replay: undefined });
}

function recoveredOf(mark: Mark): unknown {
  const pointer = replayOf(mark.act)?.recovered;
  return pointer === undefined ? undefined : lookup(mark.frame, pointer);
}

type Excluded = { readonly places: ReadonlySet<string>; readonly unknown: number };

function see(log: Log, cursor: Cursor, sighting: Sighting, all: readonly Sighting[], own: Excluded, judging: Judging) {
  const { epoch, seq, at, frame } = sighting;
  const { pointer } = log.stream;
  if (cursor.epoch !== epoch) Object.assign(cursor, { ...blank(), epoch });
  const before = cursor.seen.get(seq);
  cursor.seen.set(seq, at);
  judging.check(before === undefined, "position-once", pointer, `seq ${seq} once`, `once more: ${shown(frame)}`, [
    before ?? at,
    at,
  ]);
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
  if (next > through) judging.decide("replay-complete");
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
