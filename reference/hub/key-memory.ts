// Idempotency keys of the last minutes: where the message with this key went the first time.
import type { Published } from "./hub.ts";

export class KeyMemory {
  readonly #keepMs: number;
  readonly #maxKeys: number;
  /** Oldest first, because all are kept equally long. */
  readonly #entries = new Map<string, { readonly published: Published; readonly untilMs: number }>();

  /** @param maxKeys after which `isFull` says so; `add` does not check */
  constructor(keepMs: number, maxKeys: number) {
    this.#keepMs = keepMs;
    this.#maxKeys = maxKeys;
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#maxKeys;
  }

  /** Forgets what is over, then looks. */
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

/** A key has no space, so two pairs never share a name. */
function nameOf(userId: string, key: string): string {
  return `${key} ${userId}`;
}
