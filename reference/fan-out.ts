// Fan-out: each frame is encoded once, each connection gets one write per turn of the event loop, and connections that receive the same
// frames share one buffer. With 200 members in a room, most of a server's time is spent here.
import { Socket } from "node:net";
import { WebSocket } from "ws";
import type { EphemeralEvent, LogEvent } from "./hub/hub.ts";

/** Sends frames to one connection, in the order of the calls. No method throws or waits. */
export interface Outbox {
  /** Sends to this connection only. */
  send(text: string): void;
  /** Sends to this connection only, without waiting for the end of the turn: for the first frame. */
  sendAtOnce(text: string): void;
  /** Sends an event that many connections receive: call it for each in turn, with the same object. */
  sendShared(event: LogEvent | EphemeralEvent): void;
  /** Writes what is batched, without waiting for the end of the turn. */
  flush(): void;
  /** Bytes that are not written to the kernel yet. */
  readonly queuedBytes: number;
}

export interface FanOut {
  /** Frames written to connections so far. */
  readonly delivered: number;
  /** @param onFlush called after each write, to check the queue */
  createOutbox(socket: FlushingWebSocket, tcp: Socket, onFlush: () => void): Outbox;
}

/** The WebSocket class that fan-out needs: batched frames are written before any close frame, also one that ws sends itself. */
export class FlushingWebSocket extends WebSocket {
  outbox: Outbox | undefined;

  override close(code?: number, reason?: string | Buffer): void {
    this.outbox?.flush();
    super.close(code, reason);
  }
}

/** @param mode `batched` falls back to `unbatched` for a connection whose internals are not as expected */
export function createFanOut(mode: "batched" | "unbatched" = "batched"): FanOut {
  const batcher = new WriteBatcher();
  return {
    get delivered() {
      return batcher.delivered;
    },
    createOutbox(socket, tcp, onFlush) {
      if (mode === "unbatched" || !canBatch(socket, tcp)) return new UnbatchedOutbox(batcher, socket, onFlush);
      socket.outbox = new BatchedOutbox(batcher, socket, tcp, onFlush);
      return socket.outbox;
    },
  };
}

/** Our bytes may go between those of ws only where ws writes whole frames synchronously to this socket: that is, without an extension. */
function canBatch(socket: WebSocket, tcp: unknown): boolean {
  const { _socket: used } = socket as unknown as { readonly _socket?: unknown };
  return tcp instanceof Socket && used === tcp && socket.extensions === "";
}

/** Everything that is written at the end of the current turn of the event loop. */
class WriteBatcher {
  delivered = 0;
  #pending: BatchedOutbox[] = [];
  #start = FrameChain.start();
  #lastEvent: LogEvent | EphemeralEvent | undefined;
  #lastFrame: Buffer | undefined;

  /** The empty chain, from which the frames of every connection grow in this turn. */
  get start(): FrameChain {
    return this.#start;
  }

  /** The frame of an event. The hub delivers one event to all subscribers before the next, so caching the latest is enough. */
  frameOf(event: LogEvent | EphemeralEvent): Buffer {
    if (event !== this.#lastEvent) {
      this.#lastEvent = event;
      this.#lastFrame = encodeTextFrame(event.text);
    }
    return this.#lastFrame!;
  }

  /** Flushes the outbox in an immediate, which runs after everything readable now has been handled. */
  flushLater(outbox: BatchedOutbox): void {
    this.#pending.push(outbox);
    if (this.#pending.length > 1) return;
    setImmediate(() => {
      const pending = this.#pending;
      this.#pending = [];
      for (const one of pending) one.flush();
      this.#start = FrameChain.start();
      this.#lastEvent = undefined;
      this.#lastFrame = undefined;
    });
  }
}

/**
 * Frames in the order of sending. The chains of a turn form a tree with one root: connections with the same frames share a chain, whose
 * bytes are concatenated once for all of them.
 */
class FrameChain {
  /** Frames from the root to here. */
  readonly count: number;
  readonly byteLength: number;
  readonly #before: FrameChain | undefined;
  readonly #frame: Buffer;
  /** The latest continuation. Members of a room receive an event one after the other, so most of them share it. */
  #next: FrameChain | undefined;
  #bytes: Buffer | undefined;

