// One upgraded connection through the proxy: reads the frames of both directions and applies the transformations of the fault.
import { isUtf8 } from "node:buffer";
import type net from "node:net";
import type { Direction } from "../../client/messages.ts";
import {
  closePayload,
  encodeFrame,
  type Frame,
  FrameDecoder,
  FrameTooLong,
  opcode,
  parseClosePayload,
} from "../../client/wire/frame.ts";
import type { DeathCause, MessageAct, OnControl, OnMessage, Transformation } from "../../conformance/faults/plan.ts";
import { type Delay, DelayedWriter } from "../../testbed/delayed-writer.ts";
import { changesDirection, closeAct, controlAct, keepsHalfOpen, MatchCounter, sendsAs } from "./active-faults.ts";
import { DeathWatch } from "./death-watch.ts";
import { edited, isEdit } from "./edit.ts";
import { isToleratedMessage, repairedBy } from "./frame-defects.ts";
import { copyReceivers, deliveryReceivers, isSender } from "./other-receivers.ts";
import { encode, encodeAs, maskKey, pongFor, textFrame } from "./outgoing-frames.ts";
import { OvertakenMessage } from "./overtaken-message.ts";
import { ReplayFaults } from "./replay-faults.ts";
import { type ConnectionState, createConnectionState, fits, type InterceptedMessage, type Traffic } from "./traffic.ts";

/** What all connections of one proxy share. */
export interface ProxyState {
  readonly transformations: readonly Transformation[];
  readonly traffic: Traffic;
  /** In the order in which they were opened. */
  readonly connections: Set<ProxiedConnection>;
  /** The limit of the contract on a client message, for the defect `too-big`. */
  readonly maxMessageBytes: number;
  readonly delay: (() => Delay) | undefined;
  /** The whole server ends where the fault says that it does so from this. */
  died(cause: DeathCause): void;
}

export class ProxiedConnection {
  readonly who: ConnectionState = createConnectionState();
  readonly #proxy: ProxyState;
  readonly #toClient: DelayedWriter;
  readonly #toServer: DelayedWriter;
  readonly #client: net.Socket;
  readonly #upstream: net.Socket;
  readonly #acts: Record<Direction, readonly OnMessage[]>;
  readonly #turns = new MatchCounter();
  /** Fragments so far of an unfinished message, in each direction. */
  readonly #fragments: Record<Direction, Frame[]> = { fromClient: [], fromServer: [] };
  readonly #overtaken: Record<Direction, OvertakenMessage>;
  readonly #copied = new Set<string>();
  readonly #replay: ReplayFaults;
  /** `server-lost`: the server is gone and the client does not know. `client-lost`: the other way round. */
  readonly #clientDecoder = new FrameDecoder();
  readonly #watch: DeathWatch;
  #state: "open" | "server-lost" | "client-lost" = "open";

