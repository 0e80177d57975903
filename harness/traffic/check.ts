// The checker of a history that somebody else caused: takes events one by one, keeps little, and claims only what the history proves.
import type {
  Channel,
  Contract,
  Effect,
  ErrorValue,
  Message,
  Operation,
  Requirement,
  Stream,
  Value,
  Where,
} from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { createValidators, type Validators } from "../../spec/schemas.ts";
import { canonical, shown } from "../model/frame.ts";
import { limitInForce, rateInForce } from "../model/outcomes.ts";
import { createProtocol, errorIn, isErrorMessage, type Protocol } from "../model/protocol.ts";
import { createRecogniser, type Recogniser } from "../model/recognise.ts";
import { CheckReport } from "./check-report.ts";
import { CheckedConnection, type Cursor, type Known, type Pending } from "./checked-connection.ts";
import type { TrafficEvent } from "./history-file.ts";

type Framed = Extract<TrafficEvent, { kind: "send" | "receive" }>;
type Deliver = Extract<Effect, { kind: "deliver" }>;

/** Positions of a log that are compared between observers. */
const comparedPositions = 1_024;
const comparedLogs = 10_000;
/** How soon a return counts as one, and how much earlier than asked it may be. */
const returnMs = 5_000;
const clockSlackMs = 50;

export class TrafficChecker {
  readonly report = new CheckReport();
  readonly #contract: Contract;
  readonly #channel: Channel;
  readonly #protocol: Protocol;
  readonly #validators: Validators;
  readonly #recogniser: Recogniser;
  readonly #connections = new Map<number, CheckedConnection>();
  readonly #ignored = new Set<number>();
  /** Log -> position -> what stands there. */
  readonly #logs = new Map<string, Map<number, string>>();
  /** User -> how its last connection ended. */
  readonly #ended = new Map<string, { readonly code: number; readonly event: TrafficEvent }>();
  /** Messages so far. */
  messages = 0;

  constructor(contract: Contract, channel: Channel) {
    this.#contract = contract;
    this.#channel = channel;
    this.#protocol = createProtocol(contract, channel.id);
    this.#validators = createValidators(contract);
    this.#recogniser = createRecogniser(this.#protocol, (name, frame) => this.#isValid(name, frame));
  }

  take(event: TrafficEvent): void {
    if (event.kind === "refused") {
      this.#refused(event);
      return;
    }
    if (event.kind === "open") {
      this.#open(event);
      return;
    }
    const connection = this.#connections.get(event.connection);
    if (connection === undefined) return;
    connection.remember(event);
    if (event.kind === "send") this.#sent(connection, event);
    else if (event.kind === "receive") this.#received(connection, event);
    else if (event.kind === "hang-up") this.#hangUp(connection, event);
    else if (event.kind === "close") this.#closed(connection, event);
    else if (event.kind === "note" && /^sent /.test(event.text)) connection.opaque = true;
  }

