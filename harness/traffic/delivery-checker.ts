// Deliveries: only to whom they are addressed, in the order of their positions, the same for every observer.
import type { Message, Stream } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical, shown } from "../model/frame.ts";
import type { CheckedConnection, Known } from "./checked-connection.ts";

import { CheckerBase, comparedLogs, comparedPositions, type Deliver, type Framed, nameOf } from "./checker-base.ts";

export abstract class DeliveryChecker extends CheckerBase {
  protected delivery(connection: CheckedConnection, event: Framed, frame: unknown, message: Message): void {
    const deliveries = this.protocol.deliveries.get(message.name);
    if (deliveries === undefined || connection.overflowed || connection.opaque) return;
    const fitting = deliveries.filter(({ fixed }) =>
      fixed.every(([at, value]) => value.kind !== "literal" || canonical(value.value) === canonical(lookup(frame, at))),
    );
    this.audience(
      connection,
      frame,
      message,
      fitting.map(({ effect }) => effect),
    );
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
        `no ${message.name}: the connection is not addressed`,
        shown(frame),
        [...connection.recent],
      );
    const own = effects.filter((effect) => this.isOwn(connection, effect, frame));
    if (own.length === effects.length && own.length > 0) {
      const excluded = own.every(({ sender }) => sender === "excluded");
      // Over HTTP a sender has no connection, and a replay may bring back what an earlier connection caused.
      this.decide(!excluded, "sender-is-excluded", first.pointer, `no ${message.name} of its own`, shown(frame), [
        ...connection.recent,
      ]);
    }
  }

  /** Whether the frame names this connection as its sender, by an attribute that no other has. */
  protected isOwn(connection: CheckedConnection, { bindings }: Deliver, frame: unknown): boolean {
    return [...bindings].some(([at, value]) => {
      if (value.kind !== "sender") return false;
      const isUnique = this.contract.state.attributes.find(({ name }) => name === value.attribute)?.unique === true;
      const own = connection.attributes.get(value.attribute);
      return isUnique && own !== undefined && lookup(frame, at) === own;
    });
  }

  protected isAddressed(connection: CheckedConnection, { to, bindings }: Deliver, frame: unknown): Known {
    if (to.kind !== "relation") return "maybe";
    if (this.contract.operations.some(({ action, effects }) => action === "send" && effects.some(({ kind }) => kind === "add")))
      return "maybe";
    const columns = new Map<string, unknown>();
    for (const [column, value] of to.where) {
      if (column === "connection") return "maybe";
      const at = [...bindings].find(([, other]) => canonical(other) === canonical(value))?.[0];
      if (at === undefined) return "maybe";
      columns.set(column, lookup(frame, at));
    }
    if (columns.size === 0) return "maybe";
    const now = connection.relations.get(nameOf(to.relation, columns)) ?? "out";
    // A frame may have been under way when the connection left.
    return now === "out" && connection.relations.has(nameOf(to.relation, columns)) ? "maybe" : now;
  }

  protected position(connection: CheckedConnection, event: Framed, frame: unknown, message: Message, stream: Stream): void {
    const epoch = lookup(frame, stream.epoch!);
    const seq = lookup(frame, stream.seq!);
    if (typeof seq !== "number") return;
    const key = stream.key === undefined ? undefined : lookup(frame, stream.key);
    this.compare(connection, frame, message, stream, `${stream.name} ${canonical(key)} ${canonical(epoch)}`, seq);
    const cursor = this.cursor(connection, stream, key);
    if (cursor.epoch !== epoch) Object.assign(cursor, { epoch, next: undefined });
    const events = [...connection.recent];
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
        this.decide(missing.length === 0, "position-contiguous", pointer, `seq ${next}`, `seq ${seq}`, events);
      if (next !== undefined) this.report.decide("order-total");
      this.report.decide("position-once");
      cursor.next = seq + 1;
    } else if (cursor.seen.has(seq))
      this.decide(seq <= cursor.again, "position-once", pointer, `seq ${seq} once`, `once more: ${shown(frame)}`, events);
    else if (stream.order === "total" && seq > cursor.again && !this.mayReplay(connection))
      this.decide(false, "order-total", pointer, `seq ${next} or later`, `seq ${seq}`, events);
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
    const bound = this.boundIn(message.name).map((at) => lookup(frame, at));
    const text = `${message.name} ${canonical(bound)}`;
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
      `at seq ${seq} what others saw there: ${before.slice(0, 200)}`,
      text.slice(0, 200),
      [...connection.recent],
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