  static start(): FrameChain {
    return new FrameChain(undefined, Buffer.alloc(0));
  }

  private constructor(before: FrameChain | undefined, frame: Buffer) {
    this.#before = before;
    this.#frame = frame;
    this.count = before === undefined ? 0 : before.count + 1;
    this.byteLength = (before?.byteLength ?? 0) + frame.length;
  }

  /** This chain with one more frame. */
  append(frame: Buffer): FrameChain {
    if (this.#next !== undefined && this.#next.#frame === frame) return this.#next;
    this.#next = new FrameChain(this, frame);
    return this.#next;
  }

  get bytes(): Buffer {
    if (this.#bytes) return this.#bytes;
    if (this.count === 1) this.#bytes = this.#frame;
    else {
      this.#bytes = Buffer.allocUnsafe(this.byteLength);
      let end = this.byteLength;
      for (let chain: FrameChain | undefined = this; chain; chain = chain.#before) {
        end -= chain.#frame.length;
        this.#bytes.set(chain.#frame, end);
      }
    }
    return this.#bytes;
  }
}

class BatchedOutbox implements Outbox {
  readonly #batcher: WriteBatcher;
  readonly #socket: WebSocket;
  readonly #tcp: Socket;
  readonly #onFlush: () => void;
  #chain: FrameChain | undefined;

  constructor(batcher: WriteBatcher, socket: WebSocket, tcp: Socket, onFlush: () => void) {
    this.#batcher = batcher;
    this.#socket = socket;
    this.#tcp = tcp;
    this.#onFlush = onFlush;
  }

  send(text: string): void {
    this.#add(encodeTextFrame(text));
  }

  sendAtOnce(text: string): void {
    if (this.#chain !== undefined) this.#add(encodeTextFrame(text));
    else this.#write(encodeTextFrame(text), 1);
  }

  sendShared(event: LogEvent | EphemeralEvent): void {
    this.#add(this.#batcher.frameOf(event));
  }

  #add(frame: Buffer): void {
    if (this.#chain === undefined) {
      this.#batcher.flushLater(this);
      this.#chain = this.#batcher.start;
    }
    this.#chain = this.#chain.append(frame);
  }

  flush(): void {
    const chain = this.#chain;
    this.#chain = undefined;
    if (chain !== undefined) this.#write(chain.bytes, chain.count);
  }

  #write(bytes: Buffer, frames: number): void {
    if (this.#socket.readyState !== this.#socket.OPEN || !this.#tcp.writable) return;
    this.#tcp.write(bytes);
    this.#batcher.delivered += frames;
    this.#onFlush();
  }

  get queuedBytes(): number {
    return this.#tcp.writableLength + (this.#chain?.byteLength ?? 0);
  }
}

/** Calls `send` of ws once per frame. */
class UnbatchedOutbox implements Outbox {
  readonly #batcher: WriteBatcher;
  readonly #socket: WebSocket;
  readonly #onFlush: () => void;

  constructor(batcher: WriteBatcher, socket: WebSocket, onFlush: () => void) {
    this.#batcher = batcher;
    this.#socket = socket;
    this.#onFlush = onFlush;
  }

  send(text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(text);
    this.#batcher.delivered += 1;
    this.#onFlush();
  }

  sendAtOnce(text: string): void {
    this.send(text);
  }

  sendShared(event: LogEvent | EphemeralEvent): void {
    this.send(event.text);
  }

  flush(): void {}

  get queuedBytes(): number {
    return this.#socket.bufferedAmount;
  }
}

/** An unmasked text frame of RFC 6455 section 5.2. */
export function encodeTextFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerLength + length);
  frame[0] = 0x81;
  if (headerLength === 2) frame[1] = length;
  else if (headerLength === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, headerLength);
  return frame;
}
