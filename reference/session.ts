// The protocol of one connection: text frames in, text frames out, one message at a time. Independent of sockets.
import { closeCodes, limits } from "../generated/protocol.gen.ts";
import type { ClientMessage, ErrorCode, ErrorMessage, ServerMessage } from "../generated/types.gen.ts";
import { ConnectionRates } from "./connection-rates.ts";
import { encodeConnected, encodePong, errorPayload } from "./encode-messages.ts";
import {
  type Attached,
  type EphemeralEvent,
  HubUnavailable,
  HubUncertain,
  type LogEvent,
  type Member,
  type Published,
  type Refused,
  type Subscriber,
} from "./hub/hub.ts";
import type { Outbox } from "./outbox.ts";
import { type Malformed, parseFrame } from "./parse-frame.ts";
import { rawMember } from "./raw-member.ts";
import { freshTokenProblem, handshakeBarred, requirementsFor } from "./requirements.ts";
import type { SessionContext, Transport } from "./session-context.ts";
import { SlidingWindowCounter } from "./sliding-window-counter.ts";
import { formatTimestamp } from "./timestamp.ts";
import type { Identity } from "./tokens.ts";

/** Queued messages at which reading pauses. */
const maxQueued = 64;

export class Session implements Subscriber {
  readonly member: Member;
  readonly #context: SessionContext;
  readonly #transport: Transport;
  #identity: Identity;
  // Made when first needed, because most connections are idle.
  #rates: ConnectionRates | undefined;
  #rooms: Set<string> | undefined;
  #malformed: SlidingWindowCounter | undefined;
  #refusals: SlidingWindowCounter | undefined;
  /** Frames that arrived while a message was being handled. */
  #queued: string[] | undefined;
  #isBusy = true;
  #isPaused = false;
  #hasBegun = false;
  #isOver = false;
  /** Resolves when the current message is done; undefined without one. */
  #idle: Promise<void> | undefined;

  constructor(clientId: string, identity: Identity, context: SessionContext, transport: Transport) {
    const { userId, username } = identity;
    this.member = { clientId, userId, username };
    this.#identity = identity;
    this.#context = context;
    this.#transport = transport;
  }

  /** Attaches to the hub and sends `connected`, or closes the connection. */
  begin(): void {
    const barred = handshakeBarred(this.#identity);
    if (barred) {
      this.#close(barred, "this user may not connect");
      return;
    }
    const attached = this.#context.hub.attach(this);
    if (typeof attached === "string") {
      this.#greet(attached);
      this.#next();
    } else {
      this.#idle = attached.then(
        (outcome) => {
          this.#greet(outcome);
          this.#next();
        },
        (error: unknown) => this.#giveUp(error),
      );
    }
  }

