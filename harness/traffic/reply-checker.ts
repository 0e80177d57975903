// What the server sends: which message a frame is, and which request it answers.
import type { Message, Operation } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { shown } from "../model/frame.ts";
import { errorIn, isErrorMessage } from "../model/protocol.ts";
import type { CheckedConnection, Pending } from "./checked-connection.ts";
import { type Framed, keyOf } from "./checker-base.ts";
import { RequestChecker } from "./request-checker.ts";
import type { TrafficEvent } from "./traffic-event.ts";

export abstract class ReplyChecker extends RequestChecker {
  protected received(connection: CheckedConnection, event: Framed): void {
    this.messages += 1;
    if (connection.hungUp) return;
    if (event.binary) {
      const isDeclared = this.protocol.serverMessages.some(({ format }) => format === "binary");
      this.decide(isDeclared, "server-message-valid", this.channel.pointer, "a text frame", "a binary frame", [event]);
      return;
    }
    const isBatch = (this.channel.batch !== undefined || this.channel.joinsMessages) && Array.isArray(event.frame);
    for (const frame of isBatch ? (event.frame as readonly unknown[]) : [event.frame]) this.frame(connection, event, frame);
  }

  protected frame(connection: CheckedConnection, event: Framed, frame: unknown): void {
    const number = connection.received++;
    const tagged = event.json ? this.taggedOf(frame) : undefined;
    const isEvent =
      tagged !== undefined && !this.protocol.replies.has(tagged.name) && !isErrorMessage(this.protocol, tagged.name);
    const ids = isEvent || !event.json ? [] : this.recogniser.ids(frame);
    let asked: Pending | undefined;
    for (const id of ids) asked ??= connection.byId.get(keyOf(id));
    const recognised = !event.json
      ? { message: this.textMessage(this.protocol.serverMessages), both: undefined }
      : asked !== undefined
        ? this.recogniser.reply(frame, asked.operation)
        : { message: tagged ?? this.recogniser.event(frame, this.awaited(connection)), both: undefined };
    const { message } = recognised;
    const wrong = message === undefined ? ["is none of the messages of the server"] : this.wrongIn(message, frame);
    const pointer = message?.pointer ?? this.channel.pointer;
    this.decide(
      wrong.length === 0,
      "server-message-valid",
      pointer,
      () => `${message?.name ?? "a message of the document"}, valid by its schema`,
      () => `${shown(frame)} ${wrong.slice(0, 3).join("; ")}`,
      connection,
    );
    this.heartbeats.message(connection, event, message?.name);
    if (message === undefined) return;
    this.first(connection, event, frame, message, number);
    if (asked !== undefined) this.answer(connection, event, frame, message, asked, recognised.both);
    else if (ids.length > 0) this.unasked(connection, event, frame, message);
    else this.answerInOrder(connection, event, frame, message);
    if (wrong.length === 0) this.delivery(connection, frame, message);
  }

  #lastFrame: unknown;
  #lastTagged: Message | undefined;
  #lastMessage: Message | undefined;
  #lastWrong: readonly string[] = [];

  /** Its message by its tag. What goes to many is looked at once. */
  protected taggedOf(frame: unknown): Message | undefined {
    if (frame !== this.#lastFrame || typeof frame !== "object") {
      this.#lastFrame = frame;
      this.#lastMessage = undefined;
      this.#lastTagged = this.recogniser.tagged(frame);
    }
    return this.#lastTagged;
  }

  protected wrongIn(message: Message, frame: unknown): readonly string[] {
    if (frame !== this.#lastFrame || message !== this.#lastMessage) {
      this.#lastWrong = this.wrongWith(message, frame);
      this.#lastMessage = frame === this.#lastFrame ? message : undefined;
    }
    return this.#lastWrong;
  }

  protected first(connection: CheckedConnection, event: Framed, frame: unknown, message: Message, number: number): void {
    const first = this.channel.handshake?.first;
    if (first === undefined) return;
    const isFirst = message.name === first;
    const pointer = this.channel.handshake?.pointer ?? message.pointer;
    if (number === 0 || isFirst)
      this.decide((number === 0) === isFirst, "first-message-once", pointer, `${first} first, and once`, message.name, [
        connection.opened,
        event,
      ]);
    if (!isFirst || connection.hasFirst) return;
    connection.hasFirst = true;
    connection.first = frame;
    for (const { name, at, claim, unique } of this.contract.state.attributes) {
      const value = lookup(frame, at);
      connection.attributes.set(name, value);
      if (connection.user !== "" || claim === undefined || unique || value === undefined) continue;
      connection.user = keyOf(value);
      this.reconnects.opened(connection.user, connection.opened);
    }
  }

