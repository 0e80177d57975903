// Deliveries: only to whom they are addressed, in the order of their positions, the same for every observer.
import type { Contract, Message, Pointer, Stream } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical, shown } from "../model/frame.ts";
import type { CheckedConnection, Known } from "./checked-connection.ts";

import { CheckerBase, comparedLogs, comparedPositions, type Deliver, type Framed, keyOf, nameOf } from "./checker-base.ts";

/** Where a delivered message says to whom it goes and who sent it. */
interface Places {
  /** Column of the relation -> pointer; undefined where the message does not tell. */
  readonly columns: readonly (readonly [string, Pointer])[] | undefined;
  /** Pointer and attribute, of attributes that no two connections share. */
  readonly sender: readonly (readonly [Pointer, string])[];
}

function findPlaces({ to, bindings }: Deliver, { operations, state }: Contract): Places {
  const isUnique = (attribute: string) => state.attributes.find(({ name }) => name === attribute)?.unique === true;
  const sender = [...bindings].flatMap(([at, value]) =>
    value.kind === "sender" && isUnique(value.attribute) ? [[at, value.attribute] as const] : [],
  );
  const addsItself = operations.some(({ action, effects }) => action === "send" && effects.some(({ kind }) => kind === "add"));
  const where = to.kind === "relation" && !addsItself ? [...to.where] : [];
  const columns = where.flatMap(([column, value]) => {
    const at = [...bindings].find(([, other]) => canonical(other) === canonical(value))?.[0];
    return column === "connection" || at === undefined ? [] : [[column, at] as const];
  });
  return { columns: columns.length > 0 && columns.length === where.length ? columns : undefined, sender };
}

const isSame = (one: unknown, other: unknown) => one === other || canonical(one) === canonical(other);

export abstract class DeliveryChecker extends CheckerBase {
  protected delivery(connection: CheckedConnection, event: Framed, frame: unknown, message: Message): void {
    const deliveries = this.protocol.deliveries.get(message.name);
    if (deliveries === undefined || connection.overflowed || connection.opaque) return;
    const effects: Deliver[] = [];
    for (const { effect, fixed } of deliveries)
      if (fixed.every(([at, value]) => value.kind !== "literal" || isSame(value.value, lookup(frame, at)))) effects.push(effect);
    this.audience(connection, frame, message, effects);
    const stream = this.protocol.streamOf(message.name);
    if (stream?.seq !== undefined && stream.epoch !== undefined) this.position(connection, event, frame, message, stream);
  }

  protected audience(connection: CheckedConnection, frame: unknown, message: Message, effects: readonly Deliver[]): void {
    const [first] = effects;
    if (first === undefined) return;
    const states = effects.map((effect) => this.isAddressed(connection, effect, frame));
    if (!states.includes("maybe"))
      this.decide(
        states.includes("in"),
        "delivered-to-nobody-else",
        first.pointer,
        () => `no ${message.name}: the connection is not addressed`,
        () => shown(frame),
        connection,
      );
    const own = effects.filter((effect) => this.isOwn(connection, effect, frame));
    if (own.length === effects.length && own.length > 0) {
      const excluded = own.every(({ sender }) => sender === "excluded");
      // Over HTTP a sender has no connection, and a replay may bring back what an earlier connection caused.
      this.decide(
        !excluded,
        "sender-is-excluded",
        first.pointer,
        `no ${message.name} of its own`,
        () => shown(frame),
        connection,
      );
    }
  }

  /** Whether the frame names this connection as its sender, by an attribute that no other has. */
  protected isOwn(connection: CheckedConnection, effect: Deliver, frame: unknown): boolean {
    return this.placesOf(effect).sender.some(([at, attribute]) => {
      const own = connection.attributes.get(attribute);
      return own !== undefined && lookup(frame, at) === own;
    });
  }

  readonly #places = new Map<Deliver, Places>();

  protected placesOf(effect: Deliver): Places {
    let places = this.#places.get(effect);
    if (places === undefined) {
      places = findPlaces(effect, this.contract);
      this.#places.set(effect, places);
    }
    return places;
  }

