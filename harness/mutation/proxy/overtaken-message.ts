// A message that waits until another one of its direction has overtaken it.

/** How long it waits at most. */
const maxWaitMs = 1_000;

export class OvertakenMessage {
  readonly #write: (bytes: Buffer) => void;
  #waiting: { readonly bytes: Buffer; readonly until: string | undefined; readonly timer: NodeJS.Timeout } | undefined;

  /** @param write sends it at last */
  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** @param until the name of the message that must overtake it; undefined: any */
  hold(bytes: Buffer, until: string | undefined): void {
    this.#waiting = { bytes, until, timer: setTimeout(() => this.release(), maxWaitMs) };
  }

  /** Another message was sent. @param name of that message; undefined: not known */
  overtakenBy(name: string | undefined): void {
    if (this.#waiting !== undefined && (this.#waiting.until === undefined || this.#waiting.until === name)) this.release();
  }

  release(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.drop();
    this.#write(waiting.bytes);
  }

  drop(): void {
    clearTimeout(this.#waiting?.timer);
    this.#waiting = undefined;
  }
}