  /** Names of the replies to requests without an id that wait. */
  protected awaited(connection: CheckedConnection): readonly string[] {
    const names: string[] = [];
    for (const pending of connection.waiting) {
      if (pending.id === undefined) names.push(...(pending.operation?.reply ?? []));
      if (names.length > 20) break;
    }
    return names;
  }

  protected answerInOrder(connection: CheckedConnection, event: Framed, frame: unknown, message: Message): void {
    const isError = isErrorMessage(this.protocol, message.name);
    if (!isError && !this.protocol.replies.has(message.name)) return;
    for (const pending of connection.waiting) {
      if (isError && pending.malformed) {
        // An error without an id answers the oldest that is malformed.
        this.report.decide("malformed-is-rejected");
        connection.waiting.delete(pending);
        pending.answered = true;
        return;
      }
      if (pending.id !== undefined || pending.operation?.reply?.includes(message.name) !== true) continue;
      this.answer(connection, event, frame, message, pending, undefined);
      return;
    }
  }

  protected unasked(connection: CheckedConnection, event: Framed, frame: unknown, message: Message): void {
    if (isErrorMessage(this.protocol, message.name)) {
      this.answerInOrder(connection, event, frame, message);
      return;
    }
    const isReply = this.protocol.replies.has(message.name) && !this.protocol.deliveries.has(message.name);
    const isSent = this.contract.operations.some(({ action, messages }) => action === "send" && messages.includes(message.name));
    if (!isReply || isSent || connection.opaque || connection.overflowed) return;
    this.decide(false, "unexpected-message", message.pointer, "no unsolicited reply", shown(frame), connection);
  }

  protected answer(
    connection: CheckedConnection,
    event: Framed,
    frame: unknown,
    message: Message,
    pending: Pending,
    both: Message | undefined,
  ): void {
    const { operation } = pending;
    const isError = isErrorMessage(this.protocol, message.name);
    const events = [pending.event, event];
    if (isError) this.limitsKept.rejected(connection, errorIn(this.protocol, message.name, frame), pending.event, event);
    connection.waiting.delete(pending);
    if (pending.answered || pending.ambiguous || connection.opaque) {
      // Messages that may come several times for one request are no replies.
      const isReply =
        operation?.reply?.includes(message.name) === true && pending.answered && !pending.ambiguous && !connection.opaque;
      if (isReply) this.decide(false, "reply-exactly-one", operation.pointer, `one reply to ${operation.id}`, "one more", events);
      this.settle(connection, pending, message, frame, isError);
      pending.answered = true;
      return;
    }
    if (operation?.reply === undefined && !isError) return;
    pending.answered = true;
    if (pending.malformed) {
      if (isError) this.report.decide("malformed-is-rejected");
      this.settle(connection, pending, message, frame, isError);
      return;
    }
    if (operation === undefined) return;
    this.report.decide("reply-exactly-one");
    this.report.decide("unexpected-message");
    if (pending.overtaken !== undefined) {
      const at = this.channel.delivery?.pointer ?? operation.pointer;
      this.report.fail(
        "fence-in-order",
        at,
        `the reply to ${operation.id} before that of the fence`,
        "it came after the reply to a fence that was sent later",
        [...events, pending.overtaken],
      );
    }
    const declared = isError || operation.reply?.includes(message.name) === true;
    const names = operation.effects.flatMap((effect) => (effect.kind === "reply" ? [effect.message] : []));
    const fits = declared && (isError || names.length === 0 || names.includes(message.name)) && both === undefined;
    this.decide(
      fits,
      "reply-matches-effect",
      operation.pointer,
      (names.length > 0 ? names : (operation.reply ?? [])).join(" or "),
      both === undefined ? message.name : `${message.name} and ${both.name} at once`,
      events,
    );
    if (isError) this.checkRefusal(connection, pending, operation, errorIn(this.protocol, message.name, frame), events);
    else if (fits) {
      this.checkSuccess(connection, pending, operation, message, frame, events);
      if (!this.mayRepeat(connection, operation, pending.frame))
        this.limitsKept.accepted(connection, operation, pending.event, event);
    }
    this.settle(connection, pending, message, frame, isError);
    if (!isError && operation === this.protocol.fence) this.fenced(connection, pending, event);
  }

  /** The request has an idempotency key: a repetition may cost nothing. */
  protected mayRepeat(connection: CheckedConnection, { effects }: Operation, frame: unknown): boolean {
    return effects.some((effect) => effect.kind === "once" && this.value(connection, effect.key, frame) !== undefined);
  }

  /** All that was asked before the fence has been answered, or never will be. */
  protected fenced(connection: CheckedConnection, fence: Pending, event: TrafficEvent): void {
    this.report.decide("fence-in-order");
    for (const pending of connection.waiting) {
      if (pending.number >= fence.number) break;
      if (pending.promised) pending.overtaken ??= event;
    }
  }
}
