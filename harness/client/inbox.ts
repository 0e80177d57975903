// What came on one connection: recorded and checked against the contract as it comes, kept until somebody takes it.
import type { Operation } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonicalText, parseJson } from "../schema/json.ts";
import type { ClientOwner } from "./client-owner.ts";
import { type FifoPosition, FifoReplyMatcher } from "./fifo-reply-matcher.ts";
import { shownHex, shownText } from "./format.ts";
import type { Read } from "./messages.ts";
import type { Closed, Received, SentRequest } from "./received.ts";
import { maxUnreadBytes, maxUnreadFrames } from "./traffic-bounds.ts";
import { Signal } from "./until.ts";
import type { WireEvent } from "./wire/message-reader.ts";

export class Inbox {
  /** Notified at each event of the connection. */
  readonly signal = new Signal();
  /** Payloads of pongs in hex digits, in order. */
  readonly pongs: string[] = [];
  /** Tells which reply without an id answers which request. */
  readonly replies: FifoReplyMatcher;
  closed: Closed | undefined;
  /** Called with each message that came. */
  came: (received: Received) => void = () => undefined;
  /** TCP has ended. */
  ended = false;
  /** We hung up: what still comes is not checked. */
  left = false;
  /** Heartbeats of the server by message, which nobody waits for by name. */
  readonly heartbeats: Received[] = [];
  /** x-state's connection attributes, as far as the target has told them. */
  attributes: ReadonlyMap<string, unknown> = new Map();
  /** Operations that were sent; undefined once something was sent that may be anything. */
  asked: Set<Operation> | undefined = new Set();
  /** What was illegal about frames that came, in words. */
  readonly illegalFrames: string[] = [];
  /** Why we gave the connection up: the target sent more on it than is held. */
  flooded: string | undefined;
  /** Called when `flooded` is set. */
  onFlooded: () => void = () => undefined;
  readonly #owner: ClientOwner;
  readonly #connection: number;
  #messages: Received[] = [];
  /** By the canonical text of the id. */
  readonly #requests = new Map<string, SentRequest>();
  readonly #ownHeartbeats: { readonly request: SentRequest | undefined; readonly position: FifoPosition | undefined }[] = [];
  /** Frames that nothing has read: messages, and control frames since the last one that was waited for. */
  #unreadFrames = 0;
  #unreadBytes = 0;

  constructor(owner: ClientOwner, connection: number) {
    this.#owner = owner;
    this.#connection = connection;
    this.replies = new FifoReplyMatcher(owner.run.messages, owner.run.validate);
  }

  get messages(): readonly Received[] {
    return this.#messages;
  }

  takeFirst(wanted: (received: Received) => boolean): Received | undefined {
    const at = this.#messages.findIndex(wanted);
    if (at < 0) return undefined;
    const [taken] = this.#messages.splice(at, 1);
    this.#read(1, taken!.text.length);
    return taken;
  }

  takeAll(): readonly Received[] {
    const all = this.#messages;
    this.#messages = [];
    this.#read(this.#unreadFrames, this.#unreadBytes);
    return all;
  }

  /** What came and was not taken, in words. */
  describe(): string {
    const kept = this.#messages.map(({ name, text }) => name ?? shownText(text));
    return kept.length === 0 ? "silence" : `only ${kept.join(", ")}`;
  }

