// What every connection must, may and must not receive because of what others did.
import type { DocumentPointer, Effect, Pointer, Stream } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "./frame.ts";
import {
  departure,
  type Key,
  linkPresence,
  ownPresence,
  type Presence,
  presence,
  presenceAtEnd,
  type Row,
  resolve,
  resolveKey,
  type Scope,
} from "./membership.ts";
import { type Answer, expectOutcome, type World } from "./outcomes.ts";
import { type Deliver, type Delivery, splitBindings } from "./protocol.ts";
import { type Act, type Link, NEVER } from "./recording.ts";
import { findRepeats, onceOf, type Repeat } from "./repeats.ts";

/** What is compared of a delivered frame: its message and the values that the document binds. */
export type Bound = ReadonlyMap<Pointer, unknown>;

export interface Obligation {
  readonly receiver: Link;
  readonly message: string;
  /** Text of message and bound values; equal texts cannot be told apart. */
  readonly text: string;
  readonly bound: Bound;
  readonly effect: Deliver;
  /** Who caused it, and by which act; no act where the connection ended. */
  readonly cause: Link;
  readonly act: Act | undefined;
  readonly strength: "must" | "may";
  /** Only as part of what a replay sends again. */
  readonly again: boolean;
  /** It cannot come before this. */
  readonly from: number;
  /** From here on the deadline counts; NEVER where nothing can prove it missing. */
  readonly settledAt: number;
  /** When the receiver gave up its place in the audience: it may have gone before a delivery that was under way. */
  readonly until: number;
  readonly stream: Stream | undefined;
  readonly streamKey: string;
  /** Tuples that a `$count` in it counts. */
  readonly key: Key;
}

/** A frame that must not come, and the rule that says so. */
export interface Denial {
  readonly receiver: Link;
  readonly text: string;
  readonly rule: string;
  readonly pointer: DocumentPointer;
  readonly act: Act | undefined;
  readonly why: string;
}

export interface Obligations {
  readonly all: readonly Obligation[];
  readonly denied: readonly Denial[];
  /** Acts whose add or remove changed nothing, or perhaps nothing. */
  readonly changed: ReadonlyMap<Act, Answer>;
  /** Acts that repeat an earlier one with the same key. */
  readonly repeats: ReadonlyMap<Act, Repeat>;
}

/** The text by which a delivered frame is matched. */
export function textOf(message: string, bound: Bound): string {
  return `${message} ${canonical(Object.fromEntries(bound))}`;
}

/** The bound values that a frame shows for one way of delivering it. */
export function boundOf(delivery: Pick<Delivery, "fixed">, frame: unknown): Bound {
  return new Map(delivery.fixed.map(([pointer]) => [pointer, lookup(frame, pointer)]));
}

/** The values that an effect binds, for the act or the tuple of `scope`. */
export function bind(effect: Deliver, scope: Scope): Bound {
  return new Map(splitBindings(effect.bindings).fixed.map(([pointer, value]) => [pointer, resolve(value, scope)]));
}

/** Puts every certain or possible change of a relation into the world's membership. */
export function recordChanges(world: World) {
  const { recording, membership } = world;
  const moments: { at: number; run: () => void }[] = [];
  const endedByServer = new Set(
    world.protocol.contract.operations
      .filter(({ action, channel }) => action === "send" && channel === world.protocol.channel.id)
      .flatMap(({ effects }) => effects.flatMap((effect) => (effect.kind === "remove" ? [effect.relation] : []))),
  );
  for (const act of recording.acts) {
    const scope: Scope = { link: act.link, frame: act.frame, key: new Map() };
    if (act.outcome === "refused") continue;
    for (const effect of act.operation?.effects ?? []) {
      if (effect.kind !== "add" && effect.kind !== "remove") continue;
      const key = resolveKey(effect.where, scope);
      moments.push({
        at: act.sentAt,
        run: () => {
          const exact = membership.row(effect.relation, act.link, key);
          const rows =
            effect.kind === "add" ? [exact] : membership.rows(effect.relation, key).filter((row) => row.link === act.link);
          const lasts = effect.kind === "remove" || !endedByServer.has(effect.relation);
          for (const row of rows) membership.change(row, act, effect.kind === "add" ? "in" : "out", lasts);
        },
      });
    }
  }
  for (const link of recording.links.values()) {
    const at = link.endFrom;
    if (at === NEVER) continue;
    moments.push({
      at,
      run: () =>
        membership.rowsOf(link).forEach((row) => {
          membership.end(row, at);
        }),
    });
  }
  moments.sort((a, b) => a.at - b.at);
  for (const moment of moments) moment.run();
}

