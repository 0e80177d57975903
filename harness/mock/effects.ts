// What an accepted request does: relations change, events get their positions, the reply and the deliveries go out.
import type { Effect, Operation, Stream } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { conjuncts, schemasAt } from "../../spec/schema-walk.ts";
import { canonical } from "../model/frame.ts";
import { type Parts, positionParts } from "./message-factory.ts";
import { copy, put } from "./place.ts";
import { type Request, resolveKey, resolveValue } from "./requirements.ts";
import type { Session, Tuple } from "./session.ts";
import type { Log } from "./stores.ts";
import type { World } from "./world.ts";

type Deliver = Extract<Effect, { kind: "deliver" }>;
type Bound = Extract<Effect, { kind: "deliver" | "reply" }>;

interface Event {
  readonly effect: Deliver;
  readonly frame: unknown;
  readonly receivers: readonly Session[];
}

export interface Done {
  /** The body of the reply; undefined where there is none. */
  readonly reply: { readonly name: string; readonly frame: unknown } | undefined;
  /** Sends what follows the reply. */
  finish(): void;
}

/** Carries out an operation whose requirements hold. @param replyName the message of its reply; undefined: none is promised */
export function perform(world: World, operation: Operation, request: Request, replyName: string | undefined): Done {
  const { actor } = request;
  const once = operation.effects.find((effect) => effect.kind === "once");
  const onceKey = once?.kind === "once" ? resolveValue(once.key, request) : undefined;
  const onceName =
    once?.kind === "once" && onceKey !== undefined
      ? canonical([operation.id, once.per === "connection" ? actor.session?.id : actor.attributes.get(once.per), onceKey])
      : undefined;
  const before = onceName === undefined ? undefined : world.once.get(onceName, world.nowMs());
  if (before !== undefined)
    return {
      reply: replyName === undefined ? undefined : { name: replyName, frame: copy(before.reply) },
      finish: () => undefined,
    };

  // Values that the server makes are drawn before what needs them.
  const made = replyName === undefined ? [] : serverValues(world, operation, replyName);
  const draft = replyName === undefined ? undefined : world.factory.build(replyName, made);
  const scope: Request = { ...request, reply: draft };
  const { changed, key } = change(world, operation, scope);
  const events: Event[] = [];
  const positions = new Map<Stream, Log>();
  for (const effect of operation.effects) {
    if (effect.kind !== "deliver" || (effect.when === "changed" && !changed)) continue;
    const stream = world.protocol.streamOf(effect.message);
    events.push(createEvent(world, effect, scope, key, stream));
    if (stream?.seq !== undefined) positions.set(stream, logOf(world, stream, effect, scope));
  }
  const replies = operation.effects.filter((effect) => effect.kind === "reply");
  const effect = replies.find(({ message }) => message === replyName);
  const reply =
    replyName === undefined
      ? undefined
      : {
          name: replyName,
          frame: world.factory.build(replyName, [
            ...made,
            ...replyPosition(world, operation, replyName, scope, effect, positions),
            ...(effect === undefined ? [] : bindings(world, effect, scope, key)),
            ...recovery(world, operation, scope, false),
          ]),
        };
  const replay = replayOf(world, operation, scope, changed);
  if (reply !== undefined && replay !== undefined)
    for (const [pointer, value] of replay.parts) reply.frame = put(reply.frame, pointer, value);
  if (onceName !== undefined && once?.kind === "once")
    world.once.keep(onceName, copy(reply?.frame), world.nowMs() + once.withinMs);
  return {
    reply,
    finish() {
      for (const event of replay?.events ?? []) actor.session?.transport.send(JSON.stringify(event.frame), event.message);
      for (const { effect: one, frame, receivers } of events) deliver(one.message, frame, receivers);
      for (const one of operation.effects) {
        if (one.kind === "renew") world.renew(actor, resolveValue(one.credential, request));
        if (one.kind === "close") actor.session?.transport.close(one.code, "");
      }
    },
  };
}

/** The tuple goes, because its connection has ended, and others are told. */
export function performEnd(world: World, tuple: Tuple): void {
  const relation = world.contract.state.relations.find(({ name }) => name === tuple.relation);
  world.relations.remove(tuple.relation, tuple.session, tuple.key);
  const scope: Request = { actor: tuple.session, frame: undefined, key: tuple.key };
  for (const effect of relation?.onDisconnect ?? []) {
    if (effect.kind !== "deliver") continue;
    const stream = world.protocol.streamOf(effect.message);
    const event = createEvent(world, effect, scope, new Map(tuple.key), stream);
    deliver(
      effect.message,
      event.frame,
      event.receivers.filter((one) => one !== tuple.session),
    );
  }
}

