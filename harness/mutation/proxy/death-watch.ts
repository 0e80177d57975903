// What one client does, as far as a planted fault may have the whole server die from it.
import { type Frame, opcode } from "../../client/wire/frame.ts";
import { MessageReader } from "../../client/wire/message-reader.ts";
import type { DeathCause } from "../../conformance/faults/plan.ts";

/** So many pings of one client are a flood. */
const floodPings = 1_000;

export class DeathWatch {
  readonly #died: (cause: DeathCause) => void;
  /** Knows what the standard forbids a client. */
  readonly #reader = new MessageReader("client");
  #frames = 0;
  #pings = 0;
  #isClosed = false;

  /** @param died called with everything that may be fatal */
  constructor(died: (cause: DeathCause) => void) {
    this.#died = died;
  }

  frame(frame: Frame): void {
    this.#frames += 1;
    if (frame.opcode === opcode.close) this.#isClosed = true;
    if (frame.opcode === opcode.ping && ++this.#pings === floodPings) this.#died("flood");
    if (frame.opcode === opcode.binary && frame.reserved === 0) this.#died("binary-frame");
    if (this.#reader.read(frame).some(({ kind }) => kind === "broken")) this.#died("illegal-frame");
  }

  /** The client ended its side of TCP. */
  ended(): void {
    if (!this.#isClosed) this.#died("half-close");
  }

  /** @param pendingBytes of a frame that had begun */
  reset(pendingBytes: number): void {
    if (pendingBytes > 0) this.#died("reset-inside-frame");
    else if (this.#frames === 0) this.#died("reset-after-upgrade");
  }
}
