// A WebSocket client of bytes: frames that no library would send, and the frames that the server sends.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The request of an upgrade. */
export function upgradeRequest(target: string): string {
  return (
    `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: rooms.v1\r\n\r\n"
  );
}

/** A frame of a client. @param firstByte FIN, reserved bits and opcode @param mask of four bytes */
export function clientFrame(firstByte: number, payload: Buffer, mask: Buffer = Buffer.alloc(4)): Buffer {
  const { length } = payload;
  const head = length < 126 ? Buffer.alloc(2) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = firstByte;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, mask, mask.readUInt32BE() === 0 ? payload : payload.map((byte, index) => byte ^ mask[index % 4]!)]);
}

export const textFrame = (text: string): Buffer => clientFrame(0x80 | opcodes.text, Buffer.from(text));

/** Reads the frames of a server out of chunks. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  read(chunk: Buffer): ServerFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: ServerFrame[] = [];
    for (;;) {
      const bytes = this.#rest;
      if (bytes.length < 2) return frames;
      const short = bytes[1]! & 127;
      const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length < headBytes) return frames;
      const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
      if (bytes.length < headBytes + length) return frames;
      frames.push({ opcode: bytes[0]! & 15, payload: bytes.subarray(headBytes, headBytes + length) });
      this.#rest = bytes.subarray(headBytes + length);
    }
  }
}

/** An upgraded connection. It answers pings. */
export class RawSocket {
  readonly socket: Socket;
  /** Of the close frame that the server sent. */
  closeCode: number | undefined;
  /** Called with each frame, the server's close frame too. */
  onFrame: (frame: ServerFrame) => void = () => {};
  readonly #reader = new FrameReader();

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  /**
   * Resolves at the server's 101.
   * @throws Error when the connection ends first, or the server answers otherwise
   */
  static async open(port: number, token: string, onFrame: (frame: ServerFrame) => void = () => {}): Promise<RawSocket> {
    const socket = connect(port, "127.0.0.1");
    const raw = new RawSocket(socket);
    raw.onFrame = onFrame;
    let head = Buffer.alloc(0);
    socket.write(upgradeRequest(`/ws?token=${token}`));
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("closed before the 101")));
      socket.on("data", function onHead(chunk: Buffer) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf("\r\n\r\n");
        if (end === -1) return;
        socket.off("data", onHead);
        if (!head.subarray(0, 12).equals(Buffer.from("HTTP/1.1 101"))) {
          socket.destroy();
          reject(new Error(head.subarray(0, 12).toString("latin1")));
          return;
        }
        socket.on("data", (data: Buffer) => raw.#receive(data));
        raw.#receive(head.subarray(end + 4));
        resolve();
      });
    });
    return raw;
  }

  #receive(chunk: Buffer): void {
    for (const frame of this.#reader.read(chunk)) {
      if (frame.opcode === opcodes.close) this.closeCode = frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE();
      if (frame.opcode === opcodes.ping && this.socket.writable) {
        this.socket.write(clientFrame(0x80 | opcodes.pong, frame.payload));
      }
      this.onFrame(frame);
    }
  }

  get hasEnded(): boolean {
    return this.socket.closed || this.socket.destroyed;
  }

  /** Resolves when more may be written, or the connection has ended. */
  async write(bytes: Buffer): Promise<void> {
    if (this.hasEnded || this.socket.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.socket.off("drain", wake).off("close", wake);
        resolve();
      };
      this.socket.on("drain", wake).on("close", wake);
    });
  }

  async closed(): Promise<void> {
    if (!this.socket.closed) await once(this.socket, "close").catch(() => undefined);
  }
}
