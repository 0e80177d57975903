// Which messages a direction carries, and how the docs group them. Pure.
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

export interface MessageGroup {
  readonly id: string;
  readonly title: string;
  /** Never empty. */
  readonly names: readonly string[];
}

/** Every message once: by the direction in which it goes over WebSocket, then the others. */
export function messageGroups(contract: Contract): MessageGroup[] {
  const client = messagesOf(contract, "client", "websocket");
  const server = messagesOf(contract, "server", "websocket");
  const others = contract.messages.map(({ name }) => name).filter((name) => !client.includes(name) && !server.includes(name));
  const isHttp = contract.channels.some(
    ({ kind, messages }) => kind === "http" && messages.some((name) => others.includes(name)),
  );
  const groups: MessageGroup[] = [
    { id: "client-messages", title: "Client messages", names: client.filter((name) => !server.includes(name)) },
    { id: "server-messages", title: "Server messages", names: server.filter((name) => !client.includes(name)) },
    { id: "both-messages", title: "Messages in both directions", names: client.filter((name) => server.includes(name)) },
    { id: "other-messages", title: isHttp ? "HTTP bodies" : "Other messages", names: others },
  ];
  return groups.filter(({ names }) => names.length > 0);
}