/** All that follows from the acts and ends of the world. `recordChanges` has run. */
export function collectObligations(world: World): Obligations {
  const all: Obligation[] = [];
  /** Everything that may have happened, whoever was there: what a replay can bring. */
  const past: Obligation[] = [];
  const denied: Denial[] = [];
  const changed = new Map<Act, Answer>();
  const repeats = findRepeats(world.recording);
  for (const link of world.recording.links.values()) collectEnds(world, link, past, all);
  for (const act of world.recording.acts) collectAct(world, act, { all, past, denied, changed, repeats });
  for (const act of world.recording.acts) collectReplay(world, act, past, all);
  return { all, denied, changed, repeats };
}

function collectAct(
  world: World,
  act: Act,
  found: Obligations & { all: Obligation[]; past: Obligation[]; denied: Denial[]; changed: Map<Act, Answer> },
) {
  if (act.operation === undefined) return;
  const outcome = outcomeOf(world, act);
  const scope: Scope = { link: act.link, frame: act.frame, key: new Map() };
  const repeat = found.repeats.get(act);
  let changed: Answer = "yes";
  let key: Key = new Map();
  for (const effect of act.operation.effects) {
    if (effect.kind === "add" || effect.kind === "remove") {
      key = resolveKey(effect.where, scope);
      const before = ownPresence(world.membership.row(effect.relation, act.link, key), act);
      changed = before === "maybe" ? "maybe" : (before === "out") === (effect.kind === "add") ? "yes" : "no";
      found.changed.set(act, changed);
    }
    if (effect.kind !== "deliver") continue;
    const bound = bind(effect, scope);
    const text = textOf(effect.message, bound);
    const deny = (receiver: Link, rule: string, pointer: DocumentPointer, why: string) =>
      found.denied.push({ receiver, text, rule, pointer, act, why });
    const effective = outcome !== "refused" && repeat?.certain !== true && (effect.when !== "changed" || changed !== "no");
    const cause = {
      bound,
      text,
      act,
      cause: act.link,
      from: act.sentAt,
      settledAt: act.settledAt,
      key: keyOf(effect, scope, key),
    };
    if (effective)
      found.past.push(createObligation(world, effect, { ...cause, receiver: act.link, until: NEVER, certain: false }));
    for (const receiver of world.recording.links.values()) {
      const there = isAddressed(world, act, effect, receiver, scope);
      const changes = effect.when === "changed" ? changed : "yes";
      if (outcome === "refused") deny(receiver, "refused-has-no-effect", act.operation.pointer, "the operation was refused");
      else if (repeat?.certain)
        deny(receiver, "once-per-key", onceOf(act)?.pointer ?? effect.pointer, "it repeats an earlier one with the same key");
      else if (changes === "no") deny(receiver, "unchanged-announces-nothing", effect.pointer, "it changed nothing");
      else if (receiver === act.link && effect.sender === "excluded")
        deny(receiver, "sender-is-excluded", effect.pointer, "its sender is excluded");
      else if (there === "out") deny(receiver, ...absence(world, effect, receiver, act, scope));
      else {
        const certain = outcome === "done" && changes === "yes" && repeat === undefined && there === "in";
        const until = departureOf(world, act, effect, receiver, scope);
        found.all.push(createObligation(world, effect, { ...cause, receiver, until, certain }));
      }
    }
  }
}

/** The outcome that a reply showed, or where none is promised the one that the requirements leave. */
export function outcomeOf(world: World, act: Act): Act["outcome"] {
  if (act.outcome !== "unknown" || act.operation === undefined) return act.outcome;
  const expected = expectOutcome(world, act);
  if (!expected.mayPass && expected.refusals.at(-1)?.certain === true) return "refused";
  return act.operation.reply === undefined && expected.refusals.length === 0 ? "done" : "unknown";
}

