// One connection to the target: records all that happens on it, judges what comes as it comes, and lets a rule wait for it.
import { lookup } from "../../spec/pointer.ts";
import type { Run } from "../conformance/run-state.ts";
import { TargetLost, Violation } from "../schema/errors.ts";
import { Turns } from "./fifo-reply-matcher.ts";
import { describeClosed, describeFrame, describeReceived, describeWanted, shownHex, shownText } from "./format.ts";
import type { IncidentalViolation } from "./incidental-violation.ts";
import { withValueAt } from "./messages.ts";
import type { Closed, Peer, RawFrame, Received, User, Wanted, Within } from "./peer.ts";
import { opcode } from "./wire/frame.ts";
import type { WireEvent } from "./wire/message-reader.ts";
import type { WireSocket } from "./wire/socket.ts";

/** What a connection needs from the check that it belongs to. */
export interface Owner {
  readonly run: Run;
  /** Counts one observation. */
  observed(): void;
  /** A frame or message of the target breaks a standard or its schema, whatever the check is about. */
  report(violation: IncidentalViolation): void;
  id(): string;
  note(text: string): void;
}

export interface Opened {
  readonly connection: number;
  readonly user: User;
  readonly node: number;
  readonly subprotocol: string;
  readonly headers: ReadonlyMap<string, string>;
}

const hangUpMs = 2_000;

export class Connection implements Peer {
  readonly connection: number;
  readonly user: User;
  readonly node: number;
  readonly subprotocol: string;
  readonly headers: ReadonlyMap<string, string>;
  first: Received | undefined;
  attributes: ReadonlyMap<string, unknown> = new Map();
  closed: Closed | undefined;
  readonly #owner: Owner;
  readonly #socket: WireSocket;
  readonly #waiting = new Set<() => void>();
  readonly #pongs: string[] = [];
  readonly #turns: Turns;
  #inbox: Received[] = [];
  /** We hung up: what still comes is not judged. */
  #left = false;
  #ended = false;
  #pings = 0;

