// One upgraded connection through the proxy: frames both ways, each looked at, and changed where a transformation says so.
import { isUtf8 } from "node:buffer";
import type net from "node:net";
import { lookup } from "../../../spec/pointer.ts";
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
import type { MessageAct, OnClose, OnControl, OnMessage, Transformation } from "../../conformance/faults/plan.ts";
import { type Delay, DelayedWriter } from "../../testbed/delayed-writer.ts";
import { edited, isEdit } from "./edit.ts";
import { repairedFrame } from "./frame-defects.ts";
import { type Acquaintance, createAcquaintance, fits, type Passing, type Traffic } from "./traffic.ts";

/** What all links of one proxy share. */
export interface Crowd {
  readonly transformations: readonly Transformation[];
  readonly traffic: Traffic;
  /** In the order in which they were opened. */
  readonly links: Set<Link>;
  /** Bytes that a message of the client may have, for `too-big`. */
  readonly maxMessageBytes: number;
  readonly delay: (() => Delay) | undefined;
}

/** How long a message that shall be overtaken waits for another one. */
const swapMs = 1_000;
/** Any key does: the target sees a well masked frame. */
const maskKey = 0x1234_5678;

export class Link {
  readonly who: Acquaintance = createAcquaintance();
  readonly #crowd: Crowd;
  readonly #toClient: DelayedWriter;
  readonly #toServer: DelayedWriter;
  readonly #client: net.Socket;
  readonly #upstream: net.Socket;
  readonly #acts: Record<Direction, readonly OnMessage[]>;
  readonly #counts = new Map<Transformation, number>();
  /** Of the fragmented message that has begun, in each direction. */
  readonly #fragments: Record<Direction, Frame[]> = { fromClient: [], fromServer: [] };
  readonly #held: Partial<
    Record<Direction, { readonly bytes: Buffer; readonly until: string | undefined; readonly timer: NodeJS.Timeout }>
  > = {};
  readonly #copied = new Set<string>();
  /** Operations whose replay has begun and whose first message is yet to come. */
  readonly #replaying = new Set<Transformation>();
  /** `server-lost`: the client must not notice, or was told something else. `client-lost`: the server must not notice. */
  #state: "open" | "server-lost" | "client-lost" = "open";

  constructor(crowd: Crowd, client: net.Socket, upstream: net.Socket) {
    this.#crowd = crowd;
    this.#upstream = upstream;
    this.#toClient = new DelayedWriter(client, upstream, crowd.delay?.());
    this.#toServer = new DelayedWriter(upstream, client, crowd.delay?.());
    const ofDirection = (direction: Direction) =>
      crowd.transformations.filter(
        (one): one is OnMessage => one.on === "message" && crowd.traffic.direction(one.match) === direction,
      );
    this.#acts = { fromClient: ofDirection("fromClient"), fromServer: ofDirection("fromServer") };
    this.#client = client;
  }

  /** Begins to read from both sides. */
  start(): void {
    this.#crowd.links.add(this);
    this.#ends(this.#client, this.#upstream);
    this.#pump(this.#client, "fromClient");
    this.#pump(this.#upstream, "fromServer");
  }

  /** Sends a message of the server that the server did not send. */
  inject(text: string): void {
    if (this.#state === "open") this.#toClient.write(encodeFrame({ opcode: opcode.text, payload: text }));
  }

  destroy(): void {
    for (const held of Object.values(this.#held)) clearTimeout(held?.timer);
    this.#toClient.destroy();
    this.#toServer.destroy();
  }

  // --- bytes and ends ---

  #pump(socket: net.Socket, direction: Direction): void {
    const decoder = new FrameDecoder();
    // Where nothing may be changed, bytes go on at once, and whole frames are only looked at.
    const raw = !this.#changes(direction);
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

  #changes(direction: Direction): boolean {
    return this.#crowd.transformations.some((one) => {
      if (one.on === "message") {
        return this.#crowd.traffic.direction(one.match) === direction || (direction === "fromServer" && injects(one.act.do));
      }
      if (one.on === "control")
        return (one.frame === "server-ping" || one.frame === "server-pong") === (direction === "fromServer");
      if (one.on === "frame") return (one.act.do === "send") === (direction === "fromServer");
      if (one.on === "close" || one.on === "replay") return direction === "fromServer";
      return one.on === "end";
    });
  }