  event(event: WireEvent): void {
    if (this.left && event.kind !== "close" && event.kind !== "broken") return;
    if (event.kind !== "close" && event.kind !== "broken" && !this.#hasRoom(event)) return;
    if (event.kind === "text") this.#text(event.text, event.bytes);
    else if (event.kind === "binary") this.#binary(event.payload);
    else if (event.kind === "broken") this.#illegalFrame(event.clause, event.how);
    else if (event.kind === "close") this.#close(event.code, event.reason);
    else {
      this.#came(event.payload.length);
      if (event.kind === "pong") this.pongs.push(event.payload.toString("hex"));
      this.#note(`received a WebSocket ${event.kind}`);
    }
    this.signal.notify();
  }

  /** Whether one more frame is held; where not, the connection is given up. */
  #hasRoom(event: Exclude<WireEvent, { kind: "close" | "broken" }>): boolean {
    if (this.flooded !== undefined) return false;
    const bytes = this.#unreadBytes + (event.kind === "text" ? event.bytes : event.payload.length);
    if (this.#unreadFrames < maxUnreadFrames && bytes <= maxUnreadBytes) return true;
    this.flooded = `the target sent over ${this.#unreadFrames < maxUnreadFrames ? `${maxUnreadBytes} bytes` : `${maxUnreadFrames} frames`} on one connection that nothing waited for`;
    this.#note(`given up: ${this.flooded}`);
    this.onFlooded();
    this.signal.notify();
    return false;
  }

  #came(bytes: number): void {
    this.#unreadFrames += 1;
    this.#unreadBytes += bytes;
    this.#owner.run.bounds.came(bytes);
  }

