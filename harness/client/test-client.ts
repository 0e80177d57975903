// One client connection to the target: sends what a rule wants, legal or not, and waits for what it expects.
import type { Operation } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { NotTestable, TargetLost, Violation } from "../schema/errors.ts";
import { equalJson, parseJson } from "../schema/json.ts";
import type { ClientOwner } from "./client-owner.ts";
import { expectDeclared, matcher } from "./expected-reply.ts";
import { describeClosed, describeFrame, describeReceived, describeWanted, shownHex } from "./format.ts";
import { type Beats, createBeats } from "./heartbeat.ts";
import { Inbox } from "./inbox.ts";
import { withValueAt } from "./messages.ts";
import type { Closed, OpenedConnection, RawFrame, Received, SentRequest, User, Wanted, Within } from "./received.ts";
import type { Recorder } from "./recorder.ts";
import { until } from "./until.ts";
import { opcode } from "./wire/frame.ts";
import type { WireSocket } from "./wire/socket.ts";

const hangUpMs = 2_000;

/**
 * One open connection. Methods that wait count as an observation when they return or throw Violation.
 * Every message from the target is checked against its schema as it comes.
 */
export class TestClient {
  readonly connection: number;
  readonly user: User;
  readonly node: number;
  readonly subprotocol: string;
  readonly headers: ReadonlyMap<string, string>;
  /** The handshake's first message, where the contract has one and `dial` waited for it. */
  first: Received | undefined;
  readonly #owner: ClientOwner;
  readonly #socket: WireSocket;
  readonly #inbox: Inbox;
  readonly #beats: Beats | undefined;
  #pings = 0;