function createObligation(
  world: World,
  effect: Deliver,
  parts: Pick<Obligation, "receiver" | "bound" | "text" | "act" | "cause" | "from" | "settledAt" | "until" | "key"> & {
    certain: boolean;
  },
): Obligation {
  const { certain, ...rest } = parts;
  const stream = world.protocol.streamOf(effect.message);
  const streamKey = stream?.key === undefined ? "" : canonical(parts.bound.get(stream.key));
  const strength = certain && stream?.guarantee !== "best-effort" ? "must" : "may";
  return { ...rest, message: effect.message, effect, strength, again: false, stream, streamKey };
}

/** The tuples that a count in the frame counts: those that share the key of the audience, else of the change before it. */
function keyOf(effect: Deliver, scope: Scope, changed: Key): Key {
  return effect.to.kind === "relation" && effect.to.where.size > 0 ? resolveKey(effect.to.where, scope) : changed;
}

/** Whether the receiver is in the audience, over the whole time in which the act may have happened. */
function isAddressed(world: World, act: Act, effect: Deliver, receiver: Link, scope: Scope): Presence {
  const { to } = effect;
  if (to.kind === "all") return receiver === act.link ? "in" : linkPresence(receiver, act.sentAt, act.settledAt);
  if (to.kind === "connection") {
    if (receiver.attributes.get(to.attribute) !== resolve(to.equals, scope)) return "out";
    return receiver === act.link ? "in" : linkPresence(receiver, act.sentAt, act.settledAt);
  }
  const rows = world.membership.rows(to.relation, resolveKey(to.where, scope)).filter((row) => row.link === receiver);
  return strongest(
    rows.map((row) => (receiver === act.link ? ownPresenceAfter(row, act) : presence(row, act.sentAt, act.settledAt))),
  );
}

const strongest = (states: readonly Presence[]): Presence =>
  states.includes("in") ? "in" : states.includes("maybe") ? "maybe" : "out";

/** The tuple as its own connection knows it once the act is done. */
export function ownPresenceAfter(row: Row, act: Act): Presence {
  const mine = row.transitions.findLast((change) => change.act === act);
  return mine === undefined ? ownPresence(row, act) : mine.certain ? mine.to : "maybe";
}

function departureOf(world: World, act: Act, effect: Deliver, receiver: Link, scope: Scope): number {
  const { to } = effect;
  const rows = to.kind === "relation" ? world.membership.rows(to.relation, resolveKey(to.where, scope)) : [];
  const left = rows.filter((row) => row.link === receiver).map((row) => departure(row, act.sentAt));
  return Math.min(receiver.hungUpAt, receiver.closedAt, ...left);
}

function absence(world: World, effect: Deliver, receiver: Link, act: Act, scope: Scope): [string, DocumentPointer, string] {
  const { to } = effect;
  if (to.kind !== "relation") return ["delivered-to-nobody-else", effect.pointer, "the receiver is not addressed"];
  const rows = world.membership.rows(to.relation, resolveKey(to.where, scope)).filter((row) => row.link === receiver);
  const wasIn = rows.some((row) =>
    row.transitions.some((change) => change.to === "in" && change.certain && change.from < act.sentAt),
  );
  return wasIn
    ? ["no-delivery-after-removal", effect.pointer, `the receiver had left ${to.relation}`]
    : ["delivered-to-nobody-else", effect.pointer, `the receiver is not in ${to.relation}`];
}