  protected isAddressed(connection: CheckedConnection, effect: Deliver, frame: unknown): Known {
    const { columns: places } = this.placesOf(effect);
    if (effect.to.kind !== "relation" || places === undefined) return "maybe";
    const columns = new Map<string, unknown>();
    for (const [column, at] of places) columns.set(column, lookup(frame, at));
    const now = connection.relations.get(nameOf(effect.to.relation, columns));
    // A frame may have been under way when the connection left.
    return now === "out" ? "maybe" : (now ?? "out");
  }

  protected position(connection: CheckedConnection, event: Framed, frame: unknown, message: Message, stream: Stream): void {
    const epoch = lookup(frame, stream.epoch!);
    const seq = lookup(frame, stream.seq!);
    if (typeof seq !== "number") return;
    const key = stream.key === undefined ? undefined : lookup(frame, stream.key);
    this.compare(connection, frame, message, stream, `${stream.name} ${keyOf(key)} ${keyOf(epoch)}`, seq);
    const cursor = this.cursor(connection, stream, key);
    if (cursor.epoch !== epoch) Object.assign(cursor, { epoch, next: undefined });
    const { pointer } = stream;
    const { next } = cursor;
    if (next === undefined || seq >= next) {
      const missing =
        next === undefined
          ? []
          : Array.from({ length: Math.min(seq - next, 100) }, (_, index) => next + index).filter((one) => !cursor.own.has(one));
      const waits = [...connection.waiting].some(({ operation }) =>
        operation?.effects.some((effect) => effect.kind === "deliver" && stream.messages.includes(effect.message)),
      );
      if (next !== undefined && stream.guarantee === "exactly-once" && !cursor.blind && (missing.length === 0 || !waits))
        this.decide(missing.length === 0, "position-contiguous", pointer, `seq ${next}`, `seq ${seq}`, connection);
      if (next !== undefined) this.report.decide("order-total");
      this.report.decide("position-once");
      cursor.next = seq + 1;
    } else if (cursor.seen.has(seq))
      this.decide(
        seq <= cursor.again,
        "position-once",
        pointer,
        `seq ${seq} once`,
        () => `once more: ${shown(frame)}`,
        connection,
      );
    else if (stream.order === "total" && seq > cursor.again && !this.mayReplay(connection))
      this.decide(false, "order-total", pointer, `seq ${next} or later`, `seq ${seq}`, connection);
    cursor.seen.add(seq);
    if (cursor.seen.size > comparedPositions) cursor.seen.delete(cursor.seen.values().next().value!);
    void event;
  }

  /** A request that may bring back old events waits, or was answered on this connection. */
  protected mayReplay(connection: CheckedConnection): boolean {
    for (const { operation, frame } of connection.byId.values())
      for (const effect of operation?.effects ?? [])
        if (effect.kind === "replay" && this.value(connection, effect.since, frame) !== undefined) return true;
    return false;
  }

  protected compare(
    connection: CheckedConnection,
    frame: unknown,
    message: Message,
    stream: Stream,
    log: string,
    seq: number,
  ): void {
    const events = this.logs.get(log) ?? new Map<number, string>();
    this.logs.delete(log);
    this.logs.set(log, events);
    if (this.logs.size > comparedLogs) this.logs.delete(this.logs.keys().next().value!);
    let text = message.name;
    for (const at of this.boundIn(message.name)) text += ` ${keyOf(lookup(frame, at))}`;
    const before = events.get(seq);
    if (before === undefined) {
      events.set(seq, text);
      if (events.size > comparedPositions) events.delete(events.keys().next().value!);
      return;
    }
    this.decide(
      before === text,
      "position-consistent-between-observers",
      stream.pointer,
      () => `at seq ${seq} what others saw there: ${before.slice(0, 200)}`,
      () => text.slice(0, 200),
      connection,
    );
  }

  protected readonly bound = new Map<string, readonly string[]>();

  /** Where the document binds values in a message. */
  protected boundIn(message: string): readonly string[] {
    let known = this.bound.get(message);
    if (known === undefined) {
      known = [
        ...new Set((this.protocol.deliveries.get(message) ?? []).flatMap(({ effect }) => [...effect.bindings.keys()])),
      ].sort();
      this.bound.set(message, known);
    }
    return known;
  }
}