  constructor(owner: ClientOwner, socket: WireSocket, opened: OpenedConnection) {
    this.#owner = owner;
    this.#socket = socket;
    this.#inbox = new Inbox(owner, opened.connection);
    this.connection = opened.connection;
    this.user = opened.user;
    this.node = opened.node;
    this.subprotocol = opened.subprotocol;
    this.headers = opened.headers;
    const { connection, subprotocol } = opened;
    this.#record({ kind: "open", connection, node: String(opened.node), subprotocol, user: opened.user.name });
    this.#inbox.came = ({ name, value }) => {
      const answer = this.answerPings ? owner.run.heartbeat?.answerTo(name, value) : undefined;
      if (answer !== undefined) this.sendText(owner.run.messages.encode(answer));
    };
    this.#beats = createBeats(owner.run.heartbeat, owner.run.messages, owner.id);
    this.#beat();
    this.#inbox.onFlooded = () => socket.destroy();
    socket.listen({ event: (event) => this.#inbox.event(event), ended: (how) => this.#inbox.end(how) });
  }

  /** x-state's connection attributes, read from `first`. */
  get attributes(): ReadonlyMap<string, unknown> {
    return this.#inbox.attributes;
  }

  set attributes(attributes: ReadonlyMap<string, unknown>) {
    this.#inbox.attributes = attributes;
  }

  get closed(): Closed | undefined {
    return this.#inbox.closed;
  }

  /** Whether the harness gave the connection up because the target flooded it. */
  get flooded(): boolean {
    return this.#inbox.flooded !== undefined;
  }

  /** What was illegal about frames that came, in words. */
  get illegalFrames(): readonly string[] {
    return this.#inbox.illegalFrames;
  }

  /** Whether the operation was sent on it as a message. */
  hasSent(operation: Operation): boolean {
    return this.#inbox.asked?.has(operation) === true;
  }

  /** Heartbeats of the target by message that came so far, and its answers to ours. */
  get heartbeats(): readonly Received[] {
    return this.#inbox.heartbeats;
  }

  /** Whether pings of the target are answered, and heartbeats by message sent and answered. Default true. */
  get answerPings(): boolean {
    return this.#socket.answerPings;
  }

  set answerPings(on: boolean) {
    this.#socket.answerPings = on;
  }

  /** Sends a message of the contract. It is validated first: an invalid one is our own bug, so send those with `sendText`. */
  send(message: unknown): void {
    this.sendText(this.#valid(message));
  }

  /** Sends messages of the contract as one array. */
  sendBatch(messages: readonly unknown[]): void {
    this.sendText(`[${messages.map((message) => this.#valid(message)).join()}]`);
  }

  /** @throws Error where our own message is invalid */
  #valid(message: unknown): string {
    const { run } = this.#owner;
    const name = run.messages.nameOf(message, "fromClient");
    const wrong = name === undefined ? ["is no message of the client"] : run.validate(name, message);
    const text = JSON.stringify(message);
    if (wrong.length === 0) return text;
    throw new Error(`our own message ${text} is invalid: it ${wrong.join("; it ")}. Send it with sendText.`);
  }

  /** @returns the request that it is; undefined where it carries no id */
  sendText(text: string): SentRequest | undefined {
    const parsed = parseJson(text);
    const json = "value" in parsed && this.#owner.run.messages.plainName(text, "fromClient") === undefined;
    const frame: unknown = json ? parsed.value : text;
    this.#record({ kind: "send", connection: this.connection, frame, json, bytes: Buffer.byteLength(text) });
    const request = json ? this.#inbox.sent(frame) : undefined;
    this.#socket.sendText(text);
    return request;
  }

  /** Any frame, legal or not, or bytes as they are. A frame without `maskKey` is masked; `maskKey: "none"` leaves it unmasked. */
  sendRaw(frame: RawFrame | Uint8Array): void {
    this.#inbox.asked = undefined;
    const { connection } = this;
    if (frame instanceof Uint8Array) {
      this.#record({ kind: "note", connection, text: `sent ${frame.length} bytes as they are: ${shownHex(frame)}` });
      this.#socket.sendBytes(frame);
      return;
    }
    const { maskKey, ...rest } = frame;
    this.#record({ kind: "note", connection, text: `sent a frame: ${describeFrame(frame)}` });
    this.#socket.sendFrame(typeof maskKey === "number" ? { ...rest, maskKey } : rest, maskKey !== "none");
  }

  /** Sends with a fresh id where the message wants one and has none; the reply to it, a refusal too (see Context.errorCode). */
  async request(message: unknown, within?: Within): Promise<Received> {
    const { messages } = this.#owner.run;
    const name = messages.nameOf(message, "fromClient");
    const correlation = name === undefined ? undefined : messages.message(name).correlation;
    const sent =
      correlation === undefined
        ? message
        : withValueAt(message, correlation, lookup(message, correlation) ?? this.#owner.id(name));
    this.send(sent);
    const position = this.#inbox.replies.latest(sent);
    if (position === undefined) return this.replyTo(sent, within);
    const isIt = Object.assign((one: Received) => this.#inbox.replies.isAt(one, position), {
      describes: position.replies.join(" or "),
    });
    return this.receive(isIt, within);
  }

  /** The reply to a message that was sent as it stands: by its id, or, where it has none, the next of its operation's replies. */
  async replyTo(message: unknown, within?: Within): Promise<Received> {
    const { messages } = this.#owner.run;
    const name = messages.nameOf(message, "fromClient");
    const correlation = name === undefined ? undefined : messages.message(name).correlation;
    const operation = name === undefined ? undefined : messages.operationOf(name);
    if (correlation === undefined) return this.receive(operation?.reply ?? [], within);
    const reply = await this.reply(lookup(message, correlation), within);
    expectDeclared(operation, reply, messages);
    return reply;
  }

  /** The next message that fits and was not taken yet; what came before it stays for later calls. */
  async receive(wanted: Wanted, within?: Within): Promise<Received> {
    return this.#until(describeWanted(wanted), () => this.#inbox.takeFirst(matcher(wanted)), within);
  }

  /** The very next message, which must fit. */
  async receiveNext(wanted: Wanted, within?: Within): Promise<Received> {
    const expected = `${describeWanted(wanted)} next`;
    const next = await this.#until(expected, () => this.#inbox.takeFirst(() => true), within);
    if (!matcher(wanted)(next)) throw new Violation(expected, describeReceived(next));
    return next;
  }

  /** The reply that carries this id. */
  async reply(id: unknown, within?: Within): Promise<Received> {
    return this.receive(
      Object.assign((one: Received) => this.#answers(one, id), { describes: `a reply to ${JSON.stringify(id)}` }),
      within,
    );
  }

  /**
   * Waits until the target has dealt with all that was sent before, by the contract's fence operation; where there is none, by a
   * silence of `quietMs`. Returns the messages that came and were not taken yet, in order, without taking them.
   */
  async fence(within?: Within): Promise<readonly Received[]> {
    const { run } = this.#owner;
    if (!run.fenceWorks())
      throw new TargetLost("The target answered no fence on any connection, so that nothing could be proven absent.");
    await this.#owner.logIn?.(this.connection);
    await run.fence(this, this.#owner, within);
    return [...this.#inbox.messages];
  }

  /** Fences, then demands that every message was taken (except those that `ignore` lets through). */
  async nothingElse(ignore: (received: Received) => boolean = () => false): Promise<void> {
    const left = (await this.fence()).find((received) => !ignore(received));
    if (left !== undefined) throw new Violation("nothing more", describeReceived(left));
  }

  /** Takes all that came so far. */
  takeAll(): readonly Received[] {
    return this.#inbox.takeAll();
  }

  /** Waits for the end of the connection and demands the code (one or several) where one is given. */
  async closes({ code, ...within }: { readonly code?: number | readonly number[] } & Within = {}): Promise<Closed> {
    const codes = code === undefined ? [] : typeof code === "number" ? [code] : code;
    const expected = `close ${codes.join(" or ") || "with any code"}`;
    const closed = await this.#until(expected, () => this.closed, within, true);
    if (codes.length > 0 && !codes.includes(closed.code)) throw new Violation(expected, describeClosed(closed));
    return closed;
  }

  /** Waits until the target has ended TCP, which a server does after its close frame. */
  async endsTcp(within?: Within): Promise<void> {
    await this.#until("the end of the TCP connection", () => (this.#inbox.ended ? true : undefined), within, true);
  }

  /** Sends a WebSocket ping and waits for the pong with the same payload. */
  async ping(payload: Uint8Array | string = `ping-${this.connection}-${this.#pings++}`, within?: Within): Promise<void> {
    const hex = Buffer.from(payload as string).toString("hex");
    this.#socket.sendFrame({ opcode: opcode.ping, payload });
    await this.#until(
      `a WebSocket pong with the payload ${hex || "(empty)"}`,
      () => {
        const at = this.#inbox.pongs.indexOf(hex);
        return at < 0 ? undefined : this.#inbox.pongs.splice(at, 1);
      },
      within,
    );
  }

  /** Stops reading from the socket, so that the target's buffers fill. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes politely and waits for the end, at most 2 s. @param code default 1000; null: a close frame without a code */
  async hangUp(code: number | null = 1000, reason = ""): Promise<void> {
    if (this.#inbox.ended) return;
    if (this.closed === undefined) this.#leave(code ?? 1005);
    this.#socket.resume();
    this.#socket.sendClose(code ?? undefined, reason);
    await this.#inbox.signal.wait(hangUpMs, () => this.#inbox.ended);
    this.#socket.destroy();
  }

  /** Ends the TCP connection at once with a reset, without goodbye. */
  reset(): void {
    if (this.closed === undefined) this.#leave(1006);
    this.#socket.reset();
  }

  /** Ends our sending side of TCP only. */
  endTcp(): void {
    this.#socket.end();
  }

  /**
   * Gives the open connection away, with what came and was not taken, to one who reads its bytes: see WireSocket.takeBytes.
   * For this client it has ended. `closed` tells how it had ended before.
   */
  handOver(): { socket: WireSocket; waiting: readonly Received[]; closed: Closed | undefined; beats: Beats | undefined } {
    const { closed } = this;
    this.#leave(1005);
    this.#owner.run.bounds.closed();
    this.#inbox.ended = true;
    return { socket: this.#socket, waiting: this.takeAll(), closed, beats: this.#beats };
  }

  /** Forgets the TCP connection, whoever reads it. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Sends the client's own heartbeats, where the contract has some, until the connection ends. */
  #beat(): void {
    const own = this.#beats?.own;
    const { messages } = this.#owner.run;
    if (own === undefined) return;
    const timer = setInterval(() => {
      if (this.closed !== undefined || this.#inbox.left || this.#inbox.ended) clearInterval(timer);
      else if (this.answerPings) {
        const text = own.next();
        if (text === undefined) return this.#socket.sendFrame({ opcode: opcode.ping, payload: "" });
        const request = this.sendText(text);
        if (request !== undefined || messages.plainName(text, "fromClient") === undefined)
          this.#inbox.sentHeartbeat(JSON.parse(text), request);
      }
    }, own.everyMs);
    timer.unref();
  }

  #leave(code: number): void {
    this.#inbox.left = true;
    this.#record({ kind: "hang-up", connection: this.connection, code });
  }

  /** What was sent as raw frames is not known as a request: its reply is told by the id alone. */
  #answers({ request, json, value }: Received, id: unknown): boolean {
    if (request !== undefined) return equalJson(request.id, id);
    return json && this.#owner.run.messages.idsIn(value).some((one) => equalJson(one, id));
  }

  /** @param endIsFine whether the end of the connection is no reason to stop */
  #until<T>(expected: string, condition: () => T | undefined, within: Within = {}, endIsFine = false): Promise<T> {
    const { run } = this.#owner;
    return until(condition, {
      expected,
      withinMs: within.withinMs ?? run.timeoutMs,
      clock: run.clock,
      changed: (ms) => this.#inbox.signal.wait(ms),
      ended: () => {
        if (this.#inbox.flooded !== undefined) throw new NotTestable(this.#inbox.flooded);
        return endIsFine || this.closed === undefined ? undefined : describeClosed(this.closed);
      },
      actual: () => {
        if (within.withinMs === undefined) run.pace.missed();
        return this.#inbox.describe();
      },
      assertTargetAlive: () => run.assertTargetAlive(),
      observed: () => this.#owner.observed(),
    });
  }

  #record(event: Parameters<Recorder["record"]>[0]) {
    return this.#owner.run.recorder.record(event);
  }
}