  /** What never came is decided. */
  end(): void {
    for (const connection of this.#connections.values()) this.#conclude(connection);
    this.#connections.clear();
  }

  // --- connections ---

  #open(event: Extract<TrafficEvent, { kind: "open" }>): void {
    if (event.http !== undefined) {
      this.#ignored.add(event.connection);
      return;
    }
    const connection = new CheckedConnection(event.connection, event.user, event);
    this.#connections.set(event.connection, connection);
    const { handshake } = this.#channel;
    if (handshake !== undefined && handshake.subprotocols.length > 0 && event.subprotocol !== "") {
      const isDeclared = handshake.subprotocols.includes(event.subprotocol);
      this.#decide(
        isDeclared,
        "handshake-subprotocol-declared",
        handshake.pointer,
        handshake.subprotocols.join(" or "),
        event.subprotocol,
        [event],
      );
    }
    this.#returned(event);
  }

  /** Whether the user came back as the close code of its last connection says. */
  #returned(event: Extract<TrafficEvent, { kind: "open" }>): void {
    const last = event.user === "" ? undefined : this.#ended.get(event.user);
    if (last === undefined) return;
    this.#ended.delete(event.user);
    const code = this.#channel.closeCodes.find((one) => one.code === last.code);
    if (code === undefined || code.by === "client") return;
    const waitedMs = event.atMs - last.event.atMs;
    const isTooSoon =
      code.reconnect === "stop" ? code.code !== 1000 && waitedMs < returnMs : waitedMs < (code.minDelayMs ?? 0) - clockSlackMs;
    const wanted =
      code.reconnect === "stop" ? `no return after ${code.code}` : `at least ${code.minDelayMs ?? 0} ms after ${code.code}`;
    this.#decide(
      !isTooSoon,
      "client-reconnects-as-told",
      code.pointer,
      wanted,
      `a new connection after ${Math.round(waitedMs)} ms`,
      [last.event, event],
    );
  }

  #refused(event: Extract<TrafficEvent, { kind: "refused" }>): void {
    const { handshake } = this.#channel;
    const statuses = (handshake?.refusals ?? []).flatMap(({ outcome }) => ("http" in outcome ? [outcome.http] : []));
    if (handshake === undefined || statuses.length === 0) return;
    const usual = [400, 401, 403, 404, 426, 429, 500, 502, 503, 504, ...statuses];
    this.#decide(
      usual.includes(event.status),
      "handshake-refusal-declared",
      handshake.pointer,
      statuses.join(" or "),
      `${event.status}`,
      [event],
    );
  }

  #hangUp(connection: CheckedConnection, event: Extract<TrafficEvent, { kind: "hang-up" }>): void {
    connection.hungUp = true;
    const codes = this.#channel.closeCodes.filter(({ by }) => by !== "server");
    if (codes.length === 0 || event.code === 1005 || event.code === 1006 || event.code === 1001) return;
    const pointer = codes[0]!.pointer;
    const wanted = codes.map(({ code }) => code).join(" or ");
    this.#decide(
      codes.some(({ code }) => code === event.code),
      "client-close-code-declared",
      pointer,
      wanted,
      `${event.code}`,
      [event],
    );
  }

  #closed(connection: CheckedConnection, event: Extract<TrafficEvent, { kind: "close" }>): void {
    const codes = this.#channel.closeCodes.filter(({ by }) => by !== "client");
    const isOwn = !connection.hungUp && event.code !== 1005 && event.code !== 1006;
    // What is not a message of the protocol may end a connection by RFC 6455.
    if (isOwn && codes.length > 0 && !connection.opaque) {
      const known = [
        ...codes.map(({ code }) => code),
        ...(this.#contract.errors?.codes ?? []).flatMap(({ close }) => close ?? []),
      ];
      const wanted = codes.map(({ code }) => code).join(", ");
      this.#decide(
        known.includes(event.code) || event.code === 1001,
        "close-code-declared",
        codes[0]!.pointer,
        `one of ${wanted}`,
        `${event.code}`,
        [...connection.recent],
      );
    }
    if (isOwn && connection.user !== "") {
      this.#ended.set(connection.user, { code: event.code, event });
      if (this.#ended.size > comparedLogs) this.#ended.delete(this.#ended.keys().next().value!);
    }
    this.#conclude(connection);
    this.#connections.delete(connection.id);
  }

  /** A fence was answered, and what was asked before it never was. */
  #conclude(connection: CheckedConnection): void {
    if (connection.opaque || connection.overflowed) return;
    for (const pending of connection.waiting) {
      if (pending.overtaken === undefined || pending.ambiguous || pending.answered) continue;
      const { operation } = pending;
      if (pending.malformed) {
        const pointer = this.#contract.errors?.codes[0]?.pointer ?? this.#channel.pointer;
        this.report.fail("malformed-is-rejected", pointer, "an error", "none before the reply to a later fence", [
          pending.event,
          pending.overtaken,
        ]);
      } else if (operation !== undefined)
        this.report.fail(
          "reply-exactly-one",
          operation.pointer,
          `one reply to ${operation.id}`,
          "none before the reply to a later fence",
          [pending.event, pending.overtaken],
        );
    }
  }

  // --- what the client sends ---

  #sent(connection: CheckedConnection, event: Framed): void {
    this.messages += 1;
    this.#limits(connection, event);
    const { batch } = this.#channel;
    if (event.binary) {
      const isDeclared = this.#protocol.clientMessages.some(({ format }) => format === "binary");
      this.#decide(isDeclared, "client-message-valid", this.#channel.pointer, "a text frame", "a binary frame", [event]);
      if (!isDeclared) connection.opaque = true;
    } else if (
      batch !== undefined &&
      Array.isArray(event.frame) &&
      event.frame.length > 0 &&
      this.#recogniser.request(event.frame) === undefined
    )
      for (const item of event.frame) this.#request(connection, event, item);
    else this.#request(connection, event, event.frame);
  }

  #limits(connection: CheckedConnection, event: Framed): void {
    const limit = this.#channel.limits.find(({ kind }) => kind === "message-bytes");
    if (limit === undefined) return;
    const most = limitInForce(limit, connection);
    this.#decide(event.bytes <= most, "client-message-bytes", limit.pointer, `at most ${most} bytes`, `${event.bytes} bytes`, [
      event,
    ]);
    if (event.bytes > most) connection.opaque = true;
  }

  #request(connection: CheckedConnection, event: Framed, frame: unknown): void {
    const message = event.json ? this.#recogniser.request(frame) : this.#textMessage(this.#protocol.clientMessages);
    const wrong = message === undefined ? ["is none of the messages of the client"] : this.#wrongWith(message, frame);
    const pointer = message?.pointer ?? this.#channel.pointer;
    this.#decide(
      wrong.length === 0,
      "client-message-valid",
      pointer,
      `${message?.name ?? "a message of the document"}, valid by its schema`,
      () => `${shown(frame)} ${wrong.slice(0, 3).join("; ")}`,
      [event],
    );
    const malformed = wrong.length > 0;
    const operation = malformed || message === undefined ? undefined : this.#protocol.operationOf(message.name);
    const correlation = message?.correlation ?? this.#correlation;
    const given = correlation === undefined || !event.json ? undefined : lookup(frame, correlation);
    const id = given === null ? undefined : given;
    const key = id === undefined ? undefined : canonical(id);
    const before = key === undefined ? undefined : connection.byId.get(key);
    if (operation !== undefined) this.#spend(connection, event, operation);
    const answersMalformed =
      this.#contract.errors?.replies.length !== 0 &&
      this.#contract.errors?.codes.some(({ when }) => when === "not-in-schema") === true;
    const promised = malformed
      ? answersMalformed
      : operation?.reply !== undefined && (operation.replyWhen === "always" || id !== undefined);
    const pending: Pending = {
      ...{ id, event, frame, operation, malformed, number: connection.requests++, promised },
      ...{ ambiguous: before !== undefined, answered: false, overtaken: undefined },
    };
    if (before !== undefined && id !== undefined) {
      before.ambiguous = true;
      if (!before.answered && before.promised && operation?.reply !== undefined)
        this.#decide(false, "client-id-unique", operation.pointer, "an id that no waiting request has", shown(id), [
          before.event,
          event,
        ]);
    } else if (id !== undefined) this.report.decide("client-id-unique");
    connection.ask(pending, key);
    if (operation !== undefined) this.#begin(connection, pending, operation);
    if (!promised && !malformed) connection.waiting.delete(pending);
  }

  /** Counts against the rate limits of the connection. */
  #spend(connection: CheckedConnection, event: Framed, operation: Operation): void {
    for (const requirement of operation.requires) {
      if (requirement.kind !== "rate") continue;
      const limit = this.#channel.rateLimits.find(({ name }) => name === requirement.limit);
      if (limit === undefined || limit.scope !== "connection") continue;
      const { burst, perSecond } = rateInForce(limit, connection);
      const bucket = connection.buckets.get(limit.name) ?? { left: burst, atMs: event.atMs };
      const left = Math.min(burst, bucket.left + ((event.atMs - bucket.atMs) / 1000) * perSecond) - 1;
      connection.buckets.set(limit.name, { left: Math.max(left, -1), atMs: event.atMs });
      connection.spent.set(limit.name, (connection.spent.get(limit.name) ?? 0) + 1);
      // The network bunches frames: one beyond the bound is no finding.
      this.#decide(left > -1.5, "client-rate", limit.pointer, `${burst} at once, then ${perSecond} per second`, "more", [
        ...connection.recent,
      ]);
    }
  }

  /** Until the reply comes, what the request changes is not known. */
  #begin(connection: CheckedConnection, pending: Pending, operation: Operation): void {
    for (const effect of operation.effects) {
      if (effect.kind !== "add" && effect.kind !== "remove") continue;
      for (const name of this.#tuples(connection, effect.relation, effect.where, pending.frame)) {
        const now = connection.relations.get(name) ?? "out";
        const then: Known = effect.kind === "add" ? "in" : "out";
        if (now !== then) connection.relations.set(name, "maybe");
      }
    }
    for (const effect of operation.effects)
      if (effect.kind === "deliver" && effect.sender === "excluded") {
        const stream = this.#protocol.streamOf(effect.message);
        if (stream?.seq !== undefined)
          this.#cursor(connection, stream, this.#keyOf(effect, stream, connection, pending.frame)).blind ||= !this.#namesPosition(
            operation,
            stream,
          );
      }
  }

  #namesPosition(operation: Operation, stream: Stream): boolean {
    return operation.reply?.some((name) => stream.replies.includes(name)) ?? false;
  }

  // --- what the server sends ---

  #received(connection: CheckedConnection, event: Framed): void {
    this.messages += 1;
    if (connection.hungUp) return;
    if (event.binary) {
      const isDeclared = this.#protocol.serverMessages.some(({ format }) => format === "binary");
      this.#decide(isDeclared, "server-message-valid", this.#channel.pointer, "a text frame", "a binary frame", [event]);
      return;
    }
    const isBatch = this.#channel.batch !== undefined && Array.isArray(event.frame);
    for (const frame of isBatch ? (event.frame as readonly unknown[]) : [event.frame]) this.#frame(connection, event, frame);
  }

  #frame(connection: CheckedConnection, event: Framed, frame: unknown): void {
    const number = connection.received++;
    const tagged = event.json ? this.#recogniser.tagged(frame) : undefined;
    const isEvent =
      tagged !== undefined && !this.#protocol.replies.has(tagged.name) && !isErrorMessage(this.#protocol, tagged.name);
    const ids = isEvent || !event.json ? [] : this.#recogniser.ids(frame);
    const asked = ids.map((id) => connection.byId.get(canonical(id))).find((one) => one !== undefined);
    const recognised = !event.json
      ? { message: this.#textMessage(this.#protocol.serverMessages), both: undefined }
      : asked !== undefined
        ? this.#recogniser.reply(frame, asked.operation)
        : { message: tagged ?? this.#recogniser.event(frame, this.#awaited(connection)), both: undefined };
    const { message } = recognised;
    const wrong = message === undefined ? ["is none of the messages of the server"] : this.#wrongWith(message, frame);
    const pointer = message?.pointer ?? this.#channel.pointer;
    this.#decide(
      wrong.length === 0,
      "server-message-valid",
      pointer,
      `${message?.name ?? "a message of the document"}, valid by its schema`,
      () => `${shown(frame)} ${wrong.slice(0, 3).join("; ")}`,
      [...connection.recent],
    );
    if (message === undefined) return;
    this.#first(connection, event, frame, message, number);
    if (asked !== undefined) this.#answer(connection, event, frame, message, asked, recognised.both);
    else if (ids.length > 0) this.#unasked(connection, event, frame, message);
    else this.#answerInOrder(connection, event, frame, message);
    if (wrong.length === 0) this.#delivery(connection, event, frame, message);
  }

  #first(connection: CheckedConnection, event: Framed, frame: unknown, message: Message, number: number): void {
    const first = this.#channel.handshake?.first;
    if (first === undefined) return;
    const isFirst = message.name === first;
    const pointer = this.#channel.handshake?.pointer ?? message.pointer;
    if (number === 0 || isFirst)
      this.#decide((number === 0) === isFirst, "first-message-once", pointer, `${first} first, and once`, message.name, [
        connection.opened,
        event,
      ]);
    if (!isFirst || connection.hasFirst) return;
    connection.hasFirst = true;
    connection.first = frame;
    for (const { name, at } of this.#contract.state.attributes) connection.attributes.set(name, lookup(frame, at));
  }

  /** Names of the replies to requests without an id that wait. */
  #awaited(connection: CheckedConnection): readonly string[] {
    const names: string[] = [];
    for (const pending of connection.waiting) {
      if (pending.id === undefined) names.push(...(pending.operation?.reply ?? []));
      if (names.length > 20) break;
    }
    return names;
  }

  #answerInOrder(connection: CheckedConnection, event: Framed, frame: unknown, message: Message): void {
    const isError = isErrorMessage(this.#protocol, message.name);
    if (!isError && !this.#protocol.replies.has(message.name)) return;
    for (const pending of connection.waiting) {
      if (isError && pending.malformed) {
        // An error without an id answers the oldest that is malformed.
        this.report.decide("malformed-is-rejected");
        connection.waiting.delete(pending);
        pending.answered = true;
        return;
      }
      if (pending.id !== undefined || pending.operation?.reply?.includes(message.name) !== true) continue;
      this.#answer(connection, event, frame, message, pending, undefined);
      return;
    }
  }

  #unasked(connection: CheckedConnection, event: Framed, frame: unknown, message: Message): void {
    const isReply = this.#protocol.replies.has(message.name) && !this.#protocol.deliveries.has(message.name);
    const isSent = this.#contract.operations.some(({ action, messages }) => action === "send" && messages.includes(message.name));
    // Where every error must have an id, one that no request had stands for none.
    if (!isReply || isSent || isErrorMessage(this.#protocol, message.name) || connection.opaque || connection.overflowed) return;
    this.#decide(false, "unexpected-message", message.pointer, "no reply to what was not asked", shown(frame), [
      ...connection.recent,
    ]);
    void event;
  }

  #answer(
    connection: CheckedConnection,
    event: Framed,
    frame: unknown,
    message: Message,
    pending: Pending,
    both: Message | undefined,
  ): void {
    const { operation } = pending;
    const isError = isErrorMessage(this.#protocol, message.name);
    const events = [pending.event, event];
    connection.waiting.delete(pending);
    if (pending.answered || pending.ambiguous || connection.opaque) {
      // Messages that may come several times for one request are no replies.
      const isReply =
        operation?.reply?.includes(message.name) === true && pending.answered && !pending.ambiguous && !connection.opaque;
      if (isReply)
        this.#decide(false, "reply-exactly-one", operation.pointer, `one reply to ${operation.id}`, "one more", events);
      this.#settle(connection, pending, message, frame, isError);
      pending.answered = true;
      return;
    }
    if (operation?.reply === undefined && !isError) return;
    pending.answered = true;
    if (pending.malformed) {
      if (isError) this.report.decide("malformed-is-rejected");
      this.#settle(connection, pending, message, frame, isError);
      return;
    }
    if (operation === undefined) return;
    this.report.decide("reply-exactly-one");
    this.report.decide("unexpected-message");
    if (pending.overtaken !== undefined) {
      const at = this.#channel.delivery?.pointer ?? operation.pointer;
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
    this.#decide(
      fits,
      "reply-matches-effect",
      operation.pointer,
      (names.length > 0 ? names : (operation.reply ?? [])).join(" or "),
      both === undefined ? message.name : `${message.name} and ${both.name} at once`,
      events,
    );
    if (isError) this.#checkRefusal(connection, pending, operation, errorIn(this.#protocol, message.name, frame), events);
    else if (fits) this.#checkSuccess(connection, pending, operation, message, frame, events);
    this.#settle(connection, pending, message, frame, isError);
    if (!isError && operation === this.#protocol.fence) this.#fenced(connection, pending, event);
  }

  /** All that was asked before the fence has been answered, or never will be. */
  #fenced(connection: CheckedConnection, fence: Pending, event: TrafficEvent): void {
    this.report.decide("fence-in-order");
    for (const pending of connection.waiting) {
      if (pending.number >= fence.number) break;
      if (pending.promised) pending.overtaken ??= event;
    }
  }

  #checkRefusal(
    connection: CheckedConnection,
    { frame }: Pending,
    operation: Operation,
    code: ErrorValue | undefined,
    events: readonly TrafficEvent[],
  ): void {
    const codes = this.#contract.errors?.codes ?? [];
    const declared = codes.filter((one) => one.code === code);
    if (code === undefined || (!operation.effectsKnown && operation.requires.length === 0)) return;
    const general = declared.some(({ when }) => when === "unavailable" || when === "internal");
    const own = operation.requires.filter((one) => (one.kind === "may" ? one.codes : [one.else]).includes(code));
    if (general) return;
    this.#decide(
      own.length > 0,
      "error-by-first-failed-requirement",
      operation.pointer,
      `an error that ${operation.id} may have`,
      `${code}`,
      events,
    );
    if (own.length === 0 || connection.overflowed) return;
    const holds = own.every((one) => this.#holds(connection, one, frame) === "yes");
    this.#decide(
      !holds,
      "allowed-is-not-rejected",
      operation.pointer,
      `success of ${operation.id}: what ${code} stands for holds`,
      `the error ${code}`,
      events,
    );
  }

  #checkSuccess(
    connection: CheckedConnection,
    pending: Pending,
    operation: Operation,
    message: Message,
    frame: unknown,
    events: readonly TrafficEvent[],
  ): void {
    for (const requirement of operation.requires) {
      if (requirement.kind !== "relation" || connection.overflowed) continue;
      const answer = this.#holds(connection, requirement, pending.frame);
      if (answer === "maybe") continue;
      this.#decide(
        answer === "yes",
        "requirement-is-enforced",
        requirement.pointer,
        `the error ${requirement.else}`,
        message.name,
        [...connection.recent],
      );
    }
    const effect = operation.effects.find((one) => one.kind === "reply" && one.message === message.name);
    if (effect?.kind !== "reply") return;
    for (const [pointer, value] of effect.bindings) {
      if (value.kind !== "message" && value.kind !== "literal" && value.kind !== "sender") continue;
      const wanted = this.#value(connection, value, pending.frame);
      if (value.kind === "sender" && wanted === undefined) continue;
      const got = lookup(frame, pointer);
      const same = wanted === got || canonical(wanted) === canonical(got);
      this.#decide(same, "reply-fields-match", effect.pointer, `${shown(wanted)} at ${pointer}`, () => shown(got), events);
    }
  }

  /** Whether a requirement held when the request was sent, as far as the connection itself shows. */
  #holds(connection: CheckedConnection, requirement: Requirement, frame: unknown): "yes" | "no" | "maybe" {
    if (requirement.kind === "rate") {
      const limit = this.#channel.rateLimits.find(({ name }) => name === requirement.limit);
      if (limit?.scope !== "connection") return "maybe";
      return (connection.spent.get(limit.name) ?? 0) <= rateInForce(limit, connection).burst ? "yes" : "maybe";
    }
    if (requirement.kind !== "relation") return "maybe";
    const [name] = this.#tuples(connection, requirement.relation, requirement.where, frame);
    const now: Known = name === undefined ? "maybe" : (connection.relations.get(name) ?? "out");
    // What the server may end by itself is never certain.
    if (now === "maybe" || (now === "in" && this.#endedByServer(requirement.relation))) return "maybe";
    // Requests that were sent meanwhile may have changed it.
    return (now === "in") === requirement.present ? "yes" : "no";
  }

  #endedByServer(relation: string): boolean {
    return this.#contract.operations.some(
      ({ action, effects }) =>
        action === "send" && effects.some((effect) => effect.kind === "remove" && effect.relation === relation),
    );
  }

  /** What the request changed is known now. */
  #settle(connection: CheckedConnection, pending: Pending, message: Message, frame: unknown, isError: boolean): void {
    const { operation } = pending;
    if (operation === undefined) return;
    const alone = ![...connection.waiting].some((other) =>
      other.operation?.effects.some(({ kind }) => kind === "add" || kind === "remove"),
    );
    const before = new Map<string, Known>();
    for (const effect of operation.effects) {
      if (effect.kind !== "add" && effect.kind !== "remove") continue;
      for (const name of this.#tuples(connection, effect.relation, effect.where, pending.frame, frame)) {
        before.set(name, connection.relations.get(name) ?? "out");
        if (!isError && alone && !pending.ambiguous) connection.relations.set(name, effect.kind === "add" ? "in" : "out");
        else if (isError) connection.relations.set(name, "maybe");
      }
    }
    if (!isError) this.#move(connection, pending, operation, message, frame);
  }

  /** A reply with a position moves or begins a cursor. */
  #move(connection: CheckedConnection, pending: Pending, operation: Operation, message: Message, frame: unknown): void {
    for (const stream of this.#channel.delivery?.streams ?? []) {
      if (stream.seq === undefined || stream.epoch === undefined) continue;
      const leaves = operation.effects.some(({ kind }) => kind === "remove");
      const enters = operation.effects.some(({ kind }) => kind === "add");
      const deliver = operation.effects.find(
        (effect): effect is Deliver => effect.kind === "deliver" && stream.messages.includes(effect.message),
      );
      if (deliver === undefined) continue;
      const cursor = this.#cursor(connection, stream, this.#keyOf(deliver, stream, connection, pending.frame));
      if (leaves || enters) Object.assign(cursor, { next: undefined, epoch: undefined, blind: false });
      if (leaves || enters) {
        cursor.seen.clear();
        cursor.own.clear();
      }
      const seq = stream.replies.includes(message.name) ? lookup(frame, stream.seq) : undefined;
      if (typeof seq === "number") cursor.own.add(seq);
      if (cursor.own.size > comparedPositions) cursor.own.delete(cursor.own.values().next().value!);
      const replays = operation.effects.some(({ kind }) => kind === "replay");
      const since = operation.effects.find((effect) => effect.kind === "replay");
      const asked = since?.kind === "replay" ? this.#value(connection, since.since, pending.frame) : undefined;
      if (enters && typeof seq === "number" && (!replays || asked === undefined))
        Object.assign(cursor, { next: seq + 1, epoch: lookup(frame, stream.epoch) });
    }
  }

  // --- deliveries and positions ---

  #delivery(connection: CheckedConnection, event: Framed, frame: unknown, message: Message): void {
    const deliveries = this.#protocol.deliveries.get(message.name);
    if (deliveries === undefined || connection.overflowed || connection.opaque) return;
    const fitting = deliveries.filter(({ fixed }) =>
      fixed.every(([at, value]) => value.kind !== "literal" || canonical(value.value) === canonical(lookup(frame, at))),
    );
    this.#audience(
      connection,
      frame,
      message,
      fitting.map(({ effect }) => effect),
    );
    const stream = this.#protocol.streamOf(message.name);
    if (stream?.seq !== undefined && stream.epoch !== undefined) this.#position(connection, event, frame, message, stream);
  }

  #audience(connection: CheckedConnection, frame: unknown, message: Message, effects: readonly Deliver[]): void {
    const [first] = effects;
    if (first === undefined) return;
    const states = effects.map((effect) => this.#isAddressed(connection, effect, frame));
    if (!states.includes("maybe"))
      this.#decide(
        states.includes("in"),
        "delivered-to-nobody-else",
        first.pointer,
        `no ${message.name}: the connection is not addressed`,
        shown(frame),
        [...connection.recent],
      );
    const own = effects.filter((effect) => this.#isOwn(connection, effect, frame));
    if (own.length === effects.length && own.length > 0) {
      const excluded = own.every(({ sender }) => sender === "excluded");
      // Over HTTP a sender has no connection, and a replay may bring back what an earlier connection caused.
      this.#decide(!excluded, "sender-is-excluded", first.pointer, `no ${message.name} of its own`, shown(frame), [
        ...connection.recent,
      ]);
    }
  }

  /** Whether the frame names this connection as its sender, by an attribute that no other has. */
  #isOwn(connection: CheckedConnection, { bindings }: Deliver, frame: unknown): boolean {
    return [...bindings].some(([at, value]) => {
      if (value.kind !== "sender") return false;
      const isUnique = this.#contract.state.attributes.find(({ name }) => name === value.attribute)?.unique === true;
      const own = connection.attributes.get(value.attribute);
      return isUnique && own !== undefined && lookup(frame, at) === own;
    });
  }

  #isAddressed(connection: CheckedConnection, { to, bindings }: Deliver, frame: unknown): Known {
    if (to.kind !== "relation") return "maybe";
    if (this.#contract.operations.some(({ action, effects }) => action === "send" && effects.some(({ kind }) => kind === "add")))
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

  #position(connection: CheckedConnection, event: Framed, frame: unknown, message: Message, stream: Stream): void {
    const epoch = lookup(frame, stream.epoch!);
    const seq = lookup(frame, stream.seq!);
    if (typeof seq !== "number") return;
    const key = stream.key === undefined ? undefined : lookup(frame, stream.key);
    this.#compare(connection, frame, message, stream, `${stream.name} ${canonical(key)} ${canonical(epoch)}`, seq);
    const cursor = this.#cursor(connection, stream, key);
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
        this.#decide(missing.length === 0, "position-contiguous", pointer, `seq ${next}`, `seq ${seq}`, events);
      if (next !== undefined) this.report.decide("order-total");
      this.report.decide("position-once");
      cursor.next = seq + 1;
    } else if (cursor.seen.has(seq))
      this.#decide(seq <= cursor.again, "position-once", pointer, `seq ${seq} once`, `once more: ${shown(frame)}`, events);
    else if (stream.order === "total" && seq > cursor.again && !this.#mayReplay(connection))
      this.#decide(false, "order-total", pointer, `seq ${next} or later`, `seq ${seq}`, events);
    cursor.seen.add(seq);
    if (cursor.seen.size > comparedPositions) cursor.seen.delete(cursor.seen.values().next().value!);
    void event;
  }

  /** A request that may bring back old events waits, or was answered on this connection. */
  #mayReplay(connection: CheckedConnection): boolean {
    for (const { operation, frame } of connection.byId.values())
      for (const effect of operation?.effects ?? [])
        if (effect.kind === "replay" && this.#value(connection, effect.since, frame) !== undefined) return true;
    return false;
  }

  #compare(connection: CheckedConnection, frame: unknown, message: Message, stream: Stream, log: string, seq: number): void {
    const events = this.#logs.get(log) ?? new Map<number, string>();
    this.#logs.delete(log);
    this.#logs.set(log, events);
    if (this.#logs.size > comparedLogs) this.#logs.delete(this.#logs.keys().next().value!);
    const bound = this.#boundIn(message.name).map((at) => lookup(frame, at));
    const text = `${message.name} ${canonical(bound)}`;
    const before = events.get(seq);
    if (before === undefined) {
      events.set(seq, text);
      if (events.size > comparedPositions) events.delete(events.keys().next().value!);
      return;
    }
    this.#decide(
      before === text,
      "position-consistent-between-observers",
      stream.pointer,
      `at seq ${seq} what others saw there: ${before.slice(0, 200)}`,
      text.slice(0, 200),
      [...connection.recent],
    );
  }

  readonly #bound = new Map<string, readonly string[]>();

  /** Where the document binds values in a message. */
  #boundIn(message: string): readonly string[] {
    let known = this.#bound.get(message);
    if (known === undefined) {
      known = [
        ...new Set((this.#protocol.deliveries.get(message) ?? []).flatMap(({ effect }) => [...effect.bindings.keys()])),
      ].sort();
      this.#bound.set(message, known);
    }
    return known;
  }

  // --- values ---

  #cursor(connection: CheckedConnection, stream: Stream, key: unknown): Cursor {
    const name = `${stream.name} ${canonical(key)}`;
    let cursor = connection.cursors.get(name);
    if (cursor === undefined) {
      cursor = { epoch: undefined, next: undefined, again: -1, own: new Set(), seen: new Set(), blind: false };
      connection.cursors.set(name, cursor);
    }
    return cursor;
  }

  #keyOf(effect: Deliver, stream: Stream, connection: CheckedConnection, frame: unknown): unknown {
    const value = stream.key === undefined ? undefined : effect.bindings.get(stream.key);
    return value === undefined ? undefined : this.#value(connection, value, frame);
  }

  #value(connection: CheckedConnection, value: Value, frame: unknown, reply?: unknown): unknown {
    if (value.kind === "literal") return value.value;
    if (value.kind === "message") return lookup(frame, value.pointer);
    if (value.kind === "sender") return connection.attributes.get(value.attribute);
    return value.kind === "reply" ? lookup(reply, value.pointer) : undefined;
  }

  /** The name of the tuple that `where` means; none where a column is not known. */
  #tuples(connection: CheckedConnection, relation: string, where: Where, frame: unknown, reply?: unknown): readonly string[] {
    const columns = new Map<string, unknown>();
    for (const [column, value] of where) {
      if (column === "connection") continue;
      const known = this.#value(connection, value, frame, reply);
      if (known === undefined) return [];
      columns.set(column, known);
    }
    return [nameOf(relation, columns)];
  }

  get #correlation(): string | undefined {
    return this.#protocol.clientMessages.find(({ correlation }) => correlation !== undefined)?.correlation;
  }

  #textMessage(messages: readonly Message[]): Message | undefined {
    return messages.find(({ format }) => format === "text");
  }

  #wrongWith({ name, format }: Message, frame: unknown): readonly string[] {
    return format === "json"
      ? this.#validators
          .of(name)(frame)
          .map(({ pointer, text }) => `${pointer || "(the whole)"} ${text}`)
      : [];
  }

  #isValid(name: string, frame: unknown): boolean {
    return this.#validators.of(name)(frame).length === 0;
  }

  #decide(
    holds: boolean,
    rule: string,
    pointer: string,
    expected: string,
    actual: string | (() => string),
    events: readonly TrafficEvent[],
  ): void {
    if (holds) this.report.decide(rule);
    else this.report.fail(rule, pointer, expected, typeof actual === "string" ? actual : actual(), events);
  }
}

const nameOf = (relation: string, columns: ReadonlyMap<string, unknown>) =>
  `${relation} ${canonical(Object.fromEntries(columns))}`;
