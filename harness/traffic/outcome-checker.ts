// What a reply means: whether the request could succeed or be refused, and what it changed.
import type { ErrorValue, Message, Operation, Requirement } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { hidden } from "../client/mask.ts";
import { canonical, shown } from "../model/frame.ts";
import { rateInForce } from "../model/outcomes.ts";
import { frameErrors } from "../model/protocol.ts";
import type { CheckedConnection, Known, Pending } from "./checked-connection.ts";
import { comparedPositions, type Deliver } from "./checker-base.ts";
import { DeliveryChecker } from "./delivery-checker.ts";
import { masked } from "./history-writer.ts";
import type { TrafficEvent } from "./traffic-event.ts";

/** A value of the frame is not as it was sent. */
function hasMasked(frame: unknown): boolean {
  const text = JSON.stringify(frame) ?? "";
  return text.includes(hidden) || text.includes(masked);
}

const changesState = ({ effects }: Operation) => effects.some(({ kind }) => kind === "add" || kind === "remove");

export abstract class OutcomeChecker extends DeliveryChecker {
  protected checkRefusal(
    connection: CheckedConnection,
    { frame }: Pending,
    operation: Operation,
    code: ErrorValue | undefined,
    events: readonly TrafficEvent[],
  ): void {
    const codes = this.contract.errors?.codes ?? [];
    const declared = codes.filter((one) => one.code === code);
    if (code === undefined || (!operation.effectsKnown && operation.requires.length === 0)) return;
    const general =
      declared.some(({ when }) => when === "unavailable" || when === "internal") ||
      // What was masked may have been malformed.
      (declared.some(({ when }) => frameErrors.has(when)) && hasMasked(frame));
    const own = operation.requires.filter((one) => (one.kind === "may" ? one.codes : [one.else]).includes(code));
    if (general) return;
    this.decide(
      own.length > 0,
      "error-by-first-failed-requirement",
      operation.pointer,
      `an error that ${operation.id} may have`,
      `${code}`,
      events,
    );
    if (own.length === 0 || connection.overflowed) return;
    const holds = own.every((one) => this.holds(connection, one, frame) === "yes");
    this.decide(
      !holds,
      "allowed-is-not-rejected",
      operation.pointer,
      `success of ${operation.id}: what ${code} stands for holds`,
      `the error ${code}`,
      events,
    );
  }

  protected checkSuccess(
    connection: CheckedConnection,
    pending: Pending,
    operation: Operation,
    message: Message,
    frame: unknown,
    events: readonly TrafficEvent[],
  ): void {
    for (const requirement of operation.requires) {
      if (requirement.kind !== "relation" || connection.overflowed) continue;
      const answer = this.holds(connection, requirement, pending.frame);
      if (answer === "maybe") continue;
      this.decide(
        answer === "yes",
        "requirement-is-enforced",
        requirement.pointer,
        `the error ${requirement.else}`,
        message.name,
        connection,
      );
    }
    const effect = operation.effects.find((one) => one.kind === "reply" && one.message === message.name);
    if (effect?.kind !== "reply") return;
    for (const [pointer, value] of effect.bindings) {
      if (value.kind !== "message" && value.kind !== "literal" && value.kind !== "sender") continue;
      const wanted = this.value(connection, value, pending.frame);
      if (value.kind === "sender" && wanted === undefined) continue;
      const got = lookup(frame, pointer);
      const same = wanted === got || canonical(wanted) === canonical(got);
      this.decide(
        same,
        "reply-fields-match",
        effect.pointer,
        () => `${shown(wanted)} at ${pointer}`,
        () => shown(got),
        events,
      );
    }
  }

  /** Whether a requirement held when the request was sent, as far as the connection itself shows. */
  protected holds(connection: CheckedConnection, requirement: Requirement, frame: unknown): "yes" | "no" | "maybe" {
    if (requirement.kind === "rate") {
      const limit = this.channel.rateLimits.find(({ name }) => name === requirement.limit);
      if (limit?.scope !== "connection") return "maybe";
      return (connection.spent.get(limit.name) ?? 0) <= rateInForce(limit, connection).burst ? "yes" : "maybe";
    }
    if (requirement.kind !== "relation") return "maybe";
    const [name] = this.tuples(connection, requirement.relation, requirement.where, frame);
    const now: Known = name === undefined ? "maybe" : (connection.relations.get(name) ?? "out");
    // What the server may end by itself is never certain.
    if (now === "maybe" || (now === "in" && this.endedByServer(requirement.relation))) return "maybe";
    // Requests that were sent meanwhile may have changed it.
    return (now === "in") === requirement.present ? "yes" : "no";
  }

  protected endedByServer(relation: string): boolean {
    return this.contract.operations.some(
      ({ action, effects }) =>
        action === "send" && effects.some((effect) => effect.kind === "remove" && effect.relation === relation),
    );
  }

  /** What the request changed is known now. */
  protected settle(connection: CheckedConnection, pending: Pending, message: Message, frame: unknown, isError: boolean): void {
    const { operation } = pending;
    if (operation === undefined) return;
    if (isError && !changesState(operation)) return;
    let alone = true;
    for (const other of connection.waiting) if (other.operation !== undefined && changesState(other.operation)) alone = false;
    for (const effect of operation.effects) {
      if (effect.kind !== "add" && effect.kind !== "remove") continue;
      for (const name of this.tuples(connection, effect.relation, effect.where, pending.frame, frame)) {
        if (!isError && alone && !pending.ambiguous) connection.relations.set(name, effect.kind === "add" ? "in" : "out");
        else if (isError) connection.relations.set(name, "maybe");
      }
    }
    if (!isError) this.move(connection, pending, operation, message, frame);
  }

  /** A reply with a position moves or begins a cursor. */
  protected move(connection: CheckedConnection, pending: Pending, operation: Operation, message: Message, frame: unknown): void {
    for (const stream of this.channel.delivery?.streams ?? []) {
      if (stream.seq === undefined || stream.epoch === undefined) continue;
      const leaves = operation.effects.some(({ kind }) => kind === "remove");
      const enters = operation.effects.some(({ kind }) => kind === "add");
      const deliver = operation.effects.find(
        (effect): effect is Deliver => effect.kind === "deliver" && stream.messages.includes(effect.message),
      );
      if (deliver === undefined) continue;
      const cursor = this.cursor(connection, stream, this.keyOf(deliver, stream, connection, pending.frame));
      if (leaves || enters) Object.assign(cursor, { next: undefined, epoch: undefined, blind: false });
      if (leaves || enters) {
        cursor.gaps.clear();
        cursor.own.clear();
      }
      const seq = stream.replies.includes(message.name) ? lookup(frame, stream.seq) : undefined;
      if (typeof seq === "number" && deliver.sender === "excluded") cursor.own.add(seq);
      if (cursor.own.size > comparedPositions) cursor.own.delete(cursor.own.values().next().value!);
      const replays = operation.effects.some(({ kind }) => kind === "replay");
      const since = operation.effects.find((effect) => effect.kind === "replay");
      const asked = since?.kind === "replay" ? this.value(connection, since.since, pending.frame) : undefined;
      if (enters && typeof seq === "number" && (!replays || asked === undefined))
        Object.assign(cursor, { next: seq + 1, epoch: lookup(frame, stream.epoch), again: -1 });
      else if (enters && typeof seq === "number") cursor.again = seq;
    }
  }
}