  constructor(state: ProxyState, client: net.Socket, upstream: net.Socket) {
    this.#proxy = state;
    this.#watch = new DeathWatch((cause) => state.died(cause));
    this.#upstream = upstream;
    this.#toClient = new DelayedWriter(client, upstream, state.delay?.());
    this.#toServer = new DelayedWriter(upstream, client, state.delay?.());
    const ofDirection = (direction: Direction) =>
      state.transformations.filter(
        (one): one is OnMessage => one.on === "message" && state.traffic.direction(one.match) === direction,
      );
    this.#acts = { fromClient: ofDirection("fromClient"), fromServer: ofDirection("fromServer") };
    this.#client = client;
    this.#replay = new ReplayFaults(state.transformations, state.traffic);
    this.#overtaken = {
      fromClient: new OvertakenMessage((bytes) => this.#toServer.write(bytes)),
      fromServer: new OvertakenMessage((bytes) => this.#toClient.write(bytes)),
    };
  }

  /** Begins to read from both sides. */
  start(): void {
    this.#proxy.connections.add(this);
    this.#ends(this.#client, this.#upstream);
    this.#pump(this.#client, "fromClient");
    this.#pump(this.#upstream, "fromServer");
  }

  /** Sends a message of the server that the server did not send. */
  inject(text: string): void {
    if (this.#state === "open") this.#toClient.write(encodeFrame({ opcode: opcode.text, payload: text }));
  }

  destroy(): void {
    for (const message of Object.values(this.#overtaken)) message.drop();
    this.#toClient.destroy();
    this.#toServer.destroy();
  }

  #pump(socket: net.Socket, direction: Direction): void {
    const decoder = direction === "fromClient" ? this.#clientDecoder : new FrameDecoder();
    // Where nothing changes, bytes pass at once, and frames are only read.
    const raw = !changesDirection(this.#proxy.transformations, direction, this.#proxy.traffic);
    let readable = true;
    socket.on("data", (chunk) => {
      const out = direction === "fromClient" ? this.#toServer : this.#toClient;
      if (raw) this.#passRaw(out, chunk, direction);
      if (!readable) return;
      try {
        for (const frame of decoder.push(chunk)) this.#takeFrame(frame, direction, raw ? undefined : out);
      } catch (error) {
        if (!(error instanceof FrameTooLong)) throw error;
        readable = false;
      }
    });
    socket.resume();
  }

  #passRaw(out: DelayedWriter, chunk: Buffer, direction: Direction): void {
    if (this.#state === "open" || (this.#state === "client-lost" && direction === "fromClient")) out.write(chunk);
  }

  #ends(client: net.Socket, upstream: net.Socket): void {
    client.on("end", () => {
      this.#watch.ended();
      if (keepsHalfOpen(this.#proxy.transformations)) return;
      if (this.#state === "open") this.#toServer.end();
      else this.#toClient.end();
    });
    upstream.on("end", () => {
      if (this.#state === "open") this.#toClient.end();
      else this.#toServer.end();
    });
    client.on("close", (hadError) => {
      if (hadError) this.#watch.reset(this.#clientDecoder.pendingBytes);
      if (keepsHalfOpen(this.#proxy.transformations)) {
        if (this.#state === "open") this.#state = "client-lost";
        return;
      }
      if (hadError) this.#toServer.reset();
      else this.#toServer.end();
      this.#proxy.connections.delete(this);
    });
    upstream.on("close", (hadError) => {
      if (this.#state === "client-lost") this.#proxy.connections.delete(this);
      if (this.#state !== "open") return;
      if (hadError) this.#toClient.reset();
      else this.#toClient.end();
    });
  }

  /** @param out undefined: the frame's bytes have passed already */
  #takeFrame(frame: Frame, direction: Direction, out: DelayedWriter | undefined): void {
    if (direction === "fromClient") this.#watch.frame(frame);
    if (this.#state === "server-lost") {
      if (direction === "fromClient" && frame.opcode === opcode.close) this.#echoClose(frame);
      return;
    }
    if (this.#state === "client-lost") {
      if (direction === "fromServer" && frame.opcode === opcode.ping) this.#toServer.write(pongFor(frame));
      return;
    }
    let current = frame;
    if (direction === "fromClient") {
      const repaired = repairedBy(this.#proxy.transformations, frame, this.#fragments.fromClient.length > 0);
      if (repaired === undefined) return;
      current = repaired;
    }
    if (current.opcode >= 8) this.#takeControl(current, direction, out);
    else this.#takeData(current, direction, out);
  }

  #takeControl(frame: Frame, direction: Direction, out: DelayedWriter | undefined): void {
    if (frame.opcode === opcode.close) {
      this.#takeClose(frame, direction, out);
      return;
    }
    const kind = `${direction === "fromClient" ? "client" : "server"}-${frame.opcode === opcode.ping ? "ping" : "pong"}`;
    const act = controlAct(this.#proxy.transformations, kind as OnControl["frame"]);
    if (act?.do === "drop") {
      if (kind === "server-ping") this.#toServer.write(pongFor(frame));
    } else if (act?.do === "payload") out?.write(encode({ ...frame, payload: Buffer.from(act.payload) }));
    else {
      out?.write(encode(frame));
      if (act?.do === "repeat") out?.write(encode(frame));
    }
  }

  #takeClose(frame: Frame, direction: Direction, out: DelayedWriter | undefined): void {
    this.#overtaken.fromServer.release();
    if (direction === "fromClient") {
      if (keepsHalfOpen(this.#proxy.transformations)) {
        this.#state = "client-lost";
        this.#toClient.write(encode({ ...frame, masked: false }));
        this.#toClient.end();
      } else if (controlAct(this.#proxy.transformations, "client-close")?.do !== "drop") out?.write(encode(frame));
      return;
    }
    const { code, reason } = parseClosePayload(frame.payload);
    const act = closeAct(this.#proxy.transformations, code);
    if (act === undefined) {
      out?.write(encode(frame));
      return;
    }
    if (act.do === "hold") this.#toClient.hold(act.ms);
    if (act.do === "change")
      out?.write(encode({ ...frame, payload: closePayload(act.code, act.code === undefined ? "" : reason) }));
    else if (act.do === "reason") out?.write(encode({ ...frame, payload: closePayload(code, act.reason) }));
    else if (act.do === "hold") out?.write(encode(frame));
    else {
      // The client never sees this close, so the proxy answers it.
      this.#state = "server-lost";
      this.#toServer.write(encodeFrame({ opcode: opcode.close, payload: frame.payload, maskKey }));
      if (act.do === "cut") this.#toClient.end();
    }
  }

  /** Answers the client's close in place of the lost server. */
  #echoClose(close: Frame): void {
    this.#toClient.write(encode({ ...close, masked: false }));
    this.#toClient.end();
  }

  #takeData(frame: Frame, direction: Direction, out: DelayedWriter | undefined): void {
    const fragments = this.#fragments[direction];
    fragments.push({ ...frame, payload: Buffer.from(frame.payload) });
    if (!frame.fin) return;
    const frames = fragments.splice(0);
    const payload = frames.length === 1 ? frames[0]!.payload : Buffer.concat(frames.map((one) => one.payload));
    const whole = frames[0]!;
    if (direction === "fromClient" && isToleratedMessage(whole, payload, this.#proxy)) return;
    if (whole.opcode !== opcode.text || frames.some(({ reserved }) => reserved !== 0) || !isUtf8(payload)) {
      for (const one of frames) out?.write(encode(one));
      return;
    }
    const message = this.#proxy.traffic.read(payload.toString("utf8"), direction, this.who);
    if (direction === "fromClient" && fits(message, { malformed: "any" })) this.#proxy.died("malformed-text");
    this.#takeMessage(message, frames, out);
    if (direction === "fromServer") this.#proxy.traffic.settle(message, this.who);
  }

  #takeMessage(message: InterceptedMessage, frames: readonly Frame[], out: DelayedWriter | undefined): void {
    if (out === undefined) return;
    const { direction } = message;
    let value = message.value;
    let text: string | undefined;
    for (const one of this.#acts[direction]) {
      if (!fits(message, one.match) || !this.#turns.isTurn(one)) continue;
      if (isEdit(one.act)) {
        value = edited(value, one.act);
        text = JSON.stringify(value);
        continue;
      }
      if (this.#act(one.act, message, frames, out)) return;
    }
    const bytes =
      text === undefined ? this.#outgoing(frames, direction) : this.#outgoing([textFrame(frames[0]!, text)], direction);
    const times = direction === "fromServer" ? this.#replay.timesOf(message) : 1;
    for (let sent = 0; sent < times; sent++) this.#send(bytes, direction, out, message.name);
  }

  #send(bytes: Buffer, direction: Direction, out: DelayedWriter, name?: string): void {
    out.write(bytes);
    this.#overtaken[direction].overtakenBy(name);
  }

  /** Applies the act. @returns whether the message ends here */
  #act(act: MessageAct, message: InterceptedMessage, frames: readonly Frame[], out: DelayedWriter): boolean {
    const { direction, cause } = message;
    const bytes = () => this.#outgoing(frames, direction);
    const replace = (text: string) => this.#send(this.#outgoing([textFrame(frames[0]!, text)], direction), direction, out);
    const { composer } = this.#proxy.traffic;
    switch (act.do) {
      case "drop":
        return true;
      case "repeat":
        out.write(bytes());
        return false;
      case "swap-with-next":
        if (this.#overtaken[direction].isWaiting) return false;
        this.#overtaken[direction].hold(bytes(), act.same === true ? message.name : undefined);
        return true;
      case "hold": {
        if (!act.overtaken) out.hold(act.ms);
        else setTimeout(() => this.#state === "open" && out.write(bytes()), act.ms);
        return act.overtaken;
      }
      case "replace":
        replace(act.text);
        return true;
      case "binary":
        this.#send(Buffer.concat(frames.map((one) => encode({ ...one, opcode: one.opcode && opcode.binary }))), direction, out);
        return true;
      case "refuse":
      case "accept": {
        if (cause === undefined) return false;
        const reply = act.do === "refuse" ? composer.refusal(act.errorCode, cause) : composer.success(cause);
        if (reply !== undefined) this.inject(JSON.stringify(reply));
        return true;
      }
      case "repair": {
        const good = this.#proxy.traffic.repaired(message);
        if (good === undefined) return false;
        replace(good);
        return true;
      }
      case "close":
        if (act.after === true) out.write(bytes());
        this.#shut(act.code);
        return true;
      case "copy-to":
        this.#copy(act, message);
        return false;
      case "hide-from-sender":
        return isSender(message, this, this.#proxy.traffic);
      case "deliver":
        this.#deliver(act, message);
        return false;
      default:
        return false;
    }
  }

  /** Ends the connection in place of the server. */
  #shut(code: number | undefined): void {
    this.#state = "server-lost";
    this.#upstream.destroy();
    if (code === undefined) this.#toClient.end();
    else this.#toClient.write(encodeFrame({ opcode: opcode.close, payload: closePayload(code) }));
  }

  #copy(act: Extract<MessageAct, { do: "copy-to" }>, message: InterceptedMessage): void {
    const others = [...this.#proxy.connections].filter((one) => one !== this);
    for (const one of copyReceivers(act, message, others, this.#proxy.traffic)) {
      if (one.#copied.has(message.text)) continue; // several receivers, one copy
      one.#copied.add(message.text);
      one.inject(message.text);
    }
  }

  #deliver(act: Extract<MessageAct, { do: "deliver" }>, message: InterceptedMessage): void {
    const { traffic, connections } = this.#proxy;
    if (message.cause === undefined) return;
    const receivers = deliveryReceivers(act, message, this, [...connections], traffic);
    for (const { value } of traffic.composer.deliveries(message.cause)) {
      for (const one of receivers) one.inject(JSON.stringify(value));
    }
  }

  #outgoing(frames: readonly Frame[], direction: Direction): Buffer {
    return encodeAs(frames, direction === "fromServer" ? sendsAs(this.#proxy.transformations) : undefined);
  }
}
