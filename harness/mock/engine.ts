// The mock's engine: frames of clients in, frames of the server out, as the Contract says. No sockets, and its clock is given.
import type { Channel, Contract, ErrorValue, Operation, Pointer } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { createValidators, type Validators } from "../../spec/schemas.ts";
import { createProtocol, isErrorMessage, type Protocol } from "../model/protocol.ts";
import { createRecogniser, type Recogniser } from "../model/recognise.ts";
import { createPrng } from "../schema/prng.ts";
import type { Checked, CredentialCheck } from "./credential.ts";
import { perform, performEnd } from "./effects.ts";
import { createMessageFactory, type MessageFactory, type Parts } from "./message-factory.ts";
import type { Numbers } from "./numbers.ts";
import { put } from "./place.ts";
import { type Refused, refuse } from "./requirements.ts";
import { type Actor, Relations, Session, type Transport } from "./session.ts";
import { Logs, Once, Rates } from "./stores.ts";
import type { World } from "./world.ts";

export interface EngineOptions {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly numbers: Numbers;
  readonly checkCredential: CredentialCheck;
  readonly seed: number;
  /** The date, in ms since 1970. */
  nowMs(): number;
}

/** Errors of a connection that are remembered. */
const maxErrors = 10_000;

export class Engine implements World {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly protocol: Protocol;
  readonly numbers: Numbers;
  readonly factory: MessageFactory;
  readonly relations = new Relations();
  readonly logs: Logs;
  readonly rates = new Rates();
  readonly once = new Once();
  readonly validators: Validators;
  readonly #recogniser: Recogniser;
  readonly #options: EngineOptions;
  readonly #sessions = new Set<Session>();
  readonly #correlation: Pointer | undefined;
  #count = 0;
  /** Called when a connection's credential is another one. */
  onRenewed: (session: Session) => void = () => undefined;

  constructor(options: EngineOptions) {
    const { contract, channel, numbers, seed } = options;
    this.#options = options;
    this.contract = contract;
    this.channel = channel;
    this.numbers = numbers;
    this.protocol = createProtocol(contract, channel.id);
    this.validators = createValidators(contract);
    this.factory = createMessageFactory(contract, this.validators, createPrng(seed), options.nowMs);
    this.#recogniser = createRecogniser(this.protocol, (name, frame) => this.#isValid(name, frame));
    this.#correlation = this.protocol.clientMessages.find(({ correlation }) => correlation !== undefined)?.correlation;
    this.logs = new Logs(({ messages, epoch }) => {
      const [message] = messages;
      return message === undefined || epoch === undefined ? undefined : (this.factory.fresh(message, epoch) ?? "e1");
    });
  }

  nowMs(): number {
    return this.#options.nowMs();
  }

