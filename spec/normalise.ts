// A loaded document -> Contract. Pure, and lenient: what is missing or mistyped gets its default here and its finding in lint.
import {
  type Channel,
  type Contract,
  type DocumentPointer,
  type Errors,
  type ErrorValue,
  isErrorValue,
  type JsonSchema,
  type Message,
  type Operation,
  type Parameter,
  type Server,
} from "./contract.ts";
import { createDefinitions } from "./definitions.ts";
import { tagAmong } from "./message-tags.ts";
import { type Named, normaliseEffects, normaliseRequirements } from "./normalise-effects.ts";
import { type MessageNames, memberPointer, memberValue, nameMessages, normaliseMessage } from "./normalise-messages.ts";
import * as promises from "./normalise-promises.ts";
import { canonical, join, tokens } from "./pointer.ts";
import { isRecord, list, oneOf, type RawRecord, record, strings, text } from "./raw.ts";
import { readBindings } from "./read-value.ts";
import { resolve, type SourceTree } from "./source-tree.ts";

/**
 * @param perspective whose send and receive the document speaks of; the document's own x-perspective where it is undefined
 * @param asyncapi the version that the document was written in, where a converter changed it
 */
export function normalise(tree: SourceTree, perspective?: "server" | "client", asyncapi?: string): Contract {
  const root = record(tree.root);
  const info = record(root.info);
  const side = perspective ?? (root["x-perspective"] === "client" ? "client" : "server");
  const names = nameMessages(tree);
  const definitions = createDefinitions(tree);
  const defaultContentType = text(root.defaultContentType) ?? "application/json";
  const untagged = [...names.pointers].map(([name, at]) => normaliseMessage(tree, name, at, defaultContentType, definitions));
  const servers = serversOf(tree);
  const errors = promises.normaliseErrors(root["x-errors"], "#/x-errors", (name) => messageNamed(undefined, name, names));
  const error = (raw: unknown) => errorNamed(raw, errors);
  const channels = Object.keys(record(root.channels)).flatMap((id) => channelOf(tree, id, names, servers, error));
  const operations = Object.keys(record(root.operations)).flatMap((id) => operationOf(tree, id, names, channels, side, error));
  const all = definitions.all();
  const named = { message: (name: string) => messageNamed(undefined, name, names), error };
  return {
    title: text(info.title) ?? "",
    version: String(info.version ?? ""),
    description: (text(info.description) ?? "").trimEnd(),
    file: tree.file,
    asyncapi: asyncapi ?? String(root.asyncapi ?? ""),
    perspective: side,
    servers,
    channels,
    operations,
    messages: withTags(untagged, channels, operations, all),
    definitions: all,
    state: promises.normaliseState(root["x-state"], "#/x-state", named),
    errors,
  };
}

function serversOf(tree: SourceTree): Server[] {
  return Object.keys(record(record(tree.root).servers)).flatMap((name) => {
    const value = resolve(tree, join("#/servers", name))?.value;
    if (!isRecord(value)) return [];
    return [
      {
        name,
        protocol: text(value.protocol) ?? "",
        host: text(value.host) ?? "",
        pathname: text(value.pathname) ?? "",
        description: text(value.description) ?? "",
        variables: [],
        url: "",
      },
    ];
  });
}

function parameterOf(name: string, raw: RawRecord, given: Readonly<Record<string, string>>): Parameter {
  const values = strings(raw.enum);
  return {
    name,
    description: text(raw.description) ?? "",
    values,
    value: given[name] ?? text(raw.default) ?? values[0] ?? strings(raw.examples)[0],
    schema: undefined,
  };
}

/** What the document means by a message's name in an x- key: the channel's key first, then any message of that name. */
function messageNamed(channel: DocumentPointer | undefined, name: string, names: MessageNames): string {
  const own = channel === undefined ? undefined : names.nameAt(join(channel, "messages", name));
  return own ?? names.nameAt(join("#/components/messages", name)) ?? name;
}

/** An error is named by its code or, where a code says little, by its name. */
function errorNamed(raw: unknown, errors: Errors | undefined): ErrorValue | undefined {
  if (!isErrorValue(raw)) return undefined;
  if (errors?.codes.some(({ code }) => code === raw)) return raw;
  return errors?.codes.find(({ name }) => name === raw)?.code ?? raw;
}

function channelOf(
  tree: SourceTree,
  id: string,
  names: MessageNames,
  servers: readonly Server[],
  error: Named["error"],
): Channel[] {
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
  return [
    {
      id,
      pointer,
      kind: kindOf(tree, value, resolved.pointer, ownServers.length > 0 ? ownServers : servers),
      address: text(value.address) ?? "/",
      title: text(value.title) ?? "",
      description: (text(value.description) ?? "").trimEnd(),
      parameters: Object.keys(record(value.parameters)).map((name) => {
        const parameter = record(resolve(tree, join(at("parameters"), name))?.value);
        return parameterOf(name, parameter, {});
      }),
      messages: unique(Object.keys(record(value.messages)).map((key) => names.nameAt(join(at("messages"), key)))),
      handshake: promises.normaliseHandshake(value["x-handshake"], at("x-handshake"), named),
      heartbeat: promises.normaliseHeartbeat(value["x-heartbeat"], at("x-heartbeat"), named),
      limits: promises.normaliseLimits(value["x-limits"], at("x-limits"), named),
      rateLimits: promises.normaliseRateLimits(value["x-rate-limits"], at("x-rate-limits"), named),
      closeCodes: promises.normaliseCloseCodes(value["x-close-codes"], at("x-close-codes")),
      delivery: promises.normaliseDelivery(value["x-delivery"], at("x-delivery"), named),
      batch: promises.normaliseBatch(value["x-batch"], at("x-batch"), named),
      endpoint: text(value["x-endpoint"]),
      servers: ownServers.map(({ name }) => name),
    },
  ];
}

