// Which other connections of the proxy also get a message, where a fault has it delivered too widely. Pure.
import { lookup } from "../../../spec/pointer.ts";
import type { MessageAct } from "../../conformance/faults/plan.ts";
import type { ConnectionState, InterceptedMessage, Traffic } from "./traffic.ts";

/** A connection of the proxy, as far as its receivers are chosen by it. */
export interface Receiver {
  readonly who: ConnectionState;
}

/** Whether the message carries, where its effect binds the sender's unique attribute, the attribute of this connection. */
export function isSender({ name, value }: InterceptedMessage, { who }: Receiver, traffic: Traffic): boolean {
  return traffic.senderIn(name ?? "").some(({ pointer, attribute }) => {
    const own = who.attributes.get(attribute);
    return own !== undefined && lookup(value, pointer) === own;
  });
}

/** @param others all connections but the receiver itself, oldest first */
export function copyReceivers<Other extends Receiver>(
  act: Extract<MessageAct, { do: "copy-to" }>,
  message: InterceptedMessage,
  others: readonly Other[],
  traffic: Traffic,
): readonly Other[] {
  const key = traffic.keyOf(message);
  const known = others.filter(({ who }) => who.attributes.size > 0);
  if (act.whom === "stranger") return known.filter(({ who }) => key === undefined || !who.keys.has(key)).slice(0, 1);
  if (act.whom === "sender") return known.filter((one) => isSender(message, one, traffic));
  const operation = act.operation === undefined ? undefined : traffic.operation(act.operation);
  return known.filter(({ who }) => operation !== undefined && key !== undefined && who.keys.get(key) === operation);
}

/**
 * The sender of the request and all that used its key. Empty where only a repetition counts and this is none.
 * @param all connections, the sender's among them
 */
export function deliveryReceivers<Other extends Receiver>(
  act: Extract<MessageAct, { do: "deliver" }>,
  message: InterceptedMessage,
  sender: Other,
  all: readonly Other[],
  traffic: Traffic,
): readonly Other[] {
  const key = traffic.keyOf({ ...message, errorCode: undefined });
  const isRepeated = key !== undefined && sender.who.keys.get(key) === message.cause?.operation;
  if (act.onlyRepeated === true && !isRepeated) return [];
  return all.filter((one) => one === sender || (key !== undefined && one.who.keys.has(key)));
}
