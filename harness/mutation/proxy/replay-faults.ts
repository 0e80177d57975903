// Planted faults of a replay on one connection: its first message gets lost, or is sent twice.
import type { OnReplay, Transformation } from "../../conformance/faults/plan.ts";
import type { InterceptedMessage, Traffic } from "./traffic.ts";

export class ReplayFaults {
  readonly #transformations: readonly OnReplay[];
  readonly #traffic: Traffic;
  /** Those whose replay has begun and whose first message is still to come. */
  readonly #begun = new Set<OnReplay>();

  constructor(transformations: readonly Transformation[], traffic: Traffic) {
    this.#transformations = transformations.filter((one) => one.on === "replay");
    this.#traffic = traffic;
  }

  /** How often the server's message is sent: 1, unless it is the first of a replay. */
  timesOf(message: InterceptedMessage): number {
    for (const one of this.#transformations) {
      if (message.cause?.operation.id === one.operation && message.errorCode === undefined) {
        if (this.#traffic.replays(message)) this.#begun.add(one);
      } else if (this.#begun.has(one) && message.cause === undefined && this.#traffic.keyOf(message) !== undefined) {
        this.#begun.delete(one);
        return one.act === "drop-first" ? 0 : 2;
      }
    }
    return 1;
  }
}