  /** The hub cannot attach the connection. */
  #giveUp(error: unknown): void {
    const isUnavailable = error instanceof HubUnavailable;
    if (!isUnavailable) this.#context.observer.failed(error);
    this.#close(isUnavailable ? "TRY_AGAIN_LATER" : "INTERNAL_ERROR", "the server cannot accept connections now");
  }

  #greet(attached: Attached): void {
    if (attached === "too-many") {
      this.#close("TOO_MANY_CONNECTIONS", "close another connection first");
      return;
    }
    if (!this.#isOver)
      this.#transport.send(encodeConnected(this.member, this.#identity, this.#context.config, this.#timestamp()));
    this.#hasBegun = true;
    this.#expire();
    for (const event of this.#early ?? []) this.#transport.sendShared(event);
    this.#early = undefined;
  }

  /** Events that arrived between attaching and `connected`, which must be the first frame. */
  #early: (LogEvent | EphemeralEvent)[] | undefined;

  /** Takes one text frame. Replies are sent in the order of the frames. */
  receive(text: string): void {
    if (this.#isOver) return;
    if (this.#isBusy) {
      this.#queued ??= [];
      const queued = this.#queued;
      queued.push(text);
      if (queued.length > maxQueued && !this.#isPaused) this.#setPaused(true);
      return;
    }
    const pending = this.#handle(text);
    if (pending) this.#idle = pending.then(() => this.#next());
  }

  /** Ends the session: finishes the current message, then detaches from the hub. Never rejects. */
  end(): Promise<void> {
    this.#isOver = true;
    this.#queued = undefined;
    // Never synchronously, because the hub may still be delivering, to others, the event that ended this session.
    return (this.#idle ?? Promise.resolve()).then(() => this.#context.hub.detach(this));
  }

  /** Closes the connection where its token has been revoked since. */
  closeIfRevoked(isRevoked: (identity: Identity) => boolean): void {
    if (isRevoked(this.#identity)) this.#close("UNAUTHENTICATED", "token revoked");
  }

  announceShutdown(reason: string, reconnectWithinMs: number): void {
    if (this.#hasBegun) this.#send("server_shutdown", { reason, reconnectWithinMs });
  }

  // --- Subscriber ---

  get outbox(): Outbox | undefined {
    return this.#transport.outbox;
  }

  onEvent(event: LogEvent): void {
    this.#deliver(event);
  }
  onEphemeral(event: EphemeralEvent): void {
    this.#deliver(event);
  }
  onStateLost(room: string | null): void {
    this.#close("STATE_LOST", room === null ? "broadcasts may be missing" : "events may be missing");
  }
  #deliver(event: LogEvent | EphemeralEvent): void {
    if (this.#hasBegun) this.#transport.sendShared(event);
    else {
      this.#early ??= [];
      this.#early.push(event);
    }
  }

  // --- one message at a time ---

  /** Handles the queued frames. */
  #next(): void {
    this.#isBusy = false;
    this.#idle = undefined;
    while (this.#queued && this.#queued.length > 0 && !this.#isOver) {
      const pending = this.#handle(this.#queued.shift()!);
      if (pending) {
        this.#idle = pending.then(() => this.#next());
        return;
      }
    }
    if (this.#isPaused) this.#setPaused(false);
  }

  #setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#transport.setReading(!isPaused);
  }

  /** @returns undefined when it is done; else a promise that never rejects, and `#isBusy` is true until it resolves */
  #handle(text: string): Promise<void> | undefined {
    const message = parseFrame(text);
    if ("malformed" in message) {
      this.#refuseMalformed(message);
      return undefined;
    }
    this.#context.observer.received(message.type);
    const pending = this.#answer(message, text);
    if (!pending) return undefined;
    this.#isBusy = true;
    return pending.catch((error: unknown) => this.#fail(error, "id" in message ? message.id : undefined));
  }

  #answer(message: ClientMessage, text: string): Promise<void> | undefined {
    const requirements = requirementsFor(message.type);
    const id = "id" in message ? message.id : undefined;
    this.#rates ??= new ConnectionRates(this.#context.config.rates);
    const retryAfterMs = this.#rates.take(requirements.connectionRates, this.#context.clock.monotonicMs());
    if (retryAfterMs !== undefined) {
      this.#refuse("RATE_LIMITED", id, retryAfterMs);
      return undefined;
    }
    const missing = requirements.missingClaim(this.#identity);
    if (missing !== undefined) return this.#refuseSender(missing, id, requirements.isUserRated);
    switch (message.type) {
      case "ping":
        this.#transport.send(encodePong(rawMember(text, "payload")!, message.id, this.#timestamp()));
        return undefined;
      case "typing":
        if (!this.#rooms?.has(message.payload.room)) this.#refuse("NOT_IN_ROOM", undefined);
        else this.#context.hub.typing(this.member, message.payload.room, message.payload.active);
        return undefined;
      case "chat":
        return this.#publish(message.id, message.payload.room, message.payload.content, message.payload.key);
      case "broadcast":
        return this.#publish(message.id, null, message.payload.content, undefined);
      case "direct":
        return this.#direct(message.id, message.payload.to, message.payload.content);
      case "join_room":
        return this.#join(message.id, message.payload.room, message.payload.since);
      case "leave_room":
        return this.#leave(message.id, message.payload.room);
      case "authenticate":
        this.#authenticate(message.id, message.payload.token);
        return undefined;
    }
  }

  #publish(id: string, room: string | null, content: string, key: string | undefined): Promise<void> | undefined {
    const { hub } = this.#context;
    const answer = hub.publish({ room, from: this.member, content, key, needsMembership: room !== null });
    if (answer instanceof Promise) return answer.then((settled) => this.#acknowledge(settled, id));
    this.#acknowledge(answer, id);
    return undefined;
  }

  #acknowledge(answer: Published | Refused, id: string): void {
    if ("refused" in answer) this.#refuseByHub(answer, id);
    else this.#send("ack", { room: answer.room, epoch: answer.epoch, seq: answer.seq }, id);
  }

  /** Consumes the rate although the sender lacks a claim, because the document checks the rate first. */
  async #refuseSender(code: ErrorCode, id: string | undefined, isUserRated: boolean): Promise<void> {
    const refused = isUserRated ? await this.#context.hub.consumeRate(this.member.userId) : undefined;
    if (refused) this.#refuseByHub(refused, id);
    else this.#refuse(code, id);
  }

  async #direct(id: string, to: string, content: string): Promise<void> {
    const answer = await this.#context.hub.direct(this.member, to, content);
    if (answer === "sent") this.#send("ack", {}, id);
    else this.#refuseByHub(answer, id);
  }

  async #join(id: string, room: string, since: { epoch: string; seq: number } | undefined): Promise<void> {
    this.#rooms ??= new Set();
    const rooms = this.#rooms;
    if (!rooms.has(room) && rooms.size >= this.#context.config.limits.roomsPerConnection)
      return this.#refuse("TOO_MANY_ROOMS", id);
    const refused = await this.#context.hub.join(this, room, since, ({ epoch, seq, memberCount, members, recovered }) => {
      rooms.add(room);
      const named = members.map(({ clientId, userId, username }) => ({ clientId, userId, username }));
      const answer = { room, epoch, seq, memberCount, members: named };
      this.#send("joined_room", recovered === undefined ? answer : { ...answer, recovered }, id);
    });
    if (refused) this.#refuseByHub(refused, id);
  }

  #leave(id: string, room: string): Promise<void> {
    return this.#context.hub.leave(this, room, () => {
      this.#rooms?.delete(room);
      this.#send("left_room", { room }, id);
    });
  }

  #authenticate(id: string, token: string): void {
    const identity = this.#context.verifyToken(token);
    const problem = freshTokenProblem(identity, this.member.userId);
    if (typeof identity === "string" || problem !== undefined) this.#refuse(problem ?? "TOKEN_INVALID", id);
    else {
      this.#identity = identity;
      this.#expire();
      const { userId, username } = this.member;
      this.#send("authenticated", { userId, username, expiresAt: new Date(identity.expiresAtMs).toISOString() }, id);
    }
  }

  #expire(): void {
    this.#transport.expireAt(this.#identity.expiresAtMs + this.#context.config.limits.tokenGraceMs);
  }

  // --- refusals ---

  #refuseMalformed({ malformed, why, pointer, id }: Malformed): void {
    this.#context.observer.received("malformed");
    const { malformedPerMinute } = this.#context.config.limits;
    this.#malformed ??= new SlidingWindowCounter(malformedPerMinute, limits.malformedPerMinute.windowMs);
    if (this.#malformed.hit(this.#context.clock.monotonicMs())) {
      this.#close("BAD_REQUEST", "too many malformed frames");
    } else this.#sendError({ code: malformed, message: why, retryable: false, ...(pointer !== undefined && { pointer }) }, id);
  }

  #refuseByHub(refused: Refused, id: string | undefined): void {
    if (refused.refused === "RATE_LIMITED") {
      this.#rates?.giveBack();
      this.#refuse("RATE_LIMITED", id, refused.retryAfterMs);
    } else this.#refuse(refused.refused, id);
  }

  #refuse(code: ErrorCode, id: string | undefined, retryAfterMs?: number): void {
    if (code === "RATE_LIMITED") {
      const { refusalsPerMinute } = this.#context.config.limits;
      this.#refusals ??= new SlidingWindowCounter(refusalsPerMinute, limits.refusalsPerMinute.windowMs);
      if (this.#refusals.hit(this.#context.clock.monotonicMs())) {
        this.#close("RATE_LIMITED", "too many refused messages");
        return;
      }
    }
    this.#sendError(errorPayload(code, retryAfterMs), id);
  }

  #fail(error: unknown, id: string | undefined): void {
    if (error instanceof HubUnavailable) this.#refuse("UNAVAILABLE", id);
    else {
      if (!(error instanceof HubUncertain)) this.#context.observer.failed(error);
      this.#refuse("INTERNAL", id);
    }
  }

  #sendError(payload: ErrorMessage["payload"], id: string | undefined): void {
    this.#context.observer.refused(payload.code);
    this.#send("error", payload, id);
  }

  #send<Type extends ServerMessage["type"]>(
    type: Type,
    payload: Extract<ServerMessage, { type: Type }>["payload"],
    replyTo?: string,
  ): void {
    if (!this.#isOver) this.#transport.send(JSON.stringify({ type, payload, timestamp: this.#timestamp(), replyTo }));
  }

  #close(name: keyof typeof closeCodes, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#transport.close(closeCodes[name].code, reason);
  }

  #timestamp(): string {
    return formatTimestamp(this.#context.clock.dateMs());
  }
}
