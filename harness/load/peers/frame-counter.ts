// Counts the frames of one connection by their lengths alone: the receiving side must cost less than the servers that it measures.

const closeOpcode = 0x8;

/** What is told of a server's stream. */
export interface FrameListener {
  /** Frames that were whole by the end of this chunk and hold at least the asked number of bytes. */
  counted(frames: number): void;
  /** The server says goodbye; nothing is read after it. */
  closed(): void;
}

export class FrameCounter {
  /** Shorter frames are not counted; to begin with, none. */
  leastBytes = Number.POSITIVE_INFINITY;
  /** Of the last frame that has begun, header and all. */
  lastFrameBytes = 0;
  readonly #listener: FrameListener;
  /** The beginning of a header that is not whole, at most 9 bytes. */
  readonly #head = Buffer.allocUnsafe(10);
  #headBytes = 0;
  /** Of the payload in hand. */
  #remaining = 0;
  /** The payload in hand counts when it is whole. */
  #counts = false;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** The next bytes, `from` to `end`, of unmasked frames. */
  push(bytes: Buffer, from: number, end: number): void {
    let frames = 0;
    let at = from;
    while (at < end) {
      if (this.#remaining > 0) {
        const taken = Math.min(this.#remaining, end - at);
        this.#remaining -= taken;
        at += taken;
        if (this.#remaining === 0 && this.#counts) frames++;
        continue;
      }
      if (this.#headBytes > 0 || end - at < 10) {
        this.#head[this.#headBytes++] = bytes[at++]!;
        const needed = this.#headBytes < 2 ? 2 : headerLength(this.#head[1]!);
        if (this.#headBytes < needed) continue;
        this.#headBytes = 0;
        if (this.#begin(this.#head, 0)) frames++;
      } else {
        const length = headerLength(bytes[at + 1]!);
        if (this.#begin(bytes, at)) frames++;
        at += length;
      }
    }
    if (frames > 0) this.#listener.counted(frames);
  }

  /** A frame whose header is whole. @returns whether it ends with it and counts */
  #begin(bytes: Buffer, at: number): boolean {
    const second = bytes[at + 1]!;
    const length = second < 126 ? second : second === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    if ((bytes[at]! & 15) === closeOpcode) this.#listener.closed();
    this.lastFrameBytes = headerLength(second) + length;
    this.#remaining = length;
    this.#counts = length >= this.leastBytes && (bytes[at]! & 8) === 0;
    return length === 0 && this.#counts;
  }
}

function headerLength(second: number): number {
  return second < 126 ? 2 : second === 126 ? 4 : 10;
}
