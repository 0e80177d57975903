// One connection under load: finds texts in its bytes, answers pings and the close handshake, and says how it ended.
import type { Received } from "../client/received.ts";
import type { TestClient } from "../client/test-client.ts";
import { opcode, parseClosePayload } from "../client/wire/frame.ts";
import { FrameScanner, joinFragments, Unreadable } from "../client/wire/frame-scanner.ts";
import type { WireSocket } from "../client/wire/socket.ts";
import { nowMs } from "./clock.ts";
import type { Recorder } from "./recorder.ts";

export interface Reader {
  /** A text, in `bytes` from `start` to `end` only until this returns. @param atMs when its chunk came */
  text(bytes: Buffer, start: number, end: number, atMs: number): void;
  /** The server ended the connection, or it was lost. Called once. */
  lost?(): void;
}

export class LoadSocket {
  readonly #socket: WireSocket;
  readonly #recorder: Recorder;
  readonly #reader: Reader;
  #isOpen = true;
  #isLeaving = false;
  #timer: NodeJS.Timeout | undefined;

  /** Takes the peer's connection over. What came on it before goes to the reader first. */
  constructor(client: TestClient, recorder: Recorder, reader: Reader) {
    const { socket, waiting, closed, beats } = client.handOver();
    this.#socket = socket;
    this.#recorder = recorder;
    this.#reader = reader;
    let atMs = 0;
    const scanner = new FrameScanner(
      joinFragments(
        (bytes, start, end) => {
          const answer = beats?.answerTo(bytes.toString("utf8", start, end));
          if (answer === undefined) reader.text(bytes, start, end, atMs);
          else this.#beat(answer);
        },
        (code, _isFinal, bytes, start, end) => this.#control(code, bytes.subarray(start, end)),
      ),
    );
    for (const { text } of waiting as readonly Received[]) {
      const bytes = Buffer.from(text);
      reader.text(bytes, 0, bytes.length, nowMs());
    }
    const { own } = beats ?? {};
    if (own !== undefined) this.#timer = setInterval(() => this.#beat(own.next()), own.everyMs);
    // The close frame came right behind the 101, or while the connection was set up.
    if (closed !== undefined) this.#end(String(closed.code));
    socket.takeBytes({
      bytes: (chunk) => {
        atMs = nowMs();
        try {
          scanner.push(chunk);
        } catch (error) {
          if (!(error instanceof Unreadable)) throw error;
          this.#end(`unreadable: ${error.message}`);
          socket.destroy();
        }
        recorder.counts.readMs += nowMs() - atMs;
      },
      ended: (how) => this.#end(how === "reset" ? "reset" : "1006"),
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A heartbeat by message: counted as one by ping is, and no part of the load. */
  #beat(text: string | undefined): void {
    this.#recorder.counts.pings++;
    if (text === undefined) this.#socket.sendFrame({ opcode: opcode.ping, payload: "" });
    else this.#socket.sendText(text);
  }

  send(text: string): void {
    this.#socket.sendText(text);
  }

  /** Reads nothing more, so that the server's buffers fill. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Drops TCP without a goodbye, as a network does. */
  drop(): void {
    clearInterval(this.#timer);
    this.#isOpen = false;
    this.#socket.reset();
  }

  /** Closes politely; what still comes is not read. */
  leave(): void {
    clearInterval(this.#timer);
    this.#isLeaving = true;
    this.#isOpen = false;
    this.#socket.sendClose(1000);
  }

  #control(code: number, payload: Buffer): void {
    if (code === opcode.ping) {
      this.#recorder.counts.pings++;
      this.#socket.sendFrame({ opcode: opcode.pong, payload });
    } else if (code === opcode.close) {
      const closeCode = parseClosePayload(payload).code;
      if (!this.#isLeaving) this.#socket.sendClose(closeCode === 1005 ? undefined : closeCode);
      else this.#socket.end();
      this.#end(String(closeCode));
    }
  }

  #end(how: string): void {
    clearInterval(this.#timer);
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#recorder.closed(how, nowMs());
    this.#reader.lost?.();
  }
}
