// Deliveries: only to whom they are addressed, in the order of their positions, the same for every observer.
import type { Contract, Effect, Message, Pointer, Stream } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical, shown } from "../model/frame.ts";
import type { CheckedConnection, Cursor, Known } from "./checked-connection.ts";

import { CheckerBase, comparedLogs, comparedPositions, type Deliver, keyOf, nameOf, type Seen } from "./checker-base.ts";

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

/** Where an event is in its log. */
interface Place {
  readonly epoch: unknown;
  readonly seq: number;
  /** Names the log, whatever its epoch. */
  readonly cursor: string;
  /** Names the log and its epoch. */
  readonly log: string;
  /** What every observer must see there. */
  readonly text: string;
  /** The number that the frame says, and by how much its cause changes it; undefined where that is not known. */
  readonly count: number | undefined;
  readonly change: number | undefined;
}

/** Where a message says how many tuples there are, and by how much what it tells of changes that. */
interface Counting {
  readonly at: Pointer | undefined;
  readonly change: number | undefined;
}

/** An event changes the number by what stands beside its delivery: a tuple that is added or removed. */
function findCounting({ operations, state }: Contract, message: string, stream: Stream | undefined): Counting {
  const groups = [...operations.map(({ effects }) => effects), ...state.relations.map(({ onDisconnect }) => onDisconnect)];
  const counts = (effect: Effect) =>
    effect.kind === "deliver" && stream?.messages.includes(effect.message)
      ? [...effect.bindings].flatMap(([at, value]) => (value.kind === "count" ? [{ at, relation: value.relation }] : []))
      : [];
  const [relation, other] = new Set(groups.flat().flatMap((effect) => counts(effect).map((one) => one.relation)));
  const key = stream?.key;
  const hasOneKey = (effects: readonly Effect[]) =>
    effects.every((effect) => {
      if (effect.kind !== "deliver" || effect.message !== message || key === undefined) return true;
      const bound = canonical(effect.bindings.get(key));
      const changed = effects.flatMap((one) => (one.kind === "add" || one.kind === "remove" ? [...(one.where ?? [])] : []));
      return changed.every(([column, value]) => column === "connection" || canonical(value) === bound);
    });
  const causes = groups.filter((effects) => effects.some((effect) => effect.kind === "deliver" && effect.message === message));
  const changes = causes.map((effects) =>
    effects.reduce((sum, effect) => {
      if ((effect.kind !== "add" && effect.kind !== "remove") || effect.relation !== relation) return sum;
      return sum + (effect.kind === "add" ? 1 : -1);
    }, 0),
  );
  const at = groups
    .flat()
    .flatMap((effect) => (effect.kind === "deliver" && effect.message === message ? counts(effect) : []))[0]?.at;
  const isOne = relation !== undefined && other === undefined && new Set(changes).size === 1 && causes.every(hasOneKey);
  return { at, change: isOne ? changes[0] : undefined };
}

const isObject = (value: unknown) => typeof value === "object" && value !== null;
const isSame = (one: unknown, other: unknown) =>
  one === other || (isObject(one) && isObject(other) && canonical(one) === canonical(other));

export abstract class DeliveryChecker extends CheckerBase {
  protected delivery(connection: CheckedConnection, frame: unknown, message: Message): void {
    const deliveries = this.protocol.deliveries.get(message.name);
    if (deliveries === undefined || connection.overflowed || connection.opaque) return;
    const effects: Deliver[] = [];
    for (const { effect, fixed } of deliveries)
      if (fixed.every(([at, value]) => value.kind !== "literal" || isSame(value.value, lookup(frame, at)))) effects.push(effect);
    this.audience(connection, frame, message, effects);
    if (effects.length === 1) this.order.delivered(connection, effects[0]!, frame);
    const stream = this.protocol.streamOf(message.name);
    if (stream?.seq !== undefined && stream.epoch !== undefined) this.position(connection, frame, message, stream);
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
    const now = connection.relations.get(this.addressOf(effect.to.relation, places, frame));
    // A frame may have been under way when the connection left.
    return now === "out" ? "maybe" : (now ?? "out");
  }

  #lastAddressed: unknown;
  #lastColumns: unknown;
  #lastAddress = "";

  /** The name of the tuple of those whom a frame is for. */
  protected addressOf(relation: string, columns: NonNullable<Places["columns"]>, frame: unknown): string {
    if (frame !== this.#lastAddressed || columns !== this.#lastColumns) {
      this.#lastAddressed = frame;
      this.#lastColumns = columns;
      this.#lastAddress = nameOf(relation, new Map(columns.map(([column, at]) => [column, lookup(frame, at)])));
    }
    return this.#lastAddress;
  }

