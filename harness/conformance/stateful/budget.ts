// Staying within the bursts of the rate limits, so that a refusal for the rate is never the case's own doing.
import type { Operation } from "../../../spec/contract.ts";
import type { Protocol } from "../../model/protocol.ts";
import type { Context } from "../context.ts";
import type { Participant } from "./case-state.ts";

/** Fences that are kept for the end of a case. */
const keptFences = 6;

export class Budget {
  readonly #context: Context;
  readonly #protocol: Protocol;
  readonly #spent = new Map<string, number>();

  constructor(context: Context, protocol: Protocol) {
    this.#context = context;
    this.#protocol = protocol;
  }

  /** Counts one request; false where it might be one too many. */
  spend(participant: Participant, operation: Operation, kept = 0): boolean {
    const accounts = operation.requires.flatMap((requirement) => {
      if (requirement.kind !== "rate") return [];
      const limit = this.#protocol.channel.rateLimits.find(({ name }) => name === requirement.limit);
      if (limit === undefined) return [];
      const owner =
        limit.scope === "connection" ? participant.client?.connection : participant.client?.attributes.get(limit.scope);
      return [{ name: `${limit.name} ${owner}`, burst: this.#context.effective(limit).burst }];
    });
    if (accounts.some(({ name, burst }) => (this.#spent.get(name) ?? 0) >= burst - kept)) return false;
    for (const { name } of accounts) this.#spent.set(name, (this.#spent.get(name) ?? 0) + 1);
    return true;
  }

  /** @param sparing whether some must be left for the end */
  spendFence(participant: Participant, sparing: boolean): boolean {
    const { fence } = this.#protocol;
    return fence === undefined ? !sparing : this.spend(participant, fence, sparing ? keptFences : 0);
  }

  /** Counts one malformed frame; each may also count for the rates, so few are sent. */
  spendMalformed(participant: Participant): boolean {
    const name = `malformed ${participant.client?.connection}`;
    const limits = this.#protocol.channel.limits
      .filter(({ kind }) => kind === "errors")
      .map((limit) => this.#context.effective(limit));
    const spent = this.#spent.get(name) ?? 0;
    if (spent >= Math.min(2, ...limits)) return false;
    this.#spent.set(name, spent + 1);
    return true;
  }
}
