// Fan-out: each frame is encoded once, each connection gets one write per turn of the event loop, and connections that get the same
// frames share one buffer. At 200 members this is where a server's time goes.
import { Socket } from "node:net";
import { WebSocket } from "ws";
import type { LogEvent, LooseEvent } from "./hub/hub.ts";

/** What goes out to one connection, in the order of the calls. Nothing here throws or waits. */
export interface Outbox {
  /** For this connection alone. */
  send(text: string): void;
  /** For many: call it with the same object for each, one after the other. */
  sendShared(event: LogEvent | LooseEvent): void;
  /** Hands over what waits for the end of the turn. */
  flush(): void;
  /** Bytes that the client has not taken yet. */
  readonly queuedBytes: number;
}

export interface FanOut {
  /** Frames handed to connections so far. */
  readonly delivered: number;
  createOutbox(socket: FlushingWebSocket, tcp: Socket, owner: OutboxOwner): Outbox;
}

/** A connection, as its outbox sees it. */
export interface OutboxOwner {
  /** Called after each write, to look at the queue. */
  written(): void;
}

/** The WebSocket that a server with fan-out must use: whatever closes it, ws itself too, what was sent before goes first. */
export class FlushingWebSocket extends WebSocket {
  outbox: Outbox | undefined;

  override close(code?: number, reason?: string | Buffer): void {
    this.outbox?.flush();
    super.close(code, reason);
  }
}

/** @param how `joined` falls back to `plain` for connections whose internals are not as expected */
export function createFanOut(how: "joined" | "plain" = "joined"): FanOut {
  const shared = new Turn();
  return {
    get delivered() {
      return shared.delivered;
    },
    createOutbox(socket, tcp, owner) {
      if (how === "plain" || !canJoin(socket, tcp)) return new PlainOutbox(shared, socket, owner);
      socket.outbox = new JoinedOutbox(shared, socket, tcp, owner);
      return socket.outbox;
    },
  };
}

/** Our bytes may stand between those of ws where ws writes whole frames, at once, to this very socket: so without an extension. */
function canJoin(socket: WebSocket, tcp: unknown): boolean {
  const { _socket: used } = socket as unknown as { readonly _socket?: unknown };
  return tcp instanceof Socket && used === tcp && socket.extensions === "";
}

/** What one turn of the event loop has to write. */
class Turn {
  delivered = 0;
  #waiting: JoinedOutbox[] = [];
  #start = Batch.start();
  #lastEvent: LogEvent | LooseEvent | undefined;
  #lastFrame: Buffer | undefined;

  /** Where every connection's batch of this turn begins. */
  get start(): Batch {
    return this.#start;
  }

  /** The frame of an event. The hub hands one event to all its subscribers before the next, so the last one is all to remember. */
  frameOf(event: LogEvent | LooseEvent): Buffer {
    if (event !== this.#lastEvent) {
      this.#lastEvent = event;
      this.#lastFrame = encodeTextFrame(event.text);
    }
    return this.#lastFrame!;
  }

  /** Flushes the outbox after all that can be read now has been dealt with: immediates run when the poll of the sockets is over. */
  flushLater(outbox: JoinedOutbox): void {
    this.#waiting.push(outbox);
    if (this.#waiting.length > 1) return;
    setImmediate(() => {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const one of waiting) one.flush();
      this.#start = Batch.start();
      this.#lastEvent = undefined;
      this.#lastFrame = undefined;
    });
  }
}

/**
 * Frames in the order in which they go out. Batches of a turn form a tree that grows from one start: connections that got the same
 * frames stand at the same batch, and its bytes are joined once for all of them.
 */
class Batch {
  /** Frames from the start to here. */
  readonly count: number;
  readonly byteLength: number;
  readonly #before: Batch | undefined;
  readonly #frame: Buffer;
  /** The batch that most go on to: members of a room get the same event one after the other. */
  #next: Batch | undefined;
  #bytes: Buffer | undefined;

  static start(): Batch {
    return new Batch(undefined, Buffer.alloc(0));
  }

  private constructor(before: Batch | undefined, frame: Buffer) {
    this.#before = before;
    this.#frame = frame;
    this.count = before === undefined ? 0 : before.count + 1;
    this.byteLength = (before?.byteLength ?? 0) + frame.length;
  }

  /** This batch and one frame more. */
  followedBy(frame: Buffer): Batch {
    if (this.#next !== undefined && this.#next.#frame === frame) return this.#next;
    this.#next = new Batch(this, frame);
    return this.#next;
  }

  get bytes(): Buffer {
    if (this.#bytes) return this.#bytes;
    if (this.count === 1) this.#bytes = this.#frame;
    else {
      this.#bytes = Buffer.allocUnsafe(this.byteLength);
      let end = this.byteLength;
      for (let batch: Batch | undefined = this; batch; batch = batch.#before) {
        end -= batch.#frame.length;
        this.#bytes.set(batch.#frame, end);
      }
    }
    return this.#bytes;
  }
}

class JoinedOutbox implements Outbox {
  readonly #turn: Turn;
  readonly #socket: WebSocket;
  readonly #tcp: Socket;
  readonly #owner: OutboxOwner;
  #batch: Batch | undefined;

  constructor(turn: Turn, socket: WebSocket, tcp: Socket, owner: OutboxOwner) {
    this.#turn = turn;
    this.#socket = socket;
    this.#tcp = tcp;
    this.#owner = owner;
  }

  send(text: string): void {
    this.#add(encodeTextFrame(text));
  }

  sendShared(event: LogEvent | LooseEvent): void {
    this.#add(this.#turn.frameOf(event));
  }

  #add(frame: Buffer): void {
    if (this.#batch === undefined) {
      this.#turn.flushLater(this);
      this.#batch = this.#turn.start;
    }
    this.#batch = this.#batch.followedBy(frame);
  }

  flush(): void {
    const batch = this.#batch;
    this.#batch = undefined;
    if (batch === undefined || this.#socket.readyState !== this.#socket.OPEN || !this.#tcp.writable) return;
    this.#tcp.write(batch.bytes);
    this.#turn.delivered += batch.count;
    this.#owner.written();
  }

  get queuedBytes(): number {
    return this.#tcp.writableLength + (this.#batch?.byteLength ?? 0);
  }
}

/** One `send` of ws per frame. */
class PlainOutbox implements Outbox {
  readonly #turn: Turn;
  readonly #socket: WebSocket;
  readonly #owner: OutboxOwner;

  constructor(turn: Turn, socket: WebSocket, owner: OutboxOwner) {
    this.#turn = turn;
    this.#socket = socket;
    this.#owner = owner;
  }

  send(text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(text);
    this.#turn.delivered += 1;
    this.#owner.written();
  }

  sendShared(event: LogEvent | LooseEvent): void {
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
