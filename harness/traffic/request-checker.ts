// What the client sends: its messages, limits and rates, and the requests that wait for a reply.
import type { Operation, Stream } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { shown } from "../model/frame.ts";
import { limitInForce, rateInForce } from "../model/outcomes.ts";
import type { CheckedConnection, Known, Pending } from "./checked-connection.ts";

import { type Framed, keyOf } from "./checker-base.ts";
import { OutcomeChecker } from "./outcome-checker.ts";

export abstract class RequestChecker extends OutcomeChecker {
  protected sent(connection: CheckedConnection, event: Framed): void {
    this.messages += 1;
    this.limits(connection, event);
    const { batch } = this.channel;
    if (event.binary) {
      const isDeclared = this.protocol.clientMessages.some(({ format }) => format === "binary");
      this.decide(isDeclared, "client-message-valid", this.channel.pointer, "a text frame", "a binary frame", [event]);
      if (!isDeclared) connection.opaque = true;
    } else if (
      batch !== undefined &&
      Array.isArray(event.frame) &&
      event.frame.length > 0 &&
      this.recogniser.request(event.frame) === undefined
    )
      for (const item of event.frame) this.request(connection, event, item);
    else this.request(connection, event, event.frame);
  }

  protected limits(connection: CheckedConnection, event: Framed): void {
    const limit = this.channel.limits.find(({ kind }) => kind === "message-bytes");
    if (limit === undefined) return;
    const most = limitInForce(limit, connection);
    this.decide(event.bytes <= most, "client-message-bytes", limit.pointer, `at most ${most} bytes`, `${event.bytes} bytes`, [
      event,
    ]);
    if (event.bytes > most) connection.opaque = true;
  }

  protected request(connection: CheckedConnection, event: Framed, frame: unknown): void {
    const message = event.json ? this.recogniser.request(frame) : this.textMessage(this.protocol.clientMessages);
    const wrong = message === undefined ? ["is none of the messages of the client"] : this.wrongWith(message, frame);
    const pointer = message?.pointer ?? this.channel.pointer;
    this.decide(
      wrong.length === 0,
      "client-message-valid",
      pointer,
      () => `${message?.name ?? "a message of the document"}, valid by its schema`,
      () => `${shown(frame)} ${wrong.slice(0, 3).join("; ")}`,
      [event],
    );
    this.heartbeats.message(connection, event, message?.name);
    const malformed = wrong.length > 0;
    const operation = malformed || message === undefined ? undefined : this.protocol.operationOf(message.name);
    const correlation = message?.correlation ?? this.correlation;
    const given = correlation === undefined || !event.json ? undefined : lookup(frame, correlation);
    const id = given === null ? undefined : given;
    const key = id === undefined ? undefined : keyOf(id);
    const before = key === undefined ? undefined : connection.byId.get(key);
    if (operation !== undefined) this.spend(connection, event, operation);
    const promised = malformed
      ? this.contract.errors?.replies.length !== 0 &&
        this.contract.errors?.codes.some(({ when }) => when === (event.json ? "not-in-schema" : "not-json")) === true
      : operation?.reply !== undefined && (operation.replyWhen === "always" || id !== undefined);
    const number = connection.requests++;
    const ambiguous = before !== undefined;
    // biome-ignore format: one object, made once for each message
    const pending: Pending = { id, event, frame, operation, malformed, number, promised, ambiguous, answered: false, overtaken: undefined };
    if (before !== undefined && id !== undefined) {
      before.ambiguous = true;
      if (!before.answered && before.promised && operation?.reply !== undefined)
        this.decide(false, "client-id-unique", operation.pointer, "an id that no unanswered request has", shown(id), [
          before.event,
          event,
        ]);
    } else if (id !== undefined) this.report.decide("client-id-unique");
    connection.ask(pending, key);
    if (operation !== undefined) {
      this.begin(connection, pending, operation);
      this.order.requested(connection, operation, frame, number);
    }
    if (!promised && !malformed) connection.waiting.delete(pending);
  }

  /** Counts against the rate limits of the connection. */
  protected spend(connection: CheckedConnection, event: Framed, operation: Operation): void {
    for (const requirement of operation.requires) {
      if (requirement.kind !== "rate") continue;
      const limit = this.channel.rateLimits.find(({ name }) => name === requirement.limit);
      if (limit === undefined || limit.scope !== "connection") continue;
      const { burst, perSecond } = rateInForce(limit, connection);
      const bucket = connection.buckets.get(limit.name) ?? { left: burst, atMs: event.atMs };
      const left = Math.min(burst, bucket.left + ((event.atMs - bucket.atMs) / 1000) * perSecond) - 1;
      connection.buckets.set(limit.name, { left: Math.max(left, -1), atMs: event.atMs });
      connection.spent.set(limit.name, (connection.spent.get(limit.name) ?? 0) + 1);
      // The network bunches frames: one beyond the bound is no finding.
      this.decide(
        left > -1.5,
        "client-rate",
        limit.pointer,
        `${burst} at once, then ${perSecond} per second`,
        "more",
        connection,
      );
    }
  }

  /** Until the reply comes, what the request changes is not known. */
  protected begin(connection: CheckedConnection, pending: Pending, operation: Operation): void {
    for (const effect of operation.effects) {
      if (effect.kind !== "add" && effect.kind !== "remove") continue;
      for (const name of this.tuples(connection, effect.relation, effect.where, pending.frame)) {
        const now = connection.relations.get(name) ?? "out";
        const then: Known = effect.kind === "add" ? "in" : "out";
        if (now !== then) connection.relations.set(name, "maybe");
      }
    }
    for (const effect of operation.effects)
      if (effect.kind === "deliver" && effect.sender === "excluded") {
        const stream = this.protocol.streamOf(effect.message);
        if (stream?.seq !== undefined)
          this.cursor(connection, stream, this.keyOf(effect, stream, connection, pending.frame)).blind ||= !this.namesPosition(
            operation,
            stream,
          );
      }
  }

  protected namesPosition(operation: Operation, stream: Stream): boolean {
    return operation.reply?.some((name) => stream.replies.includes(name)) ?? false;
  }
}