  openSessions(): readonly Session[] {
    return [...this.#sessions].filter(({ ended }) => !ended);
  }

  checkCredential(credential: string): Checked {
    return this.#options.checkCredential(credential, this.nowMs());
  }

  renew(actor: Actor, credential: unknown): void {
    const checked = typeof credential === "string" ? this.checkCredential(credential) : undefined;
    if (checked?.kind !== "good" || actor.session === undefined) return;
    actor.claims = checked.claims;
    actor.session.expiresAtMs = checked.expiresAtMs;
    this.onRenewed(actor.session);
  }

  /** Begins a connection: the first message goes out. @returns undefined where its claims make no valid first message */
  open(transport: Transport, claims: ReadonlyMap<string, unknown>, expiresAtMs: number): Session | undefined {
    const session = new Session(++this.#count, transport, claims, expiresAtMs);
    const first = this.channel.handshake?.first;
    const parts: Parts = [...this.#attributes(first, claims), ...(first === undefined ? [] : this.numbers.advertised)];
    const frame = first === undefined ? undefined : this.factory.build(first, parts);
    if (first !== undefined && claims.size > 0 && !this.#isValid(first, frame)) return undefined;
    for (const { name, at } of this.contract.state.attributes) session.attributes.set(name, lookup(frame, at));
    this.#sessions.add(session);
    if (first !== undefined) transport.send(JSON.stringify(frame), first);
    return session;
  }

  /** Who makes a request over HTTP. */
  caller(claims: ReadonlyMap<string, unknown>): Map<string, unknown> {
    const known = this.contract.state.attributes.flatMap(({ name, claim }) =>
      claim === undefined ? [] : [[name, claims.get(claim) ?? claims.get("sub")] as const],
    );
    return new Map(known);
  }

  /** How many open connections share the value of an attribute that comes from this claim. */
  connectionsOf(attribute: string, claims: ReadonlyMap<string, unknown>): number {
    const value = this.caller(claims).get(attribute);
    return this.openSessions().filter(({ attributes }) => attributes.get(attribute) === value).length;
  }

  end(session: Session): void {
    if (session.ended) return;
    session.ended = true;
    this.#sessions.delete(session);
    for (const tuple of this.relations.of(session)) performEnd(this, tuple);
    this.relations.forget(session);
  }

  receive(session: Session, text: string): void {
    if (session.ended) return;
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      this.#malformed(session, "not-json", undefined, (reply) => this.#send(session, reply));
      return;
    }
    const { batch } = this.channel;
    if (batch !== undefined && Array.isArray(frame) && this.#recogniser.request(frame) === undefined) {
      this.#batch(session, frame);
      return;
    }
    this.#handle(session, frame, (reply) => this.#send(session, reply));
  }

  #batch(session: Session, items: readonly unknown[]): void {
    const { maxItems = 1_000, error } = this.channel.batch!;
    if (items.length === 0 || items.length > maxItems) {
      if (error !== undefined)
        this.#refuse(session, undefined, { code: error, retryAfterMs: undefined }, undefined, (one) => this.#send(session, one));
      return;
    }
    const replies: Reply[] = [];
    for (const item of items) this.#handle(session, item, (reply) => replies.push(reply));
    if (replies.length > 0) session.transport.send(JSON.stringify(replies.map(({ frame }) => frame)), undefined);
  }

  #handle(session: Session, frame: unknown, answer: (reply: Reply) => void): void {
    const message = this.#recogniser.request(frame);
    if (message === undefined || !this.#isValid(message.name, frame)) {
      const isTagged = message === undefined && this.protocol.tagOf(frame) !== undefined;
      this.#malformed(session, isTagged ? "unknown-type" : "not-in-schema", frame, answer, message?.name);
      return;
    }
    session.seen.add(message.name);
    const operation = this.protocol.operationOf(message.name);
    if (operation === undefined) return;
    const id = message.correlation === undefined ? undefined : lookup(frame, message.correlation);
    const refused = refuse(this, operation.requires, { actor: session, frame });
    if (refused !== undefined) {
      this.#refuse(session, operation, refused, id, answer);
      return;
    }
    const isAnswered = operation.reply !== undefined && (operation.replyWhen === "always" || (id !== undefined && id !== null));
    const done = perform(this, operation, { actor: session, frame }, isAnswered ? this.replyName(operation) : undefined);
    if (done.reply !== undefined) answer({ ...done.reply, frame: this.#withId(done.reply, id) });
    done.finish();
  }

  /** The reply that effects name, else the first that is no error. */
  replyName(operation: Operation): string | undefined {
    const declared = operation.effects.find((effect) => effect.kind === "reply");
    if (declared?.kind === "reply") return declared.message;
    return operation.reply?.find((name) => !isErrorMessage(this.protocol, name));
  }

  /** @param subject the message that it wants to be */
  #malformed(
    session: Session,
    when: "not-json" | "unknown-type" | "not-in-schema",
    frame: unknown,
    answer: (reply: Reply) => void,
    subject?: string,
  ): void {
    const codeFor = (one: string) => this.contract.errors?.codes.find((code) => code.when === one);
    // A document without a code for unknown types rejects them as it does all that fits no schema.
    const code = codeFor(when) ?? (when === "unknown-type" ? codeFor("not-in-schema") : undefined);
    if (code === undefined) return;
    const [error] = subject === undefined ? [] : this.validators.of(subject)(frame);
    const correlation = this.factory.message(subject ?? "")?.correlation ?? this.#correlation;
    const given = correlation === undefined ? undefined : lookup(frame, correlation);
    const id = this.#isUsableId(given) ? given : undefined;
    this.#refuse(
      session,
      undefined,
      { code: code.code, retryAfterMs: undefined },
      id,
      answer,
      error?.pointer ?? (when === "unknown-type" ? this.protocol.tagAt : "") ?? "",
    );
  }

  #refuse(
    session: Session,
    operation: Operation | undefined,
    refused: Refused,
    id: unknown,
    answer: (reply: Reply) => void,
    at?: Pointer,
  ): void {
    const reply = this.errorReply(operation, refused, id, at);
    if (reply !== undefined) answer(reply);
    const close = this.contract.errors?.codes.find(({ code }) => code === refused.code)?.close;
    if (close !== undefined) session.transport.close(close, String(refused.code).slice(0, 120));
    else this.#countError(session, refused.code);
  }

