// The writing side of a socket: in order, at once or after a delay, and with the pressure passed back to where the bytes come from.
import type net from "node:net";
import { createPrng } from "../schema/prng.ts";

/** Milliseconds that the next write waits. Later writes never overtake it. */
export type Delay = () => number;

export class DelayedWriter {
  readonly #socket: net.Socket;
  readonly #delay: Delay | undefined;
  readonly #queue: { readonly atMs: number; readonly run: () => void }[] = [];
  #readyAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param source is paused while this side is full */
  constructor(socket: net.Socket, source: net.Socket, delay?: Delay) {
    this.#socket = socket;
    this.#delay = delay;
    socket.on("drain", () => source.resume());
    this.#write = (bytes) => {
      if (!socket.destroyed && socket.writable && !socket.write(bytes)) source.pause();
    };
  }

  readonly #write: (bytes: Uint8Array) => void;

  write(bytes: Uint8Array): void {
    this.#enqueue(() => this.#write(bytes));
  }

  /** Past everything that waits. */
  writeNow(bytes: Uint8Array): void {
    this.#write(bytes);
  }

  /** Sends a FIN once all is written. */
  end(): void {
    this.#enqueue(() => this.#socket.end());
  }

  /** Sends a RST at once. */
  reset(): void {
    this.#forget();
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#forget();
    this.#socket.destroy();
  }

  /** Whatever is written from now on waits. */
  hold(ms: number): void {
    this.#readyAtMs = Math.max(this.#readyAtMs, performance.now() + ms);
  }

  #enqueue(run: () => void): void {
    const nowMs = performance.now();
    this.#readyAtMs = Math.max(this.#readyAtMs, nowMs + (this.#delay?.() ?? 0));
    if (this.#queue.length === 0 && this.#readyAtMs <= nowMs) {
      run();
      return;
    }
    this.#queue.push({ atMs: this.#readyAtMs, run });
    this.#wait();
  }

  #wait(): void {
    const next = this.#queue[0];
    if (next === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        while (this.#queue.length > 0 && this.#queue[0]!.atMs <= performance.now()) this.#queue.shift()!.run();
        this.#wait();
      },
      Math.max(1, Math.ceil(next.atMs - performance.now())),
    );
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#queue.length = 0;
  }
}

export interface DelayOptions {
  /** Of the delays; the same seed gives the same delays to the same connections. */
  readonly seed: number;
  /** Each chunk waits up to this, default 0. */
  readonly jitterMs?: number;
  /** One chunk of so many, on average, waits `stallMs` more. Default: none. */
  readonly stallEvery?: number;
  readonly stallMs?: number;
}

/** Delays of one direction of one connection. @param stream tells it from the others */
export function createDelay({ seed, jitterMs = 0, stallEvery = 0, stallMs = 0 }: DelayOptions, stream: number): Delay {
  const next = createPrng(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(stream + 1, 0x85eb_ca6b));
  return () => next() * jitterMs + (stallEvery > 0 && next() < 1 / stallEvery ? stallMs : 0);
}
