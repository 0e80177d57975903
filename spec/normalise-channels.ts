// Channels: address, protocol, parameters, and what their x- keys and bindings say of the connection.
import type { Channel, DocumentPointer, Server } from "./contract.ts";
import type { Definitions } from "./definitions.ts";
import type { Named } from "./normalise-effects.ts";
import { normaliseHandshake } from "./normalise-handshake.ts";
import { type MessageNames, memberValue } from "./normalise-messages.ts";
import * as promises from "./normalise-promises.ts";
import { type GivenValues, isWebSocket, parametersAt, withSlash } from "./normalise-servers.ts";
import { join } from "./pointer.ts";
import { isRecord, list, record, text } from "./raw.ts";
import { resolve, type SourceTree } from "./source-tree.ts";

/** What a channel is read with. */
export interface ChannelContext {
  readonly tree: SourceTree;
  readonly definitions: Definitions;
  readonly names: MessageNames;
  readonly servers: readonly Server[];
  readonly given: GivenValues;
  readonly error: Named["error"];
}

/** What the document means by a message's name in an x- key: the channel's key first, then any message of that name. */
export function messageNamed(channel: DocumentPointer | undefined, name: string, names: MessageNames): string {
  const own = channel === undefined ? undefined : names.nameAt(join(channel, "messages", name));
  return own ?? names.nameAt(join("#/components/messages", name)) ?? name;
}

/** One channel; none where its pointer leads nowhere. */
export function normaliseChannel(context: ChannelContext, id: string): Channel[] {
  const { tree, names, servers, given, error } = context;
  const pointer = join("#/channels", id);
  const resolved = resolve(tree, pointer);
  if (resolved === undefined || !isRecord(resolved.value)) return [];
  const value = resolved.value;
  const at = (key: string) => join(resolved.pointer, key);
  const named = { message: (name: string) => messageNamed(resolved.pointer, name, names), error };
  const ownServers = list(value.servers).flatMap((_, index) => {
    const server = resolve(tree, join(at("servers"), index))?.pointer;
    return servers.filter(({ name }) => resolve(tree, join("#/servers", name))?.pointer === server);
  });
  // An address is a path, but some write the whole URL.
  const address = (text(value.address) ?? "").replace(/^wss?:\/\/[^/?]*/i, "");
  const reached = ownServers.length > 0 ? ownServers : servers;
  const sources = {
    ...context,
    channel: resolved.pointer,
    addressQuery: address.split("?").slice(1).join("?"),
    security: [
      ...reached.map(({ name }) => join("#/servers", name, "security")),
      ...operationsOf(tree, resolved.pointer).map((operation) => join(operation, "security")),
    ],
  };
  return [
    {
      id,
      pointer,
      kind: kindOf(tree, value, resolved.pointer, reached),
      address: withSlash(address) || "/",
      isTopic: !/^[/?]|^$/.test(address),
      title: text(value.title) ?? "",
      description: (text(value.description) ?? "").trimEnd(),
      parameters: parametersAt(tree, at("parameters"), given),
      messages: [...new Set(Object.keys(record(value.messages)).flatMap((key) => names.nameAt(join(at("messages"), key)) ?? []))],
      handshake: normaliseHandshake(sources, named),
      heartbeat: promises.normaliseHeartbeat(value["x-heartbeat"], at("x-heartbeat"), named),
      limits: promises.normaliseLimits(value["x-limits"], at("x-limits"), named),
      rateLimits: promises.normaliseRateLimits(value["x-rate-limits"], at("x-rate-limits"), named),
      closeCodes: promises.normaliseCloseCodes(value["x-close-codes"], at("x-close-codes")),
      delivery: promises.normaliseDelivery(value["x-delivery"], at("x-delivery"), named),
      batch: promises.normaliseBatch(value["x-batch"], at("x-batch"), named),
      joinsMessages: ["server", "either"].includes(text(record(value["x-batch"]).by) ?? ""),
      endpoint: text(value["x-endpoint"]),
      servers: reached.map(({ name }) => name),
    },
  ];
}

/** Where the operations of a channel stand. */
function operationsOf(tree: SourceTree, channel: DocumentPointer): DocumentPointer[] {
  return Object.keys(record(record(tree.root).operations))
    .map((id) => join("#/operations", id))
    .filter((operation) => resolve(tree, join(operation, "channel"))?.pointer === channel);
}

/**
 * Bindings and x- keys say it best, then the protocols of its servers. A document that names no protocol is taken for a WebSocket's;
 * plain HTTP is none, unless the document's own id is a WebSocket URL.
 */
function kindOf(tree: SourceTree, channel: object, pointer: DocumentPointer, servers: readonly Server[]): Channel["kind"] {
  const bindings = record(record(channel).bindings);
  const saysSocket = ["x-handshake", "x-close-codes", "x-heartbeat", "x-endpoint"].some((key) => Object.hasOwn(channel, key));
  if (bindings.ws !== undefined || saysSocket) return "websocket";
  const operations = operationsOf(tree, pointer);
  const binds = (protocol: string) =>
    operations.some((operation) => record(memberValue(tree, operation, "bindings"))[protocol] !== undefined) ||
    servers.some(({ name }) => record(memberValue(tree, join("#/servers", name), "bindings"))[protocol] !== undefined);
  if (binds("ws")) return "websocket";
  if (bindings.http !== undefined || binds("http")) return "http";
  const protocols = servers.map(({ protocol }) => protocol.toLowerCase()).filter((protocol) => protocol !== "");
  if (protocols.length === 0 || protocols.some(isWebSocket)) return "websocket";
  if (/^wss?:/i.test(text(record(tree.root).id) ?? "")) return "websocket";
  return protocols.some((protocol) => /^https?$/.test(protocol)) ? "http" : "other";
}