  protected position(connection: CheckedConnection, frame: unknown, message: Message, stream: Stream): void {
    const place = this.placeOf(frame, message, stream);
    if (place === undefined) return;
    const { epoch, seq } = place;
    this.compare(connection, stream, place);
    const cursor = this.cursorNamed(connection, place.cursor);
    if (cursor.epoch !== epoch) {
      cursor.epoch = epoch;
      cursor.next = undefined;
    }
    const { pointer } = stream;
    const { next } = cursor;
    if (next === undefined) {
      this.report.decide("position-once");
      cursor.gaps.clear();
      cursor.from = seq;
      cursor.next = seq + 1;
    } else if (seq >= next) {
      this.report.decide("order-total");
      this.report.decide("position-once");
      const isMissing = seq > next && this.skips(cursor, next, seq);
      if (stream.guarantee === "exactly-once" && !cursor.blind && !(isMissing && this.mayBeOwn(connection, stream)))
        this.decide(!isMissing, "position-contiguous", pointer, `seq ${next}`, `seq ${seq}`, connection);
      cursor.next = seq + 1;
    } else if (seq < cursor.from || cursor.gaps.delete(seq)) {
      if (stream.order === "total" && seq > cursor.again && !this.mayReplay(connection))
        this.decide(false, "order-total", pointer, `seq ${next} or later`, `seq ${seq}`, connection);
    } else
      this.decide(
        seq <= cursor.again,
        "position-once",
        pointer,
        `seq ${seq} once`,
        () => `once more: ${shown(frame)}`,
        connection,
      );
  }

  /** Remembers what was left out. @returns whether some of it is not the connection's own */
  protected skips(cursor: Cursor, next: number, seq: number): boolean {
    let isMissing = false;
    if (seq - next > comparedPositions || cursor.gaps.size > comparedPositions) {
      cursor.gaps.clear();
      cursor.from = seq;
      return seq > cursor.again + 1;
    }
    for (let one = next; one < seq; one += 1) {
      cursor.gaps.add(one);
      // A replay leaves out what the connection itself once caused.
      isMissing ||= one > cursor.again && !cursor.own.has(one);
    }
    return isMissing;
  }

  /** A request waits whose event is not delivered to its sender. */
  protected mayBeOwn(connection: CheckedConnection, stream: Stream): boolean {
    for (const { operation } of connection.waiting)
      for (const effect of operation?.effects ?? [])
        if (effect.kind === "deliver" && effect.sender === "excluded" && stream.messages.includes(effect.message)) return true;
    return false;
  }

  #lastFrame: unknown;
  #lastMessage: Message | undefined;
  #lastPlace: Place | undefined;

  /** Where in its log a frame is. What goes to many is asked for once. */
  protected placeOf(frame: unknown, message: Message, stream: Stream): Place | undefined {
    if (frame === this.#lastFrame && message === this.#lastMessage) return this.#lastPlace;
    const seq = lookup(frame, stream.seq!);
    let place: Place | undefined;
    if (typeof seq === "number") {
      const epoch = lookup(frame, stream.epoch!);
      const cursor = `${stream.name} ${keyOf(stream.key === undefined ? undefined : lookup(frame, stream.key))}`;
      let text = message.name;
      for (const at of this.boundIn(message.name)) text += ` ${keyOf(lookup(frame, at))}`;
      const { at: countAt, change } = this.countingOf(message.name);
      const count = countAt === undefined ? undefined : lookup(frame, countAt);
      place = {
        epoch,
        seq,
        cursor,
        log: `${cursor} ${keyOf(epoch)}`,
        text,
        change,
        count: typeof count === "number" ? count : undefined,
      };
    }
    this.#lastFrame = frame;
    this.#lastMessage = message;
    this.#lastPlace = place;
    return place;
  }

  /** A request that may bring back old events waits, or was answered on this connection. */
  protected mayReplay(connection: CheckedConnection): boolean {
    for (const { operation, frame } of connection.byId.values())
      for (const effect of operation?.effects ?? [])
        if (effect.kind === "replay" && this.value(connection, effect.since, frame) !== undefined) return true;
    return false;
  }

  #lastLog = "";
  #lastEvents = new Map<number, Seen>();

  protected compare(connection: CheckedConnection, stream: Stream, { log, seq, text, count, change }: Place): void {
    if (log !== this.#lastLog) {
      this.#lastLog = log;
      this.#lastEvents = this.logs.get(log) ?? new Map<number, Seen>();
      this.logs.delete(log);
      this.logs.set(log, this.#lastEvents);
      if (this.logs.size > comparedLogs) this.logs.delete(this.logs.keys().next().value!);
    }
    const before = this.#lastEvents.get(seq);
    if (before === undefined) {
      const earlier = this.#lastEvents.get(seq - 1)?.count;
      const due = earlier === undefined || change === undefined ? undefined : earlier + change;
      this.#lastEvents.set(seq, { text, count: count ?? due });
      if (count !== undefined && due !== undefined)
        this.decide(count === due, "count-exact-at-position", stream.pointer, `${due} at seq ${seq}`, `${count}`, connection);
      if (this.#lastEvents.size > comparedPositions) this.#lastEvents.delete(this.#lastEvents.keys().next().value!);
      return;
    }
    this.decide(
      before.text === text,
      "position-consistent-between-observers",
      stream.pointer,
      () => `at seq ${seq} what others saw there: ${before.text.slice(0, 200)}`,
      () => text.slice(0, 200),
      connection,
    );
  }

  readonly #counting = new Map<string, Counting>();

  protected countingOf(message: string): Counting {
    let counting = this.#counting.get(message);
    if (counting === undefined) {
      counting = findCounting(this.contract, message, this.protocol.streamOf(message));
      this.#counting.set(message, counting);
    }
    return counting;
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
