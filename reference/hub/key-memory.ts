// Recent idempotency keys, each with the position of its first message.
import type { Published } from "./hub.ts";

export class KeyMemory {
  readonly #keepMs: number;
  readonly #maxKeys: number;
  /** Oldest first, because all are kept for the same time. */
  readonly #entries = new Map<string, { readonly published: Published; readonly untilMs: number }>();

  /** @param maxKeys at which `isFull` becomes true; `add` does not check it */
  constructor(keepMs: number, maxKeys: number) {
    this.#keepMs = keepMs;
    this.#maxKeys = maxKeys;
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#maxKeys;
  }

  /** Drops expired keys, then looks up this one. */
  find(userId: string, key: string, nowMs: number): Published | undefined {
    for (const [name, { untilMs }] of this.#entries) {
      if (untilMs > nowMs) break;
      this.#entries.delete(name);
    }
    return this.#entries.get(nameOf(userId, key))?.published;
  }

  add(userId: string, key: string, published: Published, nowMs: number): void {
    this.#entries.set(nameOf(userId, key), { published, untilMs: nowMs + this.#keepMs });
  }
}

/** Unique per pair, because a key has no space. */
function nameOf(userId: string, key: string): string {
  return `${key} ${userId}`;
}
