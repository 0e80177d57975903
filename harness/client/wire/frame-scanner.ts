// Finds the frames in a server's bytes without copying one: for those who read a million a second.
import { opcode } from "./frame.ts";

/** Gets each frame in the order of the wire. The payload stands in `bytes` from `start` to `end`, and only until it returns. */
export type OnFrame = (code: number, isFinal: boolean, bytes: Buffer, start: number, end: number) => void;

/** What a server must not send, or what is longer than we hold. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

const nothing = Buffer.alloc(0);

export class FrameScanner {
  readonly #onFrame: OnFrame;
  readonly #maxBytes: number;
  #rest: Buffer = nothing;
  /** Chunks of a frame that is longer than what came, put together once it is whole. */
  #parts: Buffer[] = [];
  #partBytes = 0;
  #neededBytes = 0;

  /** @param maxBytes the longest payload that is held, default 16 MiB */
  constructor(onFrame: OnFrame, maxBytes = 16_777_216) {
    this.#onFrame = onFrame;
    this.#maxBytes = maxBytes;
  }

  /** @throws Unreadable, after which the scanner is of no use */
  push(chunk: Buffer): void {
    let bytes = chunk;
    let from = 0;
    if (this.#partBytes > 0) {
      this.#parts.push(chunk);
      this.#partBytes += chunk.length;
      if (this.#partBytes < this.#neededBytes) return;
      bytes = Buffer.concat(this.#parts, this.#partBytes);
      this.#parts = [];
      this.#partBytes = 0;
    } else if (this.#rest.length > 0) {
      const missing = this.#neededBytes - this.#rest.length;
      if (missing > 0 && missing <= chunk.length) {
        // Only the frame that was cut is put together: to copy the whole chunk for it would cost more than to read it.
        from = missing;
        const cut = Buffer.concat([this.#rest, chunk.subarray(0, missing)]);
        this.#rest = nothing;
        this.#scan(cut, 0);
      } else bytes = Buffer.concat([this.#rest, chunk]);
    }
    this.#rest = nothing;
    this.#scan(bytes, from);
  }

  #scan(bytes: Buffer, from: number): void {
    const { length } = bytes;
    this.#neededBytes = 0;
    let at = from;
    while (at + 2 <= length) {
      const first = bytes[at]!;
      const short = bytes[at + 1]!;
      if (short > 127) throw new Unreadable("a server's frame that is masked (RFC 6455 section 5.1)");
      let start = at + 2;
      let size = short;
      if (short === 126) {
        if (length < at + 4) break;
        size = (bytes[at + 2]! << 8) | bytes[at + 3]!;
        start = at + 4;
      } else if (short === 127) {
        if (length < at + 10) break;
        size = Number(bytes.readBigUInt64BE(at + 2));
        start = at + 10;
        if (size > this.#maxBytes) throw new Unreadable(`a frame of ${size} bytes, more than ${this.#maxBytes}`);
      }
      const end = start + size;
      if (end > length) {
        this.#neededBytes = end - at;
        break;
      }
      this.#onFrame(first & 15, (first & 0x80) !== 0, bytes, start, end);
      at = end;
    }
    if (at === length) return;
    // A copy, because a view of a few bytes would keep the whole chunk in memory, one for each of thousands of connections.
    const rest = Buffer.from(bytes.subarray(at));
    if (this.#neededBytes > rest.length + 65_536) {
      this.#parts = [rest];
      this.#partBytes = rest.length;
    } else this.#rest = rest;
  }
}

/** Puts the fragments of text messages together on top of a scanner; whole ones pass through as they are. */
export function joinFragments(onText: (bytes: Buffer, start: number, end: number) => void, onControl: OnFrame): OnFrame {
  let fragments: Buffer[] | undefined;
  return (code, isFinal, bytes, start, end) => {
    if (code === opcode.text && isFinal && fragments === undefined) onText(bytes, start, end);
    else if (code >= 8) onControl(code, isFinal, bytes, start, end);
    else if (code === opcode.text || code === opcode.continuation) {
      fragments = [...(fragments ?? []), Buffer.from(bytes.subarray(start, end))];
      if (!isFinal) return;
      const whole = Buffer.concat(fragments);
      fragments = undefined;
      onText(whole, 0, whole.length);
    } else throw new Unreadable(`a frame with the opcode ${code}, where texts are expected`);
  };
}