/** One text for all of them. */
function deliver(message: string, frame: unknown, receivers: readonly Session[]): void {
  if (receivers.length === 0) return;
  const text = JSON.stringify(frame);
  for (const { transport } of receivers) transport.send(text, message);
}

/** Columns that are drawn from the reply get a value of their own in it. */
function serverValues(world: World, { effects }: Operation, replyName: string): Parts {
  const pointers = effects.flatMap((effect) =>
    effect.kind === "add" ? [...effect.where.values()].flatMap((value) => (value.kind === "reply" ? [value.pointer] : [])) : [],
  );
  return [...new Set(pointers)].flatMap((pointer) => {
    const value = world.factory.fresh(replyName, pointer);
    return value === undefined ? [] : [[pointer, value] as const];
  });
}

function change(world: World, operation: Operation, request: Request): { changed: boolean; key: Map<string, unknown> } {
  const { session } = request.actor;
  let changed = true;
  let key = new Map<string, unknown>();
  for (const effect of operation.effects) {
    if (effect.kind !== "add" && effect.kind !== "remove") continue;
    key = resolveKey(effect.where, request);
    if (session === undefined) continue;
    changed =
      effect.kind === "add"
        ? world.relations.add(effect.relation, session, key)
        : world.relations.remove(effect.relation, session, key);
  }
  return { changed, key };
}

function createEvent(
  world: World,
  effect: Deliver,
  request: Request,
  changed: Map<string, unknown>,
  stream: Stream | undefined,
): Event {
  const { to } = effect;
  const key = to.kind === "relation" && to.where.size > 0 ? resolveKey(to.where, request) : changed;
  const parts: (readonly [string, unknown])[] = [];
  const positioned = stream?.seq !== undefined && stream.epoch !== undefined;
  const log = stream !== undefined && positioned ? logOf(world, stream, effect, request) : undefined;
  if (stream !== undefined && log !== undefined) {
    log.seq += 1;
    parts.push(...positionParts(stream, log));
  }
  parts.push(...bindings(world, effect, request, key));
  const frame = world.factory.build(effect.message, parts);
  const own = request.actor.session;
  const excluded = effect.sender === "excluded" ? own : undefined;
  if (log !== undefined) world.logs.append(log, { message: effect.message, frame, excluded: excluded?.id });
  const receivers = audience(world, effect, request, key).filter((one) => one !== excluded);
  return { effect, frame, receivers };
}

function audience(world: World, { to }: Deliver, request: Request, key: ReadonlyMap<string, unknown>): readonly Session[] {
  if (to.kind === "all") return world.openSessions();
  if (to.kind === "connection") {
    const wanted = resolveValue(to.equals, request);
    return world.openSessions().filter(({ attributes }) => attributes.get(to.attribute) === wanted);
  }
  const where = to.where.size > 0 ? resolveKey(to.where, request) : key;
  return [...new Set(world.relations.with(to.relation, where).map(({ session }) => session))].filter(({ ended }) => !ended);
}

/** What the document binds in a message, tuples counted and listed. @param key the columns that they share */
function bindings(world: World, effect: Bound, request: Request, key: ReadonlyMap<string, unknown>): Parts {
  return [...effect.bindings].map(([pointer, value]) => {
    if (value.kind === "count") return [pointer, world.relations.with(value.relation, key).length];
    if (value.kind === "list") return [pointer, listOf(world, effect.message, pointer, value, key)];
    if (value.kind === "relation") {
      const own = request.actor.session === undefined ? [] : world.relations.of(request.actor.session);
      return [pointer, own.find(({ relation }) => relation === value.relation)?.key.get(value.column)];
    }
    return [pointer, resolveValue(value, request)];
  });
}

function listOf(
  world: World,
  message: string,
  pointer: string,
  { relation, item }: { readonly relation: string; readonly item: string | undefined },
  key: ReadonlyMap<string, unknown>,
): unknown[] {
  const { definitions } = world.contract;
  const parts = (schemasAt(world.factory.message(message)?.payload ?? true, pointer, definitions) ?? []).flatMap((schema) =>
    conjuncts(schema, definitions),
  );
  const maxItems = Math.min(...parts.flatMap((part) => (typeof part.maxItems === "number" ? [part.maxItems] : [])), 10_000);
  const members = parts
    .flatMap((part) => conjuncts(part.items, definitions))
    .flatMap((part) => Object.keys(Object(part.properties)));
  return world.relations
    .with(relation, key)
    .slice(0, maxItems)
    .map(({ session, key: columns }) => {
      const known = (name: string) => (columns.has(name) ? columns.get(name) : session.attributes.get(name));
      if (item !== undefined) return known(item);
      const names = members.length > 0 ? members : [...session.attributes.keys(), ...columns.keys()];
      return Object.fromEntries(names.flatMap((name) => (known(name) === undefined ? [] : [[name, known(name)]])));
    });
}