/** A connection that ended: each of its tuples goes, and others are told. */
function collectEnds(world: World, link: Link, past: Obligation[], all: Obligation[]) {
  const { membership, recording } = world;
  const from = link.endFrom;
  if (from === NEVER) return;
  for (const row of membership.rowsOf(link)) {
    const relation = world.protocol.contract.state.relations.find((candidate) => candidate.name === row.relation);
    const before = presenceAtEnd(row);
    if (relation === undefined || before === "out") continue;
    const scope: Scope = { link, frame: undefined, key: row.key };
    for (const effect of relation.onDisconnect) {
      if (effect.kind !== "deliver") continue;
      const bound = bind(effect, scope);
      const text = textOf(effect.message, bound);
      const seenAt = firstSeen(world, effect, text, from);
      if (seenAt !== NEVER) membership.sawEnd(row, seenAt);
      const until = Math.min(seenAt, recording.history.length);
      const audience = endAudience(effect, scope, row);
      const cause = { bound, text, act: undefined, cause: link, from, settledAt: link.closedAt, key: row.key };
      past.push(createObligation(world, effect, { ...cause, receiver: link, until: NEVER, certain: false }));
      for (const receiver of recording.links.values()) {
        if (receiver === link || audience === undefined) continue;
        const rows = membership.rows(audience.relation, audience.key).filter((other) => other.link === receiver);
        const there = strongest(rows.map((other) => presence(other, from, until)));
        if (there === "out") continue;
        const left = Math.min(receiver.hungUpAt, receiver.closedAt, ...rows.map((other) => departure(other, from)));
        const certain = there === "in" && before === "in";
        all.push(createObligation(world, effect, { ...cause, receiver, until: left, certain }));
      }
    }
  }
}

function endAudience(effect: Deliver, scope: Scope, row: Row): { relation: string; key: Key } | undefined {
  if (effect.to.kind !== "relation") return undefined;
  return { relation: effect.to.relation, key: effect.to.where.size === 0 ? row.key : resolveKey(effect.to.where, scope) };
}

function firstSeen(world: World, effect: Deliver, text: string, from: number): number {
  const delivery = world.protocol.deliveries.get(effect.message)?.find((candidate) => candidate.effect === effect);
  if (delivery === undefined) return NEVER;
  let first = NEVER;
  for (const link of world.recording.links.values()) {
    const seen = link.received.find(
      ({ at, message, frame }) =>
        at > from && message?.name === effect.message && textOf(effect.message, boundOf(delivery, frame)) === text,
    );
    first = Math.min(first, seen?.at ?? NEVER);
  }
  return first;
}

/** A replay may bring anything of its stream once more that may have happened before it. */
function collectReplay(world: World, act: Act, past: readonly Obligation[], all: Obligation[]) {
  const replay = act.operation?.effects.find((effect) => effect.kind === "replay");
  if (replay === undefined || act.outcome === "refused" || sinceOf(act, replay) === undefined) return;
  const streamKey = streamKeyOfAct(world, act, replay.stream);
  for (const event of past) {
    if (event.stream?.name !== replay.stream || event.streamKey !== streamKey || event.from > act.settledAt) continue;
    if (event.cause === act.link && event.effect.sender === "excluded") continue;
    const from = Math.max(event.from, act.sentAt);
    all.push({ ...event, receiver: act.link, again: true, from, settledAt: NEVER, until: act.link.hungUpAt });
  }
}

/** What an act asks to be replayed from; undefined where it does not ask. */
export function sinceOf(act: Act, replay: Extract<Effect, { kind: "replay" }>): unknown {
  return resolve(replay.since, { link: act.link, frame: act.frame, key: new Map() });
}

/** The log of the stream that an act is about, by the value that its deliveries or its reply bind at the stream's key. */
export function streamKeyOfAct(world: World, act: Act, streamName: string): string | undefined {
  const stream = world.protocol.channel.delivery?.streams.find((candidate) => candidate.name === streamName);
  if (stream?.key === undefined) return stream === undefined ? undefined : "";
  const scope: Scope = { link: act.link, frame: act.frame, key: new Map() };
  for (const effect of act.operation?.effects ?? []) {
    const carries =
      effect.kind === "deliver"
        ? stream.messages.includes(effect.message)
        : effect.kind === "reply" && stream.replies.includes(effect.message);
    if (!carries || (effect.kind !== "deliver" && effect.kind !== "reply")) continue;
    const value = effect.bindings.get(stream.key);
    if (value !== undefined) return canonical(resolve(value, scope));
  }
  return undefined;
}
