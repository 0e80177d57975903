// RFC 6455 frames as bytes: encode any frame, legal or not, and decode a stream of chunks. Pure; it judges nothing.

export const opcode = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** One frame as it stood on the wire. */
export interface Frame {
  readonly fin: boolean;
  /** RSV1 to RSV3 as a number: 4, 2 and 1. */
  readonly reserved: number;
  /** 0 to 15. */
  readonly opcode: number;
  readonly masked: boolean;
  /** How many bits of the header held the length: 7, 16 or 64. */
  readonly lengthBits: 7 | 16 | 64;
  /** Unmasked. A view into the chunk where the frame came in one chunk: copy it to keep it. */
  readonly payload: Buffer;
}

export interface FrameToEncode {
  /** 0 to 15. */
  readonly opcode: number;
  /** A string is sent as UTF-8. Default empty. */
  readonly payload?: Uint8Array | string;
  /** Default true. */
  readonly fin?: boolean;
  /** RSV1 to RSV3 as 4, 2 and 1. Default 0. */
  readonly reserved?: number;
  /** The masking key, 0 to 2^32 - 1. Default none: unmasked, as a server sends. */
  readonly maskKey?: number;
  /** The form of the length. Default the shortest that holds it, the only legal one. */
  readonly lengthBits?: 7 | 16 | 64;
  /** A length in the header that is not that of the payload, up to 2^64 - 1. */
  readonly declaredLength?: number | bigint;
}

/** Applies the mask to `data` in place (section 5.3); twice is the identity. */
export function maskInPlace(data: Uint8Array, key: number): void {
  const bytes = [key >>> 24, (key >>> 16) & 255, (key >>> 8) & 255, key & 255] as const;
  for (let at = 0; at < data.length; at++) data[at] = data[at]! ^ bytes[(at & 3) as 0 | 1 | 2 | 3];
}

/**
 * The bytes of one frame. Legal by default; every field may be set to what RFC 6455 forbids.
 * @throws RangeError where the length does not fit into the asked `lengthBits`
 */
export function encodeFrame(frame: FrameToEncode): Buffer {
  const payload = typeof frame.payload === "string" ? Buffer.from(frame.payload) : (frame.payload ?? Buffer.alloc(0));
  const length = BigInt(frame.declaredLength ?? payload.length);
  const bits = frame.lengthBits ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64);
  const maxLength = bits === 7 ? 125n : bits === 16 ? 65_535n : 0xffff_ffff_ffff_ffffn;
  if (length < 0n || length > maxLength) throw new RangeError(`a length of ${length} does not fit into ${bits} bits`);
  const lengthBytes = bits === 7 ? 0 : bits / 8;
  const maskBytes = frame.maskKey === undefined ? 0 : 4;
  const bytes = Buffer.allocUnsafe(2 + lengthBytes + maskBytes + payload.length);
  bytes[0] = (frame.fin === false ? 0 : 0x80) | (((frame.reserved ?? 0) & 7) << 4) | (frame.opcode & 15);
  bytes[1] = (maskBytes > 0 ? 0x80 : 0) | (bits === 7 ? Number(length) : bits === 16 ? 126 : 127);
  if (bits === 16) bytes.writeUInt16BE(Number(length), 2);
  if (bits === 64) bytes.writeBigUInt64BE(length, 2);
  bytes.set(payload, 2 + lengthBytes + maskBytes);
  if (frame.maskKey !== undefined) {
    bytes.writeUInt32BE(frame.maskKey >>> 0, 2 + lengthBytes);
    maskInPlace(bytes.subarray(2 + lengthBytes + maskBytes), frame.maskKey >>> 0);
  }
  return bytes;
}

/**
 * The payload of a close frame (section 5.5.1).
 * @param code any number, also one that may not be sent; undefined: no status code, an empty payload
 */
export function closePayload(code: number | undefined, reason = ""): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  const bytes = Buffer.alloc(2 + Buffer.byteLength(reason));
  bytes.writeUInt16BE(code & 0xffff, 0);
  bytes.write(reason, 2);
  return bytes;
}

/** What a close frame says: 1005 where it has no code (section 7.1.5). A payload of one byte is illegal and reads as 1005. */
export function parseClosePayload(payload: Buffer): { readonly code: number; readonly reason: string } {
  return payload.length < 2
    ? { code: 1005, reason: "" }
    : { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString("utf8") };
}

/** The stream cannot be read further: a frame says that it is longer than we hold. */
export class FrameTooLong extends Error {
  override readonly name = "FrameTooLong";
}

/** Turns the bytes of one direction, in chunks of any size, into frames. */
export class FrameDecoder {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #needed = 2;

  /** @param maxBytes the longest payload that is held, default 256 MiB */
  constructor(maxBytes = 268_435_456) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of a frame that has begun and not ended. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /** Gives away the bytes of a frame that has begun and not ended, and forgets them. */
  takePending(): Buffer {
    const pending = Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    this.#bytes = 0;
    this.#needed = 2;
    return pending;
  }

  /**
   * All frames that end in this chunk, in order.
   * @throws FrameTooLong, after which the decoder is of no use
   */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    if (chunk.length > 0) this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= this.#needed) {
      const buffer = this.#joined();
      const frame = this.#parse(buffer);
      if (frame === undefined) continue; // the header said how much is needed
      frames.push(frame);
      const rest = buffer.subarray(this.#needed);
      this.#chunks = rest.length > 0 ? [rest] : [];
      this.#bytes = rest.length;
      this.#needed = 2;
    }
    return frames;
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks, this.#bytes)];
    return this.#chunks[0]!;
  }

  /** The frame at the start of `buffer`, or undefined when it is not whole; sets how many bytes make it whole. */
  #parse(buffer: Buffer): Frame | undefined {
    const second = buffer[1]!;
    const masked = (second & 0x80) !== 0;
    const short = second & 0x7f;
    const lengthBits = short === 127 ? 64 : short === 126 ? 16 : 7;
    const headerBytes = 2 + (lengthBits === 7 ? 0 : lengthBits / 8) + (masked ? 4 : 0);
    if (buffer.length < headerBytes) {
      this.#needed = headerBytes;
      return undefined;
    }
    const length = lengthBits === 64 ? Number(buffer.readBigUInt64BE(2)) : lengthBits === 16 ? buffer.readUInt16BE(2) : short;
    if (length > this.#maxBytes) throw new FrameTooLong(`a frame says that it has ${length} bytes, more than ${this.#maxBytes}`);
    this.#needed = headerBytes + length;
    if (buffer.length < this.#needed) return undefined;
    let payload = buffer.subarray(headerBytes, this.#needed);
    if (masked) {
      payload = Buffer.from(payload);
      maskInPlace(payload, buffer.readUInt32BE(headerBytes - 4));
    }
    return {
      fin: (buffer[0]! & 0x80) !== 0,
      reserved: (buffer[0]! >> 4) & 7,
      opcode: buffer[0]! & 15,
      masked,
      lengthBits,
      payload,
    };
  }
}