/** The log that an event of this effect stands in. */
function logOf(world: World, stream: Stream, effect: Bound, request: Request): Log {
  const value = stream.key === undefined ? undefined : effect.bindings.get(stream.key);
  return world.logs.of(stream, value === undefined ? undefined : resolveValue(value, request));
}

/** A reply of a stream says the position of its event, else where the log is; where it is about no log, none. */
function replyPosition(
  world: World,
  operation: Operation,
  replyName: string,
  request: Request,
  effect: Bound | undefined,
  events: ReadonlyMap<Stream, Log>,
): Parts {
  const { actor } = request;
  const streams = world.channel.delivery?.streams ?? [];
  if (actor.session === undefined) return positionOverHttp(world, replyName, streams, events);
  const stream = streams.find(({ replies, seq }) => seq !== undefined && replies.includes(replyName));
  if (stream === undefined) return [];
  const log = events.get(stream);
  if (log !== undefined) return positionParts(stream, log);
  const carries = [effect, ...operation.effects].find(
    (one): one is Bound =>
      (one?.kind === "reply" || (one?.kind === "deliver" && stream.messages.includes(one.message))) &&
      stream.key !== undefined &&
      one.bindings.has(stream.key),
  );
  if (carries === undefined) return positionParts(stream, undefined);
  return positionParts(stream, logOf(world, stream, carries, request));
}

/** Over HTTP the members are named as in the stream's messages, wherever they stand. */
function positionOverHttp(world: World, replyName: string, streams: readonly Stream[], events: ReadonlyMap<Stream, Log>): Parts {
  const payload = world.factory.message(replyName)?.payload ?? true;
  return streams.flatMap((stream) => {
    const log = events.get(stream);
    if (log === undefined || stream.epoch === undefined || stream.seq === undefined) return [];
    const member = (pointer: string) => pointer.slice(pointer.lastIndexOf("/"));
    const isThere = (pointer: string) => schemasAt(payload, pointer, world.contract.definitions) !== undefined;
    const parts = [[member(stream.epoch), log.epoch] as const, [member(stream.seq), log.seq] as const];
    return parts.every(([pointer]) => isThere(pointer)) ? parts : [];
  });
}

/** Whether the reply says that all that was missed follows: taken out where nothing was asked for. */
function recovery(_world: World, { effects }: Operation, request: Request, recovered: boolean): Parts {
  const replay = effects.find((effect) => effect.kind === "replay");
  if (replay?.kind !== "replay" || replay.recovered === undefined) return [];
  return [[replay.recovered, resolveValue(replay.since, request) === undefined ? undefined : recovered]];
}

/** What was missed since the position that the request names. One who was in has missed nothing. */
function replayOf(world: World, operation: Operation, request: Request, changed: boolean) {
  const effect = operation.effects.find((one) => one.kind === "replay");
  if (effect?.kind !== "replay") return undefined;
  const since = resolveValue(effect.since, request);
  const stream = world.channel.delivery?.streams.find(({ name }) => name === effect.stream);
  if (since === undefined || stream?.seq === undefined || stream.epoch === undefined) return undefined;
  const carries = operation.effects.find(
    (one): one is Bound =>
      (one.kind === "reply" || one.kind === "deliver") && stream.key !== undefined && one.bindings.has(stream.key),
  );
  const log = carries === undefined ? world.logs.of(stream, undefined) : logOf(world, stream, carries, request);
  const member = (pointer: string) => lookup(since, pointer.slice(pointer.lastIndexOf("/")));
  const seq = member(stream.seq);
  const own = request.actor.session?.id;
  const first = log.events[0]?.seq ?? log.seq + 1;
  const complete =
    canonical(member(stream.epoch)) === canonical(log.epoch) && typeof seq === "number" && seq >= first - 1 && seq <= log.seq;
  const parts: Parts = effect.recovered === undefined ? [] : [[effect.recovered, complete]];
  const events = complete && changed ? log.events.filter((event) => event.seq > seq && event.excluded !== own) : [];
  return { parts, events };
}
