// Bounds on a run: what a target sends that nothing waits for, and how many connections are open at once. Beyond them the run ends.
import { NotTestable, TargetLost } from "../schema/errors.ts";

/** Of one connection: frames that came and that nothing has read. Beyond, the connection is given up. */
export const maxUnreadFrames = 10_000;
export const maxUnreadBytes = 67_108_864;

/** Of the run, beside what its own requests may cause. */
const maxRunFrames = 50_000;
const framesPerRequest = 200;
const maxRunBytes = 268_435_456;
/** Texts that are no message of the document, whether anything waited or not; and so many more for each request. */
const maxUnknownFrames = 20_000;
const unknownPerRequest = 20;
const maxOpenConnections = 4_000;

export interface TrafficLimits {
  readonly frames: number;
  readonly bytes: number;
  readonly connections: number;
  readonly unknown: number;
}

export class TrafficBounds {
  readonly #sent: () => number;
  readonly #limits: TrafficLimits;
  readonly #exceeded = new AbortController();
  #frames = 0;
  #bytes = 0;
  #open = 0;
  #unknown = 0;
  #isOver = false;
  readonly #ends = new Set<() => void>();

  /** @param sent how many messages the run has sent so far */
  constructor(sent: () => number, limits: Partial<TrafficLimits> = {}) {
    this.#sent = sent;
    this.#limits = {
      frames: maxRunFrames,
      bytes: maxRunBytes,
      connections: maxOpenConnections,
      unknown: maxUnknownFrames,
      ...limits,
    };
  }

  /** Aborted, with the reason as a text, when the target has sent more than the run can bear. */
  get exceeded(): AbortSignal {
    return this.#exceeded.signal;
  }

  /** A frame came, and nothing has waited for it so far. */
  came(bytes: number): void {
    this.#frames += 1;
    this.#bytes += bytes;
    if (this.#frames > this.#limits.frames + framesPerRequest * this.#sent())
      this.#exceed(`${this.#frames} frames that nothing waited for`);
    else if (this.#bytes > this.#limits.bytes) this.#exceed(`${this.#bytes} bytes that nothing waited for`);
  }

  /** A text came that is no message of the document. */
  cameUnknown(): void {
    this.#unknown += 1;
    if (this.#unknown > this.#limits.unknown + unknownPerRequest * this.#sent())
      this.#exceed(`${this.#unknown} texts that are no message of the document`);
  }

  /** Frames that had come were waited for after all. */
  read(frames: number, bytes: number): void {
    this.#frames -= frames;
    this.#bytes -= bytes;
  }

  /** The run has ended, and nothing of it may go on. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends what is still under way, such as checks of a run that was stopped. */
  end(): void {
    this.#isOver = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  /** @returns what takes it back */
  onEnd(end: () => void): () => void {
    this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  /** @throws NotTestable where too many connections are open already, TargetLost after the end of the run */
  opens(): void {
    if (this.#isOver) throw new TargetLost("The run has ended.");
    if (this.#open >= this.#limits.connections)
      throw new NotTestable(
        `needs more than ${this.#limits.connections} connections at once, which is the most that a run opens`,
      );
    this.#open += 1;
  }

  closed(): void {
    this.#open -= 1;
  }

  #exceed(what: string): void {
    if (!this.#exceeded.signal.aborted)
      this.#exceeded.abort(`the target has sent ${what}; the run ended before it ran out of memory`);
  }
}
