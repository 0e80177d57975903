// Fan-out: each frame is encoded once, each connection gets one write per turn of the event loop, and connections that receive the same
// frames share one buffer. With 200 members in a room, most of a server's time is spent here.
import { Socket } from "node:net";
import { WebSocket } from "ws";
import { encodeTextFrame, FrameChain } from "./frame-chain.ts";
import { type Audience, PlainAudience } from "./hub/audience.ts";
import type { LogEvent, Subscriber } from "./hub/hub.ts";
import type { Outbox, SharedEvent } from "./outbox.ts";

export interface FanOut {
  /** Frames written to connections so far. */
  readonly delivered: number;
  /** @param onFlush called after each write, to check the queue */
  createOutbox(socket: FlushingWebSocket, tcp: Socket, onFlush: () => void): Outbox;
  /** For a room: its cost per event does not depend on the subscribers, its cost per turn does. */
  createAudience(): Audience;
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
    createAudience: () => new BatchedAudience(batcher),
  };
}

/** Our bytes may go between those of ws only where ws writes whole frames synchronously to this socket: that is, without an extension. */
function canBatch(socket: WebSocket, tcp: unknown): boolean {
  const { _socket: used } = socket as unknown as { readonly _socket?: unknown };
  return tcp instanceof Socket && used === tcp && socket.extensions === "";
}

interface Flushable {
  flush(): void;
}

/** Everything that is written at the end of the current turn of the event loop. */
class WriteBatcher {
  delivered = 0;
  #pending: Flushable[] = [];
  #start = FrameChain.start();
  #lastEvent: SharedEvent | undefined;
  #lastFrame: Buffer | undefined;

  /** The empty chain, from which the frames of every connection grow in this turn. */
  get start(): FrameChain {
    return this.#start;
  }

  /** The frame of an event. The hub delivers one event to all subscribers before the next, so caching the latest is enough. */
  frameOf(event: SharedEvent): Buffer {
    if (event !== this.#lastEvent) {
      this.#lastEvent = event;
      this.#lastFrame = encodeTextFrame(event.text);
    }
    return this.#lastFrame!;
  }

  /** Flushes it in an immediate, which runs after everything readable now has been handled. */
  flushLater(one: Flushable): void {
    this.#pending.push(one);
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

class BatchedOutbox implements Outbox {
  readonly #batcher: WriteBatcher;
  readonly #socket: WebSocket;
  readonly #tcp: Socket;
  readonly #onFlush: () => void;
  /** Its frames of this turn. */
  #chain: FrameChain | undefined;
  /** Where they are those of one audience: then the audience keeps and writes them. */
  #followed: BatchedAudience | undefined;

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
    const frame = encodeTextFrame(text);
    if (this.#chain === undefined && this.#followed === undefined) this.write(frame, 1);
    else this.#add(frame);
  }

  sendShared(event: SharedEvent): void {
    this.#add(this.#batcher.frameOf(event));
  }

  #add(frame: Buffer): void {
    this.separate();
    if (this.#chain === undefined) {
      this.#batcher.flushLater(this);
      this.#chain = this.#batcher.start;
    }
    this.#chain = this.#chain.append(frame);
  }

  /** Leaves this turn's frames to the audience, before its first one. @returns false where the connection has other frames in this turn */
  follow(audience: BatchedAudience): boolean {
    this.separate();
    if (this.#chain !== undefined) return false;
    this.#followed = audience;
    return true;
  }

  /** Takes over the frames so far, because something else comes next on this connection, or nothing more of the audience. */
  separate(): void {
    const audience = this.#followed;
    if (audience === undefined) return;
    this.#followed = undefined;
    this.#chain = audience.separate(this);
    this.#batcher.flushLater(this);
  }

  flush(): void {
    this.separate();
    const chain = this.#chain;
    this.#chain = undefined;
    if (chain !== undefined) this.write(chain.bytes, chain.count);
  }

  flushFollowed(audience: BatchedAudience, bytes: Buffer, frames: number): void {
    if (this.#followed !== audience) return;
    this.#followed = undefined;
    this.write(bytes, frames);
  }

  write(bytes: Buffer, frames: number): void {
    if (this.#socket.readyState !== this.#socket.OPEN || !this.#tcp.writable) return;
    this.#tcp.write(bytes);
    this.#batcher.delivered += frames;
    this.#onFlush();
  }

  get queuedBytes(): number {
    return this.#tcp.writableLength + (this.#chain?.byteLength ?? this.#followed?.queuedBytes ?? 0);
  }
}

/**
 * Keeps the frames of a turn once for all its connections that receive nothing else in that turn. The others are called event by event: who
 * published has replies between the events.
 */
class BatchedAudience extends PlainAudience implements Flushable {
  readonly #batcher: WriteBatcher;
  readonly #outboxes = new Set<BatchedOutbox>();
  /** Those that no longer follow in this turn. */
  readonly #separate = new Set<BatchedOutbox>();
  /** The frames of this turn. */
  #chain: FrameChain | undefined;

  constructor(batcher: WriteBatcher) {
    super();
    this.#batcher = batcher;
  }

  override add(subscriber: Subscriber): void {
    const { outbox } = subscriber;
    if (outbox instanceof BatchedOutbox) {
      if (this.#outboxes.has(outbox)) return;
      this.#outboxes.add(outbox);
      // What this turn has brought so far is not for it.
      if (this.#chain !== undefined) this.#separate.add(outbox);
    } else super.add(subscriber);
  }

  override delete(subscriber: Subscriber): void {
    const { outbox } = subscriber;
    if (outbox instanceof BatchedOutbox) {
      outbox.separate();
      this.#outboxes.delete(outbox);
      this.#separate.delete(outbox);
    } else super.delete(subscriber);
  }

  override send(event: LogEvent): void {
    super.send(event);
    if (this.#chain === undefined) {
      this.#chain = this.#batcher.start;
      this.#batcher.flushLater(this);
      for (const outbox of this.#outboxes) if (!outbox.follow(this)) this.#separate.add(outbox);
    }
    this.#chain = this.#chain.append(this.#batcher.frameOf(event));
    for (const outbox of this.#separate) outbox.sendShared(event);
  }

  /** @returns the frames so far */
  separate(outbox: BatchedOutbox): FrameChain | undefined {
    this.#separate.add(outbox);
    return this.#chain;
  }

  flush(): void {
    const { bytes, count } = this.#chain!;
    for (const outbox of this.#outboxes) outbox.flushFollowed(this, bytes, count);
    this.#chain = undefined;
    this.#separate.clear();
  }

  get queuedBytes(): number {
    return this.#chain?.byteLength ?? 0;
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

  sendShared(event: SharedEvent): void {
    this.send(event.text);
  }

  flush(): void {}

  get queuedBytes(): number {
    return this.#socket.bufferedAmount;
  }
}