  #read(frames: number, bytes: number): void {
    this.#unreadFrames -= frames;
    this.#unreadBytes -= bytes;
    this.#owner.run.bounds.read(frames, bytes);
  }

  end(how: "fin" | "reset"): void {
    this.#close(1006, how === "reset" ? "(the TCP connection was reset)" : "");
    if (!this.ended) this.#owner.run.bounds.closed();
    this.ended = true;
    this.signal.notify();
  }

  /** Remembers a frame that was sent, so that its reply is told by its id. @returns undefined where it carries none */
  sent(frame: unknown): SentRequest | undefined {
    const { channel, messages, validate, clock } = this.#owner.run;
    if (channel.batch !== undefined && Array.isArray(frame)) {
      for (const item of frame) if (!Array.isArray(item)) this.sent(item);
      return undefined;
    }
    const name = messages.nameOf(frame, "fromClient");
    const { correlation } = (name === undefined ? messages.correlated : messages.message(name)) ?? {};
    const id = correlation === undefined ? undefined : lookup(frame, correlation);
    this.replies.sent(frame);
    const asked = name === undefined ? undefined : messages.operationOf(name);
    this.asked = asked === undefined ? undefined : this.asked?.add(asked);
    this.#owner.run.audiences.sent(asked, frame);
    if (id === undefined || id === null) return undefined;
    const isValid = name !== undefined && validate(name, frame).length === 0;
    const request = { id, operation: isValid ? messages.operationOf(name) : undefined, atMs: clock.nowMs() };
    this.#requests.set(canonicalText(id), request);
    return request;
  }

  /** Remembers the message that was sent last as a heartbeat: its reply is nothing that anybody waits for. */
  sentHeartbeat(message: unknown, request: SentRequest | undefined): void {
    this.#ownHeartbeats.push({ request, position: request === undefined ? this.replies.latest(message) : undefined });
  }

  #text(text: string, bytes: number): void {
    const { recorder, channel, messages } = this.#owner.run;
    const parsed = parseJson(text);
    const json = "value" in parsed && messages.plainName(text, "fromServer") === undefined;
    const value: unknown = json ? parsed.value : text;
    const { atMs } = recorder.record({ kind: "receive", connection: this.#connection, frame: value, json, bytes });
    this.#came(text.length);
    if ((channel.batch !== undefined || channel.joinsMessages) && Array.isArray(value) && value.length > 0) {
      // Only an array that must answer an array is told from messages that come one by one.
      const batch = channel.joinsMessages ? undefined : { size: value.length };
      for (const item of value) this.#message(JSON.stringify(item), item, true, atMs, batch);
    } else this.#message(text, json ? value : undefined, json, atMs);
  }

  #message(text: string, value: unknown, json: boolean, atMs: number, batch?: Received["batch"]): void {
    const { pace, heartbeat, bounds } = this.#owner.run;
    const { read, request } = this.#recognise(text, value, json);
    if (read.name === undefined) bounds.cameUnknown();
    if (request !== undefined) pace.replied(atMs - request.atMs);
    const received: Received = { ...read, binary: false, text, atMs, request, ...(batch === undefined ? {} : { batch }) };
    this.replies.came(received);
    if (read.wrong.length > 0) this.#reportMismatch(read.name, text, read.wrong);
    if (request === undefined) this.#expectMeant(read, text);
    if (this.#isOwnHeartbeat(received) || (request === undefined && heartbeat?.isHeartbeat(read.name) === true))
      this.heartbeats.push(received);
    else this.#messages.push(received);
    this.came(received);
  }

  /** A delivery of which the connection is no part is a finding, whatever is tested on it. */
  #expectMeant({ name, value }: Read, text: string): void {
    const stray = this.#owner.run.audiences.strayOf(name, value, this.asked, this.attributes);
    if (stray === undefined) return;
    this.#owner.report({
      ...{ kind: "stray", pointer: stray.pointer, connection: this.#connection },
      ...{ expected: "deliveries only to the receivers that the document names", actual: `${shownText(text)} on ${stray.why}` },
    });
  }

  #recognise(text: string, value: unknown, json: boolean): { readonly read: Read; readonly request: SentRequest | undefined } {
    const { messages } = this.#owner.run;
    if (!json) return { read: messages.read(text, "fromServer"), request: undefined };
    const [request] = messages.idsIn(value).flatMap((id) => this.#requests.get(canonicalText(id)) ?? []);
    // What answers malformed frames may stand in for their id, and be the id of one of them.
    if (request !== undefined && request.operation === undefined) this.#requests.delete(canonicalText(request.id));
    if (request !== undefined) return { read: messages.readReply(value, request.operation), request };
    return { read: messages.readEvent(value, this.replies.awaited()), request };
  }

  /** Whether it answers a heartbeat that the client sent by itself. */
  #isOwnHeartbeat(received: Received): boolean {
    const at = this.#ownHeartbeats.findIndex(({ request, position }) =>
      request === undefined ? position !== undefined && this.replies.isAt(received, position) : received.request === request,
    );
    return at >= 0 && this.#ownHeartbeats.splice(at, 1).length > 0;
  }

  #binary(payload: Buffer): void {
    const { messages, recorder } = this.#owner.run;
    const hex = payload.toString("hex");
    const message = messages.directions.fromServer.find(({ format }) => format === "binary");
    const { atMs } = recorder.record({
      ...{ kind: "receive", connection: this.#connection },
      ...{ frame: hex, json: false, binary: true, bytes: payload.length },
    });
    this.#came(hex.length);
    this.#messages.push({ name: message?.name, value: hex, json: false, binary: true, text: hex, wrong: [], atMs });
    if (message === undefined)
      this.#reportMismatch(undefined, `a binary frame ${shownHex(payload)}`, ["is binary, and no message of the document is"]);
  }

  #illegalFrame(clause: string, how: string): void {
    this.#note(`received ${how}`);
    this.illegalFrames.push(how);
    const expected = "frames that RFC 6455 allows";
    this.#owner.report({ kind: "frame", pointer: clause, expected, actual: how, connection: this.#connection });
  }

  #reportMismatch(name: string | undefined, text: string, wrong: readonly string[]): void {
    const { channel, messages } = this.#owner.run;
    this.#owner.report({
      kind: "message",
      pointer: name === undefined ? channel.pointer : messages.message(name).pointer,
      expected: name === undefined ? "a message that the document declares for this direction" : `${name}, valid by its schema`,
      actual: `${shownText(text)} which ${wrong.join("; ")}`,
      connection: this.#connection,
    });
  }

  #close(code: number, reason: string): void {
    if (this.closed !== undefined) return;
    const { atMs } = this.#owner.run.recorder.record({ kind: "close", connection: this.#connection, code, reason });
    this.closed = { code, reason, atMs };
  }

  #note(text: string): void {
    this.#owner.run.recorder.record({ kind: "note", connection: this.#connection, text });
  }
}
