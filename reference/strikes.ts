// How many errors of one kind a connection got within a window.

export class Strikes {
  readonly #max: number;
  readonly #windowMs: number;
  /** Oldest first, none older than the window. */
  readonly #atMs: number[] = [];

  /** @param max strikes that are borne within any `windowMs` */
  constructor(max: number, windowMs: number) {
    this.#max = max;
    this.#windowMs = windowMs;
  }

  /** Counts one, and says whether that was one too many. */
  strike(nowMs: number): boolean {
    while (this.#atMs.length > 0 && this.#atMs[0]! <= nowMs - this.#windowMs) this.#atMs.shift();
    if (this.#atMs.length >= this.#max) return true;
    this.#atMs.push(nowMs);
    return false;
  }
}
