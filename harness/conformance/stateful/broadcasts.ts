// What cases of a run cause at connections of other cases: messages that an operation delivers to connections of all cases.

import type { Operation } from "../../../spec/contract.ts";
import type { TestClient } from "../../client/test-client.ts";
import { bind, boundOf, textOf } from "../../model/obligation.ts";
import type { Protocol } from "../../model/protocol.ts";
import { isShared } from "../anonymous-broadcasts.ts";

/** Shared by all cases of a run. */
export class Broadcasts {
  readonly #protocol: Protocol;
  /** Message and bound values -> the cases that caused it. */
  readonly #causes = new Map<string, Set<object>>();

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  /** Called before the frame is sent, so that nothing arrives unannounced. @param cause the case */
  announce(cause: object, operation: Operation, frame: unknown, { attributes }: Pick<TestClient, "attributes">): void {
    for (const effect of operation.effects) {
      if (effect.kind !== "deliver" || !isShared(this.#protocol, effect)) continue;
      const values = [...effect.bindings.values()];
      const isKnown = values.every(({ kind }) => kind !== "reply" && kind !== "header" && kind !== "parameter");
      const scope = { connection: { attributes: new Map(attributes), http: undefined }, frame, key: new Map() };
      this.#note(cause, isKnown ? textOf(effect.message, bind(effect, scope)) : effect.message);
    }
  }

  /** The case may cause all messages that a request over HTTP, or the end of a connection, delivers to everyone. */
  announceAny(cause: object): void {
    for (const [message, deliveries] of this.#protocol.deliveries)
      if (
        deliveries.some(
          ({ effect, cause: by }) =>
            isShared(this.#protocol, effect) && (!("operation" in by) || by.operation.channel !== this.#protocol.channel.id),
        )
      )
        this.#note(cause, message);
  }

  /** Whether another case may have caused the frame. */
  isElsewhere(cause: object, message: string, frame: unknown): boolean {
    const texts = (this.#protocol.deliveries.get(message) ?? []).map((delivery) => textOf(message, boundOf(delivery, frame)));
    return [message, ...texts].some((text) => [...(this.#causes.get(text) ?? [])].some((other) => other !== cause));
  }

  #note(cause: object, text: string): void {
    const causes = this.#causes.get(text) ?? new Set();
    this.#causes.set(text, causes.add(cause));
  }
}
