// Messages that a faulty server would send: replies and deliveries made from the contract's examples and bindings. Pure.
import type { Contract, Effect, ErrorValue, Message, Operation, Pointer, Stream, Value } from "../../../spec/contract.ts";
import { lookup } from "../../../spec/pointer.ts";
import { withValueAt } from "../../client/messages.ts";

/** What a reply or delivery is made from. */
export interface Cause {
  readonly operation: Operation;
  /** The request, as the client sent it. */
  readonly request: unknown;
  /** x-state's connection attributes of the one who sent it. */
  readonly sender: ReadonlyMap<string, unknown>;
}

export interface Composer {
  /** The operation's success; undefined where no reply is promised. */
  success(cause: Cause): unknown;
  /** The contract's error reply to it; undefined where errors are told by close codes alone. */
  refusal(errorCode: ErrorValue, cause: Cause | undefined): unknown;
  /** What the operation delivers to others, each with its effect. */
  deliveries(cause: Cause): { readonly effect: Extract<Effect, { kind: "deliver" }>; readonly value: unknown }[];
  /** The value in force for the cause; undefined where it cannot be told from the outside. */
  resolve(value: Value, cause: Cause): unknown;
  /** A good message of the client, with the id of the other where it has one. */
  repaired(name: string, bad: unknown): unknown;
}

export function createComposer(contract: Contract): Composer {
  const byName = new Map(contract.messages.map((message) => [message.name, message]));

  const resolve = (value: Value, cause: Cause): unknown => {
    if (value.kind === "literal") return value.value;
    if (value.kind === "message") return lookup(cause.request, value.pointer);
    if (value.kind === "sender") return cause.sender.get(value.attribute);
    return undefined;
  };
  const bound = (message: Message | undefined, bindings: ReadonlyMap<Pointer, Value>, cause: Cause): unknown => {
    let made = message?.examples[0]?.payload;
    if (made === undefined) return undefined;
    for (const [pointer, value] of bindings) {
      const resolved = resolve(value, cause);
      if (resolved !== undefined) made = withValueAt(made, pointer, resolved);
    }
    return made;
  };
  /** With the request's id where replies to it carry one. */
  const answering = (made: unknown, message: Message | undefined, cause: Cause | undefined): unknown => {
    if (message?.correlation === undefined) return made;
    const request = byName.get(cause?.operation.messages[0] ?? "");
    const id = request?.correlation === undefined ? undefined : lookup(cause?.request, request.correlation);
    return id === undefined ? made : withValueAt(made, message.correlation, id);
  };

  return {
    resolve,
    success(cause) {
      const effect = cause.operation.effects.find((one) => one.kind === "reply");
      const error = contract.errors?.reply.message;
      const name = effect?.message ?? cause.operation.reply?.find((one) => one !== error);
      const message = byName.get(name ?? "");
      const made = bound(message, effect?.bindings ?? new Map(), cause);
      return made === undefined ? undefined : answering(made, message, cause);
    },
    refusal(errorCode, cause) {
      const reply = contract.errors?.reply;
      const message = byName.get(reply?.message ?? "");
      if (reply?.code === undefined || message === undefined) return undefined;
      const { code, retryable } = reply;
      const examples = message.examples.map(({ payload }) => payload);
      const own = examples.find((payload) => lookup(payload, code) === errorCode);
      let made = withValueAt(own ?? examples[0] ?? {}, code, errorCode);
      const declared = contract.errors?.codes.find((one) => one.code === errorCode);
      if (retryable !== undefined && declared !== undefined) made = withValueAt(made, retryable, declared.retryable);
      return answering(made, message, cause);
    },
    deliveries: (cause) =>
      cause.operation.effects.flatMap((effect) => {
        if (effect.kind !== "deliver") return [];
        const value = bound(byName.get(effect.message), effect.bindings, cause);
        return value === undefined ? [] : [{ effect, value }];
      }),
    repaired(name, bad) {
      const message = byName.get(name);
      const made = message?.examples[0]?.payload;
      const id = message?.correlation === undefined ? undefined : lookup(bad, message.correlation);
      return typeof id === "string" || typeof id === "number" ? withValueAt(made, message!.correlation!, id) : made;
    },
  };
}

/** The stream that a message, or a reply that carries a position, belongs to. */
export function streamOf(streams: readonly Stream[], message: string): Stream | undefined {
  return streams.find((stream) => stream.messages.includes(message) || stream.replies.includes(message));
}
