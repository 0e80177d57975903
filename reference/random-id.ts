// Names that nobody can guess, for connections and epochs.
import { randomFillSync } from "node:crypto";

const idBytes = 9;
/** One call of the generator serves many ids, because a call costs more than its bytes. */
const pool = Buffer.allocUnsafeSlow(idBytes * 256);
let usedBytes = pool.length;

/** 72 random bits in base64url: 12 characters. */
export function randomId(): string {
  if (usedBytes === pool.length) {
    randomFillSync(pool);
    usedBytes = 0;
  }
  usedBytes += idBytes;
  return pool.toString("base64url", usedBytes - idBytes, usedBytes);
}
