// One connection of the generator: a raw socket that counts what comes, and can wait for bytes while nothing is measured.
import { connect, type Socket } from "node:net";
import { encodeFrame, opcode } from "../client/wire/frame.ts";
import { FrameScanner, Unreadable } from "../client/wire/frame-scanner.ts";
import { parseResponseHead } from "../client/wire/upgrade.ts";
import type { Adapter } from "./adapter.ts";

/** All sockets read into it, one after the other: node hands over what was read before it reads again. */
const readBuffer = Buffer.allocUnsafe(262_144);
const maskKey = 0x5a17_c3e9;

export interface MemberOwner {
  /** So many counted texts have come in one chunk. */
  counted(member: Member, frames: number): void;
  /** Its connection has ended, and was not asked to. */
  lost(member: Member, why: string): void;
}

interface Wait {
  readonly bytes: Buffer;
  readonly done: () => void;
  /** The end of the last chunk, where the bytes may have begun. */
  tail: Buffer;
}

/** A masked text frame, as a client must send. */
export function clientFrame(text: string): Buffer {
  return encodeFrame({ opcode: opcode.text, payload: text, maskKey });
}

export class Member {
  readonly index: number;
  /** Which room it publishes to and hears. */
  readonly room: number;
  /** Messages that it has been delivered since the beginning of the measurement. */
  delivered = 0;
  /** Shorter texts are not counted; to begin with, none is. */
  leastBytes = Number.POSITIVE_INFINITY;
  /** Of the last frame, without its header. */
  lastFrameBytes = 0;
  readonly #scanner: FrameScanner;
  /** Counted texts of the chunk in hand. */
  #counted = 0;
  readonly #owner: MemberOwner;
  readonly #socket: Socket;
  #head: Buffer | undefined = Buffer.alloc(0);
  #opened: (() => void) | undefined;
  #wait: Wait | undefined;
  #isEnding = false;

  private constructor(index: number, room: number, socket: (read: (bytes: number) => void) => Socket, owner: MemberOwner) {
    this.index = index;
    this.room = room;
    this.#owner = owner;
    this.#scanner = new FrameScanner((code, _isFinal, _bytes, start, end) => {
      this.lastFrameBytes = end - start;
      if (code === opcode.text && end - start >= this.leastBytes) this.#counted++;
      else if (code === opcode.close) this.#lost("the server sent a close frame");
    });
    this.#socket = socket((bytes) => this.#read(bytes));
    this.#socket.setNoDelay(true);
    this.#socket.on("error", (error) => this.#lost(error.message));
    this.#socket.on("close", () => this.#lost("the server ended the connection"));
  }

  /** Resolves once the server has greeted, or with the upgrade where it does not. Rejects only by the owner's `lost`. */
  static async open(url: URL, adapter: Adapter, index: number, room: number, owner: MemberOwner): Promise<Member> {
    const member = new Member(
      index,
      room,
      (read) =>
        connect({
          port: Number(url.port),
          host: url.hostname,
          onread: {
            buffer: readBuffer,
            callback(bytes) {
              read(bytes);
              return true;
            },
          },
        }),
      owner,
    );
    const opened = new Promise<void>((resolve) => {
      member.#opened = resolve;
    });
    const greeted = adapter.greets ? member.holds("") : undefined;
    member.#socket.write(adapter.upgrade(url, index));
    await opened;
    await greeted;
    if (adapter.hello !== undefined) {
      const answered = member.holds(adapter.hello.answerHolds);
      member.send(clientFrame(adapter.hello.text));
      await answered;
    }
    return member;
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Resolves when a chunk that comes from now on holds the text; the empty one: any byte of a frame. */
  holds(text: string): Promise<void> {
    return new Promise((done) => {
      this.#wait = { bytes: Buffer.from(text), done, tail: Buffer.alloc(0) };
    });
  }

  /** Without goodbye, by a reset: no port is left waiting. */
  end(): void {
    this.#isEnding = true;
    this.#socket.resetAndDestroy();
  }

  #read(bytes: number): void {
    if (this.#head !== undefined) this.#readHead(bytes);
    else this.#readFrames(readBuffer.subarray(0, bytes));
  }

  #readHead(bytes: number): void {
    this.#head = Buffer.concat([this.#head!, readBuffer.subarray(0, bytes)]);
    const response = parseResponseHead(this.#head);
    if (response === undefined) return;
    if (response.status !== 101) {
      this.#lost(`the upgrade was answered with ${response.status}`);
      return;
    }
    this.#head = undefined;
    this.#opened?.();
    this.#readFrames(response.rest);
  }

  /** The lengths of frames say enough: what is received must cost less than to send it. */
  #readFrames(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#wait !== undefined) this.#look(chunk);
    this.#counted = 0;
    try {
      this.#scanner.push(chunk);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#lost(error.message);
    }
    if (this.#counted > 0) this.#owner.counted(this, this.#counted);
  }

  #look(chunk: Buffer): void {
    const wait = this.#wait!;
    const searched = wait.tail.length > 0 ? Buffer.concat([wait.tail, chunk]) : chunk;
    if (searched.includes(wait.bytes)) {
      this.#wait = undefined;
      wait.done();
    } else wait.tail = Buffer.from(searched.subarray(Math.max(0, searched.length - wait.bytes.length + 1)));
  }

  #lost(why: string): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#socket.destroy();
    this.#owner.lost(this, why);
  }
}
