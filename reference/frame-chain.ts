// The frames of one turn of the event loop, and their bytes.

/**
 * Frames in the order of sending. The chains of a turn form a tree with one root: connections with the same frames share a chain, whose
 * bytes are concatenated once for all of them.
 */
export class FrameChain {
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