  constructor(owner: Owner, socket: WireSocket, opened: Opened) {
    this.#owner = owner;
    this.#socket = socket;
    this.#turns = new Turns(owner.run.messages, owner.run.validate);
    this.connection = opened.connection;
    this.user = opened.user;
    this.node = opened.node;
    this.subprotocol = opened.subprotocol;
    this.headers = opened.headers;
    const { connection } = this;
    this.#record({
      kind: "open",
      connection,
      node: String(opened.node),
      subprotocol: opened.subprotocol,
      user: opened.user.name,
    });
    socket.listen({ event: (event) => this.#take(event), ended: (how) => this.#end(how) });
  }

  get answerPings(): boolean {
    return this.#socket.answerPings;
  }

  set answerPings(on: boolean) {
    this.#socket.answerPings = on;
  }

  send(message: unknown): void {
    const { run } = this.#owner;
    const name = run.messages.nameOf(message, "fromClient");
    const wrong = name === undefined ? ["is no message of the client"] : run.validate(name, message);
    const text = JSON.stringify(message);
    if (wrong.length > 0)
      throw new Error(`our own message ${text} is invalid: it ${wrong.join("; it ")}. Send it with sendText.`);
    this.sendText(text);
  }

  sendText(text: string): void {
    this.#recordSend(text);
    this.#socket.sendText(text);
  }

  sendRaw(frame: RawFrame | Uint8Array): void {
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

  async request(message: unknown, within?: Within): Promise<Received> {
    const { messages } = this.#owner.run;
    const name = messages.nameOf(message, "fromClient");
    const correlation = name === undefined ? undefined : messages.message(name).correlation;
    const sent =
      correlation === undefined ? message : withValueAt(message, correlation, lookup(message, correlation) ?? this.#owner.id());
    this.send(sent);
    const turn = this.#turns.latest(sent);
    if (turn === undefined) return this.replyTo(sent, within);
    const describes = turn.replies.join(" or ");
    return this.receive(
      Object.assign((one: Received) => this.#turns.isAt(one, turn), { describes }),
      within,
    );
  }

  async replyTo(message: unknown, within?: Within): Promise<Received> {
    const { messages } = this.#owner.run;
    const name = messages.nameOf(message, "fromClient");
    const correlation = name === undefined ? undefined : messages.message(name).correlation;
    return correlation === undefined
      ? this.receive((name === undefined ? undefined : messages.operationOf(name)?.reply) ?? [], within)
      : this.reply(lookup(message, correlation), within);
  }

  async receive(wanted: Wanted, within?: Within): Promise<Received> {
    return this.#until(describeWanted(wanted), () => this.#takeFirst(matcher(wanted)), within);
  }

  async receiveNext(wanted: Wanted, within?: Within): Promise<Received> {
    const expected = `${describeWanted(wanted)} next`;
    const next = await this.#until(expected, () => this.#takeFirst(() => true), within);
    if (!matcher(wanted)(next)) throw new Violation(expected, describeReceived(next));
    return next;
  }

  async reply(id: unknown, within?: Within): Promise<Received> {
    return this.receive(
      Object.assign((one: Received) => this.#answers(one, id), { describes: `a reply to ${JSON.stringify(id)}` }),
      within,
    );
  }

  async fence(within?: Within): Promise<readonly Received[]> {
    const { run } = this.#owner;
    if (!run.fenceWorks())
      throw new TargetLost("The target answered the fence on no connection, so that nothing could be waited out.");
    await run.fence(this, this.#owner, within);
    return [...this.#inbox];
  }

  async nothingElse(ignore: (received: Received) => boolean = () => false): Promise<void> {
    const left = (await this.fence()).find((received) => !ignore(received));
    if (left !== undefined) throw new Violation("nothing more", describeReceived(left));
  }

  takeAll(): readonly Received[] {
    const all = this.#inbox;
    this.#inbox = [];
    return all;
  }

  async closes({ code, ...within }: { readonly code?: number | readonly number[] } & Within = {}): Promise<Closed> {
    const codes = code === undefined ? [] : typeof code === "number" ? [code] : code;
    const expected = `close ${codes.join(" or ") || "with any code"}`;
    const closed = await this.#until(expected, () => this.closed, within, true);
    if (codes.length > 0 && !codes.includes(closed.code)) throw new Violation(expected, describeClosed(closed));
    return closed;
  }

  async endsTcp(within?: Within): Promise<void> {
    await this.#until("the end of the TCP connection", () => (this.#ended ? true : undefined), within, true);
  }

  async ping(payload: Uint8Array | string = `ping-${this.connection}-${this.#pings++}`, within?: Within): Promise<void> {
    const hex = Buffer.from(payload as string).toString("hex");
    this.#socket.sendFrame({ opcode: opcode.ping, payload });
    await this.#until(
      `a WebSocket pong with the payload ${hex || "(empty)"}`,
      () => {
        const at = this.#pongs.indexOf(hex);
        return at < 0 ? undefined : this.#pongs.splice(at, 1);
      },
      within,
    );
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async hangUp(code: number | null = 1000, reason = ""): Promise<void> {
    if (this.#ended) return;
    if (this.closed === undefined) this.#leave(code ?? 1005);
    this.#socket.resume();
    this.#socket.sendClose(code ?? undefined, reason);
    await this.#change(hangUpMs, () => this.#ended);
    this.#socket.destroy();
  }

  reset(): void {
    if (this.closed === undefined) this.#leave(1006);
    this.#socket.reset();
  }

  endTcp(): void {
    this.#socket.end();
  }

  handOver(): { socket: WireSocket; waiting: readonly Received[] } {
    this.#leave(1005);
    this.#ended = true;
    return { socket: this.#socket, waiting: this.takeAll() };
  }

  #leave(code: number): void {
    this.#left = true;
    this.#record({ kind: "hang-up", connection: this.connection, code });
  }

  #answers(received: Received, id: unknown): boolean {
    const correlation = received.name === undefined ? undefined : this.#owner.run.messages.message(received.name).correlation;
    return correlation !== undefined && lookup(received.value, correlation) === id;
  }

  #takeFirst(wanted: (received: Received) => boolean): Received | undefined {
    const at = this.#inbox.findIndex(wanted);
    return at < 0 ? undefined : this.#inbox.splice(at, 1)[0];
  }

  /**
   * Waits until `condition` gives a value. The deadline speaks against the target only while the target is alive.
   * @param endIsFine whether the end of the connection is no reason to stop
   */
  async #until<T>(expected: string, condition: () => T | undefined, within: Within = {}, endIsFine = false): Promise<T> {
    const { run } = this.#owner;
    const withinMs = within.withinMs ?? run.timeoutMs;
    const deadlineMs = run.clock.nowMs() + withinMs;
    for (;;) {
      const value = condition();
      if (value !== undefined) {
        this.#owner.observed();
        return value;
      }
      if (!endIsFine && this.closed !== undefined) {
        await run.expectAlive();
        this.#owner.observed();
        throw new Violation(expected, describeClosed(this.closed));
      }
      const leftMs = deadlineMs - run.clock.nowMs();
      if (leftMs <= 0) {
        await run.expectAlive();
        this.#owner.observed();
        throw new Violation(`${expected} within ${Math.round(withinMs)} ms`, this.#whatCame());
      }
      await this.#change(leftMs);
    }
  }

  #whatCame(): string {
    const kept = this.#inbox.map(({ name, text }) => name ?? shownText(text));
    return kept.length === 0 ? "silence" : `only ${kept.join(", ")}`;
  }

  /** Resolves at the next event of this connection for which `when` holds, or after `ms`. */
  #change(ms: number, when: () => boolean = () => true): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        if (!when()) return;
        stop();
      };
      const stop = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(stop, Math.min(ms, 2 ** 31 - 1));
      this.#waiting.add(done);
    });
  }

  #wake(): void {
    for (const waiting of [...this.#waiting]) waiting();
  }

  #take(event: WireEvent): void {
    if (this.#left && event.kind !== "close") return;
    const { connection } = this;
    const { run } = this.#owner;
    if (event.kind === "text") {
      const read = run.messages.read(event.text, "fromServer");
      const { atMs } = this.#record({ kind: "receive", connection, frame: read.value, json: read.json, bytes: event.bytes });
      const received: Received = { ...read, binary: false, text: event.text, atMs };
      this.#turns.came(received);
      this.#inbox.push(received);
      if (read.wrong.length > 0) this.#reportMismatch(read.name, event.text, read.wrong);
    } else if (event.kind === "binary") {
      const hex = event.payload.toString("hex");
      const message = run.messages.directions.fromServer.find(({ format }) => format === "binary");
      const { atMs } = this.#record({ kind: "receive", connection, frame: hex, json: false, bytes: event.payload.length });
      this.#inbox.push({ name: message?.name, value: hex, json: false, binary: true, text: hex, wrong: [], atMs });
      if (message === undefined)
        this.#reportMismatch(undefined, `a binary frame ${shownHex(event.payload)}`, [
          "is binary, and no message of the document is",
        ]);
    } else if (event.kind === "broken") {
      const { clause, how } = event;
      this.#record({ kind: "note", connection, text: `received ${how}` });
      this.#owner.report({ kind: "frame", pointer: clause, expected: "frames as RFC 6455 has them", actual: how, connection });
    } else if (event.kind === "close") this.#close(event.code, event.reason);
    else {
      if (event.kind === "pong") this.#pongs.push(event.payload.toString("hex"));
      this.#record({ kind: "note", connection, text: `received a WebSocket ${event.kind}` });
    }
    this.#wake();
  }

  #reportMismatch(name: string | undefined, text: string, wrong: readonly string[]): void {
    const pointer = name === undefined ? this.#owner.run.channel.pointer : this.#owner.run.messages.message(name).pointer;
    const expected = name === undefined ? "a message that the document has for this direction" : `${name} as its schema has it`;
    this.#owner.report({
      kind: "message",
      pointer,
      expected,
      actual: `${shownText(text)} which ${wrong.join("; ")}`,
      connection: this.connection,
    });
  }

  #close(code: number, reason: string): void {
    if (this.closed !== undefined) return;
    const { atMs } = this.#record({ kind: "close", connection: this.connection, code, reason });
    this.closed = { code, reason, atMs };
  }

  #end(how: "fin" | "reset"): void {
    this.#close(1006, how === "reset" ? "(the TCP connection was reset)" : "");
    this.#ended = true;
    this.#wake();
  }

  #recordSend(text: string): void {
    let frame: unknown = text;
    let json = true;
    try {
      frame = JSON.parse(text);
    } catch {
      json = false;
    }
    if (json) this.#turns.sent(frame);
    this.#record({ kind: "send", connection: this.connection, frame, json, bytes: Buffer.byteLength(text) });
  }

  #record(event: Parameters<Run["recorder"]["record"]>[0]) {
    return this.#owner.run.recorder.record(event);
  }
}

function matcher(wanted: Wanted): (received: Received) => boolean {
  if (typeof wanted === "function") return wanted;
  const names = typeof wanted === "string" ? [wanted] : wanted;
  return ({ name }) => name !== undefined && names.includes(name);
}
