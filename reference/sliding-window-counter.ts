// Counts events, such as errors of a connection, within a sliding window.

export class SlidingWindowCounter {
  readonly #max: number;
  readonly #windowMs: number;
  /** Oldest first, none older than the window. */
  readonly #atMs: number[] = [];

  /** @param max events that are allowed within any `windowMs` */
  constructor(max: number, windowMs: number) {
    this.#max = max;
    this.#windowMs = windowMs;
  }

  /** Counts one event. @returns whether it exceeds the limit */
  hit(nowMs: number): boolean {
    while (this.#atMs.length > 0 && this.#atMs[0]! <= nowMs - this.#windowMs) this.#atMs.shift();
    if (this.#atMs.length >= this.#max) return true;
    this.#atMs.push(nowMs);
    return false;
  }
}
