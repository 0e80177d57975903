// One connection of the generator: a raw socket that counts what comes, and can wait for bytes while nothing is measured.
import { connect, type Socket } from "node:net";
import { encodeFrame, opcode } from "../../wire/frame.ts";
import { parseResponseHead } from "../../wire/upgrade.ts";
import type { Dialect } from "./dialect.ts";
import { FrameCounter, type FrameListener } from "./frame-counter.ts";

/** All sockets read into it, one after the other: node hands over what was read before it reads again. */
const readBuffer = Buffer.allocUnsafe(262_144);
const maskKey = 0x5a17_c3e9;

export interface MemberOwner {
  /** Counted frames that have come in one chunk. */
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

export class Member implements FrameListener {
  readonly index: number;
  /** Which room it publishes to and hears. */
  readonly room: number;
  /** Messages that it has been delivered since the beginning of the measurement. */
  delivered = 0;
  readonly frames: FrameCounter;
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
    this.frames = new FrameCounter(this);
    this.#socket = socket((bytes) => this.#read(bytes));
    this.#socket.setNoDelay(true);
    this.#socket.on("error", (error) => this.#lost(error.message));
    this.#socket.on("close", () => this.#lost("the server ended the connection"));
  }

  /** Resolves once the server has greeted, or with the upgrade where it does not. Rejects only by the owner's `lost`. */
  static async open(url: URL, dialect: Dialect, index: number, room: number, owner: MemberOwner): Promise<Member> {
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
    const greeted = dialect.greets ? member.holds("") : undefined;
    member.#socket.write(dialect.upgrade(url, index));
    await opened;
    await greeted;
    if (dialect.hello !== undefined) {
      const answered = member.holds(dialect.hello.answerHolds);
      member.send(clientFrame(dialect.hello.text));
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

  counted(frames: number): void {
    this.#owner.counted(this, frames);
  }

  closed(): void {
    this.#lost("the server sent a close frame");
  }

  #read(bytes: number): void {
    if (this.#head !== undefined) this.#readHead(bytes);
    else this.#readFrames(readBuffer, bytes);
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
    this.#readFrames(response.rest, response.rest.length);
  }

  #readFrames(from: Buffer, bytes: number): void {
    if (bytes === 0) return;
    if (this.#wait !== undefined) this.#look(from.subarray(0, bytes));
    this.frames.push(from, 0, bytes);
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
