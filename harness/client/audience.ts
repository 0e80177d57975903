// Whether a delivery that came can be meant for the connection that it came on, whatever is tested there. Pure.
import type { Channel, Contract, DocumentPointer, Effect, Operation } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonicalText } from "../schema/json.ts";

type Deliver = Extract<Effect, { kind: "deliver" }>;

/** A delivery that is not for the connection. */
export interface Stray {
  readonly pointer: DocumentPointer;
  readonly why: string;
}

/** Shared by the connections of a run. */
export class Audiences {
  /** Message -> the effects that deliver it; undefined where others than connections of the channel may cause it by an address. */
  readonly #effects: ReadonlyMap<string, readonly Deliver[]>;
  /** Attribute and value -> somebody has sent a request that is addressed to it. */
  readonly #addressed = new Set<string>();
  readonly #operations: readonly Operation[];
  /** Attributes that connections of the run have, or had. */
  readonly #taken = new Set<string>();

  constructor(contract: Contract, channel: Channel) {
    this.#operations = contract.operations.filter((one) => one.action === "receive" && one.channel === channel.id);
    const effects = [
      ...this.#operations.flatMap((one) => one.effects),
      ...contract.state.relations.flatMap(({ onDisconnect }) => onDisconnect),
    ].filter((one): one is Deliver => one.kind === "deliver");
    const elsewhere = contract.operations
      .filter((one) => one.action === "receive" && one.channel !== channel.id)
      .flatMap((one) => one.effects)
      .filter((one): one is Deliver => one.kind === "deliver");
    const answers = new Set([channel.handshake?.first, ...this.#operations.flatMap(({ reply }) => reply ?? [])]);
    const names = new Set(effects.map(({ message }) => message));
    const judged = [...names].filter(
      (name) => !answers.has(name) && !elsewhere.some(({ message, to }) => message === name && to.kind !== "relation"),
    );
    this.#effects = new Map(judged.map((name) => [name, [...effects, ...elsewhere].filter(({ message }) => message === name)]));
  }

  /** A connection was opened that the target gave these attributes. */
  opened(attributes: ReadonlyMap<string, unknown>): void {
    for (const value of attributes.values()) this.#taken.add(canonicalText(value ?? null));
  }

  /** Whether some connection of the run has, or had, an attribute of this value. */
  isTaken(value: unknown): boolean {
    return this.#taken.has(canonicalText(value ?? null));
  }

  /** A request was sent: who it is addressed to may receive what it delivers. */
  sent(operation: Operation | undefined, frame: unknown): void {
    for (const { to } of operation?.effects.filter((one): one is Deliver => one.kind === "deliver") ?? [])
      if (to.kind === "connection" && to.equals.kind === "message")
        this.#addressed.add(`${to.attribute} ${canonicalText(lookup(frame, to.equals.pointer) ?? null)}`);
  }

  /**
   * @param message that came @param frame its value
   * @param asked operations that the connection has sent; undefined: it has sent what nobody can know
   * @param attributes of the connection
   * @returns undefined where it may be meant for it
   */
  strayOf(
    message: string | undefined,
    frame: unknown,
    asked: ReadonlySet<Operation> | undefined,
    attributes: ReadonlyMap<string, unknown>,
  ): Stray | undefined {
    const ofMessage = message === undefined ? undefined : this.#effects.get(message);
    if (ofMessage === undefined || asked === undefined) return undefined;
    const effects = ofMessage.filter((effect) => hasLiterals(effect, frame));
    if (effects.length === 0) return undefined;
    const reasons = effects.map((effect) => this.#whyNot(effect, [...asked], attributes));
    return reasons.every((reason) => reason !== undefined) ? { pointer: effects[0]!.pointer, why: reasons[0]! } : undefined;
  }

  /** @returns undefined where the effect may reach the connection */
  #whyNot(effect: Deliver, asked: readonly Operation[], attributes: ReadonlyMap<string, unknown>): string | undefined {
    const { to } = effect;
    // The sender may be one of those who receive it.
    if (to.kind === "all" || asked.some(({ effects }) => effects.includes(effect))) return undefined;
    if (to.kind === "relation") {
      const hasJoined = asked.some(({ effects }) => effects.some((one) => one.kind === "add" && one.relation === to.relation));
      return hasJoined ? undefined : `a connection that was never in the relation ${to.relation}`;
    }
    const own = attributes.get(to.attribute);
    if (own === undefined || to.equals.kind !== "message") return undefined;
    return this.#addressed.has(`${to.attribute} ${canonicalText(own)}`)
      ? undefined
      : `a connection whose ${to.attribute} no request has named`;
  }
}

/** Whether the frame has the fixed values of the effect: a broadcast may differ from a room's message by its empty room alone. */
function hasLiterals({ bindings }: Deliver, frame: unknown): boolean {
  return [...bindings].every(
    ([pointer, value]) =>
      value.kind !== "literal" || canonicalText(lookup(frame, pointer) ?? null) === canonicalText(value.value),
  );
}