  /** @param at the pointer that says what is wrong; undefined: it says none */
  errorReply(operation: Operation | undefined, { code, retryAfterMs }: Refused, id: unknown, at?: Pointer): Reply | undefined {
    const errors = this.contract.errors;
    const shapes = errors?.replies ?? [];
    const shape = shapes.find(({ message }) => operation?.reply?.includes(message)) ?? shapes[0];
    if (shape === undefined || errors === undefined) return undefined;
    const declared = errors.codes.find((one) => one.code === code);
    const part = (pointer: Pointer | undefined, value: unknown): Parts => (pointer === undefined ? [] : [[pointer, value]]);
    const parts: Parts = [
      ...part(shape.code, code),
      ...part(shape.retryable, declared?.retryable ?? false),
      ...part(shape.retryAfterMs, retryAfterMs),
      ...part(shape.pointer, at),
    ];
    const correlation = this.factory.message(shape.message)?.correlation;
    // An id that no reply can carry is left out.
    for (const more of correlation === undefined
      ? [[]]
      : [part(correlation, id), part(correlation, undefined), part(correlation, null)]) {
      const frame = this.factory.build(shape.message, [...parts, ...more]);
      if (this.#isValid(shape.message, frame)) return { name: shape.message, frame };
    }
    return { name: shape.message, frame: this.factory.build(shape.message, parts) };
  }

  /** Whether some request may carry it. */
  #isUsableId(id: unknown): boolean {
    if (id === undefined || id === null) return false;
    return this.protocol.clientMessages.some(({ name, correlation }) => {
      if (correlation === undefined) return false;
      return this.#isValid(name, this.factory.build(name, [[correlation, id]]));
    });
  }

  #countError(session: Session, code: ErrorValue): void {
    const nowMs = this.nowMs();
    const limits = this.channel.limits.filter((limit) => limit.kind === "errors" && limit.errors.includes(code));
    if (limits.length === 0) return;
    session.errors.push({ code, atMs: nowMs });
    if (session.errors.length > maxErrors) session.errors.shift();
    for (const limit of limits) {
      if (limit.kind !== "errors" || limit.close === undefined) continue;
      const recent = session.errors.filter(
        (one) => limit.errors.includes(one.code as ErrorValue) && one.atMs > nowMs - limit.windowMs,
      );
      if (recent.length > this.numbers.limit(limit)) session.transport.close(limit.close, `over ${limit.name}`);
    }
  }

  #withId({ name, frame }: Reply, id: unknown): unknown {
    const correlation = this.factory.message(name)?.correlation;
    return correlation === undefined || id === undefined ? frame : put(frame, correlation, id);
  }

  #send(session: Session, { name, frame }: Reply): void {
    session.transport.send(JSON.stringify(frame), name);
  }

  #isValid(name: string, frame: unknown): boolean {
    return this.factory.message(name)?.format !== "json" || this.validators.of(name)(frame).length === 0;
  }

  #attributes(first: string | undefined, claims: ReadonlyMap<string, unknown>): Parts {
    if (first === undefined) return [];
    return this.contract.state.attributes.flatMap(({ at, claim, unique }) => {
      const value = claim === undefined ? undefined : (claims.get(claim) ?? claims.get("sub"));
      if (value !== undefined) return [[at, value] as const];
      const fresh = unique ? this.factory.fresh(first, at) : undefined;
      return fresh === undefined ? [] : [[at, fresh] as const];
    });
  }
}

export interface Reply {
  readonly name: string;
  readonly frame: unknown;
}
