// Which messages a direction carries. Pure.
import type { Contract } from "../../spec/contract.ts";

/** Names of the messages that a direction carries, in the order of the document. */
export function messagesOf(contract: Contract, from: "client" | "server", kind: "websocket" | "any" = "any"): string[] {
  const channels = new Map(contract.channels.map((channel) => [channel.id, channel]));
  const action = from === "client" ? "receive" : "send";
  const names = new Set<string>();
  for (const operation of contract.operations) {
    if (kind === "websocket" && channels.get(operation.channel)?.kind !== "websocket") continue;
    const own = operation.action === action ? operation.messages : [];
    const replies = operation.action !== action ? (operation.reply ?? []) : [];
    for (const name of [...own, ...replies]) names.add(name);
  }
  return contract.messages.map(({ name }) => name).filter((name) => names.has(name));
}