  #ends(client: net.Socket, upstream: net.Socket): void {
    client.on("end", () => {
      if (this.#keepsGhosts()) return;
      if (this.#state === "open") this.#toServer.end();
      else this.#toClient.end();
    });
    upstream.on("end", () => {
      if (this.#state === "open") this.#toClient.end();
      else this.#toServer.end();
    });
    client.on("close", (hadError) => {
      if (this.#keepsGhosts()) {
        if (this.#state === "open") this.#state = "client-lost";
        return;
      }
      if (hadError) this.#toServer.reset();
      else this.#toServer.end();
      this.#crowd.links.delete(this);
    });
    upstream.on("close", (hadError) => {
      if (this.#state === "client-lost") this.#crowd.links.delete(this);
      if (this.#state !== "open") return;
      if (hadError) this.#toClient.reset();
      else this.#toClient.end();
    });
  }

  #keepsGhosts(): boolean {
    return this.#crowd.transformations.some(({ on }) => on === "end");
  }

  // --- frames ---

  /** @param out undefined: its bytes have gone on already */
  #takeFrame(frame: Frame, direction: Direction, out: DelayedWriter | undefined): void {
    if (this.#state === "server-lost") {
      if (direction === "fromClient" && frame.opcode === opcode.close) this.#farewell(frame);
      return;
    }
    if (this.#state === "client-lost") {
      if (direction === "fromServer" && frame.opcode === opcode.ping) this.#pongFor(frame);
      return;
    }
    let passing = frame;
    if (direction === "fromClient") {
      const repaired = this.#repaired(frame);
      if (repaired === undefined) return;
      passing = repaired;
    }
    if (passing.opcode >= 8) this.#takeControl(passing, direction, out);
    else this.#takeData(passing, direction, out);
  }

  #repaired(frame: Frame): Frame | undefined {
    let result: Frame | undefined = frame;
    for (const one of this.#crowd.transformations) {
      if (one.on !== "frame" || one.act.do !== "tolerate" || result === undefined) continue;
      result = repairedFrame(result, one.act.defect, this.#fragments.fromClient.length > 0);
    }
    return result;
  }

  #takeControl(frame: Frame, direction: Direction, out: DelayedWriter | undefined): void {
    if (frame.opcode === opcode.close) {
      this.#takeClose(frame, direction, out);
      return;
    }
    const kind = `${direction === "fromClient" ? "client" : "server"}-${frame.opcode === opcode.ping ? "ping" : "pong"}`;
    const act = this.#controlAct(kind as OnControl["frame"]);
    if (act?.do === "drop") {
      if (kind === "server-ping") this.#pongFor(frame);
    } else if (act?.do === "payload") out?.write(encode({ ...frame, payload: Buffer.from(act.payload) }));
    else {
      out?.write(encode(frame));
      if (act?.do === "repeat") out?.write(encode(frame));
    }
  }

  #controlAct(frame: OnControl["frame"]): OnControl["act"] | undefined {
    return this.#crowd.transformations.find((one): one is OnControl => one.on === "control" && one.frame === frame)?.act;
  }

  #takeClose(frame: Frame, direction: Direction, out: DelayedWriter | undefined): void {
    this.#release("fromServer");
    if (direction === "fromClient") {
      if (this.#keepsGhosts()) {
        this.#state = "client-lost";
        this.#toClient.write(encode({ ...frame, masked: false }));
        this.#toClient.end();
      } else if (this.#controlAct("client-close")?.do !== "drop") out?.write(encode(frame));
      return;
    }
    const { code, reason } = parseClosePayload(frame.payload);
    const act = this.#crowd.transformations.find(
      (one): one is OnClose => one.on === "close" && (one.code === undefined || one.code === code),
    )?.act;
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
      // The server shall not wait for an answer that the client cannot give.
      this.#state = "server-lost";
      this.#toServer.write(encodeFrame({ opcode: opcode.close, payload: frame.payload, maskKey }));
      if (act.do === "cut") this.#toClient.end();
    }
  }

  #pongFor(ping: Frame): void {
    this.#toServer.write(encodeFrame({ opcode: opcode.pong, payload: ping.payload, maskKey }));
  }

  /** Answers the client's close in the place of a server that is gone. */
  #farewell(close: Frame): void {
    this.#toClient.write(encode({ ...close, masked: false }));
    this.#toClient.end();
  }

  // --- messages ---

  #takeData(frame: Frame, direction: Direction, out: DelayedWriter | undefined): void {
    const fragments = this.#fragments[direction];
    fragments.push({ ...frame, payload: Buffer.from(frame.payload) });
    if (!frame.fin) return;
    const frames = fragments.splice(0);
    const payload = frames.length === 1 ? frames[0]!.payload : Buffer.concat(frames.map((one) => one.payload));
    const whole = frames[0]!;
    if (direction === "fromClient" && this.#isTolerated(whole, payload)) return;
    if (whole.opcode !== opcode.text || frames.some(({ reserved }) => reserved !== 0) || !isUtf8(payload)) {
      for (const one of frames) out?.write(encode(one));
      return;
    }
    const passing = this.#crowd.traffic.read(payload.toString("utf8"), direction, this.who);
    this.#takeMessage(passing, frames, out);
    if (direction === "fromServer") this.#crowd.traffic.settle(passing, this.who);
  }

  /** A defect that only the whole message shows. */
  #isTolerated(first: Frame, payload: Buffer): boolean {
    return this.#crowd.transformations.some(
      (one) =>
        one.on === "frame" &&
        one.act.do === "tolerate" &&
        ((one.act.defect === "not-utf8" && first.opcode === opcode.text && !isUtf8(payload)) ||
          (one.act.defect === "binary" && first.opcode === opcode.binary) ||
          (one.act.defect === "too-big" && payload.length > this.#crowd.maxMessageBytes)),
    );
  }

  #takeMessage(passing: Passing, frames: readonly Frame[], out: DelayedWriter | undefined): void {
    if (out === undefined) return;
    const { direction } = passing;
    let value = passing.value;
    let text: string | undefined;
    for (const one of this.#acts[direction]) {
      if (!fits(passing, one.match) || !this.#isTurn(one)) continue;
      if (isEdit(one.act)) {
        value = edited(value, one.act);
        text = JSON.stringify(value);
        continue;
      }
      if (this.#act(one.act, passing, frames, out)) return;
    }
    const bytes =
      text === undefined ? this.#outgoing(frames, direction) : this.#outgoing([textFrame(frames[0]!, text)], direction);
    if (!this.#replay(passing, bytes)) return;
    this.#send(bytes, direction, out, passing.name);
  }

  /** Counts, for `everyNth` and `fromNth`. */
  #isTurn(one: OnMessage): boolean {
    const count = (this.#counts.get(one) ?? 0) + 1;
    this.#counts.set(one, count);
    return count % (one.match.everyNth ?? 1) === 0 && count >= (one.match.fromNth ?? 1);
  }

  #send(bytes: Buffer, direction: Direction, out: DelayedWriter, name?: string): void {
    out.write(bytes);
    const held = this.#held[direction];
    if (held?.until === undefined || held.until === name) this.#release(direction);
  }

  /** Lets a message go that waited to be overtaken. */
  #release(direction: Direction): void {
    const held = this.#held[direction];
    if (held === undefined) return;
    clearTimeout(held.timer);
    delete this.#held[direction];
    (direction === "fromClient" ? this.#toServer : this.#toClient).write(held.bytes);
  }

  /** Whether the message is dealt with and shall not go on. */
  #act(act: MessageAct, passing: Passing, frames: readonly Frame[], out: DelayedWriter): boolean {
    const { direction, cause } = passing;
    const bytes = () => this.#outgoing(frames, direction);
    const replace = (text: string) => this.#send(this.#outgoing([textFrame(frames[0]!, text)], direction), direction, out);
    const { composer } = this.#crowd.traffic;
    switch (act.do) {
      case "drop":
        return true;
      case "repeat":
        out.write(bytes());
        return false;
      case "swap-with-next":
        if (this.#held[direction] !== undefined) return false;
        this.#held[direction] = {
          bytes: bytes(),
          until: act.same === true ? passing.name : undefined,
          timer: setTimeout(() => this.#release(direction), swapMs),
        };
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
        const good = this.#crowd.traffic.repaired(passing);
        if (good === undefined) return false;
        replace(good);
        return true;
      }
      case "close":
        if (act.after === true) out.write(bytes());
        this.#shut(act.code);
        return true;
      case "copy-to":
        this.#copy(act, passing);
        return false;
      case "hide-from-sender":
        return this.#crowd.traffic
          .senderIn(passing.name ?? "")
          .some(({ pointer, attribute }) => this.#isAt(passing, pointer, attribute));
      case "deliver":
        this.#deliver(act, passing);
        return false;
      default:
        return false;
    }
  }

  #isAt({ value }: Passing, pointer: string, attribute: string): boolean {
    const own = this.who.attributes.get(attribute);
    return own !== undefined && lookup(value, pointer) === own;
  }

  /** Ends the connection in the place of the server. */
  #shut(code: number | undefined): void {
    this.#state = "server-lost";
    this.#upstream.destroy();
    if (code === undefined) this.#toClient.end();
    else this.#toClient.write(encodeFrame({ opcode: opcode.close, payload: closePayload(code) }));
  }

  // --- to others ---

  #copy(act: Extract<MessageAct, { do: "copy-to" }>, passing: Passing): void {
    const { traffic, links } = this.#crowd;
    const key = traffic.keyOf(passing);
    const others = [...links].filter((one) => one !== this && one.who.attributes.size > 0);
    const operation = act.operation === undefined ? undefined : traffic.operation(act.operation);
    const chosen =
      act.whom === "stranger"
        ? others.filter((one) => key === undefined || !one.who.keys.has(key)).slice(0, 1)
        : act.whom === "sender"
          ? others.filter((one) =>
              traffic.senderIn(passing.name ?? "").some(({ pointer, attribute }) => one.#isAt(passing, pointer, attribute)),
            )
          : others.filter((one) => operation !== undefined && key !== undefined && one.who.keys.get(key) === operation);
    for (const one of chosen) {
      if (one.#copied.has(passing.text)) continue; // several receivers, one copy
      one.#copied.add(passing.text);
      one.inject(passing.text);
    }
  }

  #deliver(act: Extract<MessageAct, { do: "deliver" }>, passing: Passing): void {
    const { traffic, links } = this.#crowd;
    const { cause } = passing;
    if (cause === undefined) return;
    const key = traffic.keyOf({ ...passing, errorCode: undefined });
    if (act.onlyRepeated === true && (key === undefined || this.who.keys.get(key) !== cause.operation)) return;
    const receivers = [...links].filter((one) => one === this || (key !== undefined && one.who.keys.has(key)));
    for (const { value } of traffic.composer.deliveries(cause)) {
      for (const one of receivers) one.inject(JSON.stringify(value));
    }
  }

  /** Whether the message shall go on. */
  #replay(passing: Passing, bytes: Buffer): boolean {
    if (passing.direction !== "fromServer") return true;
    for (const one of this.#crowd.transformations) {
      if (one.on !== "replay") continue;
      if (passing.cause?.operation.id === one.operation && passing.errorCode === undefined) {
        if (this.#crowd.traffic.replays(passing)) this.#replaying.add(one);
      } else if (this.#replaying.has(one) && passing.cause === undefined && this.#crowd.traffic.keyOf(passing) !== undefined) {
        this.#replaying.delete(one);
        if (one.act === "drop-first") return false;
        this.#toClient.write(bytes);
      }
    }
    return true;
  }

  #outgoing(frames: readonly Frame[], direction: Direction): Buffer {
    const as = this.#crowd.transformations.find((one) => one.on === "frame" && one.act.do === "send");
    if (direction === "fromClient" || as?.on !== "frame" || as.act.do !== "send") return Buffer.concat(frames.map(encode));
    const how = as.act.as;
    return Buffer.concat(
      frames.flatMap((frame) => {
        if (how === "masked") return [encode({ ...frame, masked: true })];
        if (how === "reserved-bit") return [encode({ ...frame, reserved: 4 })];
        if (how === "length-not-shortest") return [encode({ ...frame, lengthBits: 64 })];
        const half = Math.floor(frame.payload.length / 2);
        return [
          encode({ ...frame, fin: false, lengthBits: 7, payload: frame.payload.subarray(0, half) }),
          encode({ ...frame, opcode: opcode.continuation, lengthBits: 7, payload: frame.payload.subarray(half) }),
        ];
      }),
    );
  }
}

function injects(act: MessageAct["do"]): boolean {
  return ["refuse", "accept", "copy-to", "deliver", "close"].includes(act);
}

/** The whole message in one frame, masked as the first was. */
function textFrame(first: Frame, text: string): Frame {
  return { ...first, fin: true, opcode: opcode.text, lengthBits: 7, payload: Buffer.from(text) };
}

function encode(frame: Frame): Buffer {
  const { fin, reserved, payload, lengthBits } = frame;
  const shortest = payload.length < 126 ? 7 : payload.length < 65_536 ? 16 : 64;
  return encodeFrame({
    fin,
    reserved,
    opcode: frame.opcode,
    payload,
    lengthBits: Math.max(lengthBits, shortest) as Frame["lengthBits"],
    ...(frame.masked ? { maskKey } : {}),
  });
}