/** Bindings say it best; then what its operations and servers speak. A document without either is taken for a WebSocket's. */
function kindOf(tree: SourceTree, channel: object, pointer: DocumentPointer, servers: readonly Server[]): Channel["kind"] {
  const bindings = record(record(channel).bindings);
  if (bindings.ws !== undefined || Object.hasOwn(channel, "x-handshake") || Object.hasOwn(channel, "x-close-codes"))
    return "websocket";
  const overHttp = Object.keys(record(record(tree.root).operations)).some((id) => {
    const operation = join("#/operations", id);
    return (
      resolve(tree, join(operation, "channel"))?.pointer === pointer &&
      record(memberValue(tree, operation, "bindings")).http !== undefined
    );
  });
  if (bindings.http !== undefined || overHttp) return "http";
  const protocols = new Set(servers.map(({ protocol }) => protocol.toLowerCase()));
  if (protocols.size === 0 || ["ws", "wss", "http", "https"].some((protocol) => protocols.has(protocol))) return "websocket";
  return "other";
}

function operationOf(
  tree: SourceTree,
  id: string,
  names: MessageNames,
  channels: readonly Channel[],
  perspective: "server" | "client",
  error: Named["error"],
): Operation[] {
  const pointer = join("#/operations", id);
  const resolved = resolve(tree, pointer);
  if (resolved === undefined || !isRecord(resolved.value)) return [];
  const get = (key: string) => memberValue(tree, resolved.pointer, key);
  const channelPointer = resolve(tree, join(resolved.pointer, "channel"))?.pointer;
  const channel = channels.find((candidate) => resolve(tree, candidate.pointer)?.pointer === channelPointer);
  const receives = (get("action") === "receive") === (perspective === "server");
  const named: Named = {
    message: (name) => messageNamed(channelPointer, name, names),
    error,
    limits: channels.flatMap(({ limits }) => limits),
    rateLimits: channels.flatMap(({ rateLimits }) => rateLimits),
  };
  const extension = (key: string) => memberPointer(tree, resolved.pointer, key) ?? join(resolved.pointer, key);
  return [
    {
      id,
      pointer,
      action: receives ? "receive" : "send",
      channel: channel?.id ?? tokens(canonical(text(record(resolved.value.channel).$ref) ?? "")).at(-1) ?? "",
      summary: text(get("summary")) ?? text(get("title")) ?? "",
      description: (text(get("description")) ?? "").trimEnd(),
      messages: messagesAt(tree, join(resolved.pointer, "messages"), channel, names),
      reply: replyOf(tree, resolved.pointer, channels, channel, names),
      httpMethod: text(record(record(get("bindings")).http).method),
      replyWhen: oneOf(get("x-reply"), ["always", "when-correlated"], "always"),
      exercise: oneOf(get("x-exercise"), ["never", "examples", "full"], "full"),
      bindings: readBindings(get("x-with")),
      requires: normaliseRequirements(get("x-requires"), extension("x-requires"), named),
      effects: normaliseEffects(get("x-effects"), extension("x-effects"), named),
      effectsKnown: Array.isArray(get("x-effects")),
    },
  ];
}

/** The messages of a list of references; all of the channel's where there is no list (AsyncAPI 3, Operation Object). */
function messagesAt(tree: SourceTree, pointer: DocumentPointer, channel: Channel | undefined, names: MessageNames): string[] {
  const references = resolve(tree, pointer)?.value;
  if (!Array.isArray(references)) return [...(channel?.messages ?? [])];
  return unique(references.map((_, index) => names.nameAt(join(pointer, index))));
}

function replyOf(
  tree: SourceTree,
  operation: DocumentPointer,
  channels: readonly Channel[],
  ownChannel: Channel | undefined,
  names: MessageNames,
): string[] | undefined {
  const reply = resolve(tree, join(operation, "reply"));
  if (reply === undefined) return undefined;
  const target = resolve(tree, join(reply.pointer, "channel"))?.pointer;
  const channel = target === undefined ? ownChannel : channels.find(({ pointer }) => resolve(tree, pointer)?.pointer === target);
  return messagesAt(tree, join(reply.pointer, "messages"), channel, names);
}

/** Gives each message the tag that tells it from all others that the same side may send on the same channel. */
function withTags(
  untagged: readonly Omit<Message, "tag">[],
  channels: readonly Channel[],
  operations: readonly Operation[],
  definitions: ReadonlyMap<string, JsonSchema>,
): Message[] {
  const payloads = new Map(untagged.map(({ name, payload }) => [name, payload]));
  const groups = channels.flatMap((channel) => directionsOf(channel, operations));
  return untagged.map((message) => {
    const others = unique(groups.filter((group) => group.has(message.name)).flatMap((group) => [...group]));
    const otherPayloads = others.filter((name) => name !== message.name).map((name) => payloads.get(name) ?? true);
    return { ...message, tag: message.format === "json" ? tagAmong(message.payload, otherPayloads, definitions) : undefined };
  });
}

/** The messages that the server may receive on a channel, and those that it may send; replies go the other way. */
export function directionsOf(channel: Channel, operations: readonly Operation[]): [Set<string>, Set<string>] {
  const received = new Set<string>();
  const sent = new Set<string>();
  for (const operation of operations.filter((candidate) => candidate.channel === channel.id)) {
    const [there, back] = operation.action === "receive" ? [received, sent] : [sent, received];
    for (const name of operation.messages) there.add(name);
    for (const name of operation.reply ?? []) back.add(name);
  }
  return [received, sent];
}

function unique(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names.filter((name) => name !== undefined))];
}
