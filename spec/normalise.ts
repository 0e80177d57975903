// A loaded document -> Contract. Pure, and lenient: what is missing or mistyped gets its default here and its finding in lint.
import {
  type Channel,
  type Contract,
  type DocumentPointer,
  type Errors,
  type ErrorValue,
  isErrorValue,
  type Operation,
} from "./contract.ts";
import { createDefinitions } from "./definitions.ts";
import { tagsAmong } from "./message-tags.ts";
import { messageNamed, normaliseChannel } from "./normalise-channels.ts";
import { type Named, normaliseEffects, normaliseRequirements } from "./normalise-effects.ts";
import { type MessageNames, memberPointer, memberValue, nameMessages, normaliseMessage } from "./normalise-messages.ts";
import * as promises from "./normalise-promises.ts";
import { type GivenValues, normaliseServers } from "./normalise-servers.ts";
import { canonical, join, tokens } from "./pointer.ts";
import { isRecord, oneOf, record, text } from "./raw.ts";
import { readBindings } from "./read-value.ts";
import { resolve, type SourceTree } from "./source-tree.ts";

export interface NormaliseOptions {
  /** Whose send and receive the document speaks of; by default what its x-perspective says, else the server's. */
  readonly perspective?: "server" | "client" | undefined;
  /** The version that the document was written in, where a converter changed it. */
  readonly asyncapi?: string | undefined;
  /** Name of the one server that counts; by default all. */
  readonly server?: string | undefined;
  /** Values of server variables and address parameters, by name. */
  readonly variables?: GivenValues | undefined;
}

export function normalise(tree: SourceTree, options: NormaliseOptions = {}): Contract {
  const { perspective, asyncapi, server, variables: given = {} } = options;
  const root = record(tree.root);
  const info = record(root.info);
  const side = perspective ?? (root["x-perspective"] === "client" ? "client" : "server");
  const names = nameMessages(tree);
  const definitions = createDefinitions(tree);
  const defaultContentType = text(root.defaultContentType);
  const untagged = [...names.pointers].map(([name, at]) => normaliseMessage(tree, name, at, defaultContentType, definitions));
  const servers = normaliseServers(tree, given, server);
  const errors = promises.normaliseErrors(root["x-errors"], "#/x-errors", (name) => messageNamed(undefined, name, names));
  const error = (raw: unknown) => errorNamed(raw, errors);
  const context = { tree, definitions, names, servers, given, error };
  const channels = Object.keys(record(root.channels)).flatMap((id) => normaliseChannel(context, id));
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
    messages: tagsAmong({ messages: untagged, channels, operations, definitions: all }),
    definitions: all,
    state: promises.normaliseState(root["x-state"], "#/x-state", named),
    errors,
  };
}

/** An error is named by its code or, where a code says little, by its name. */
function errorNamed(raw: unknown, errors: Errors | undefined): ErrorValue | undefined {
  if (!isErrorValue(raw)) return undefined;
  if (errors?.codes.some(({ code }) => code === raw)) return raw;
  return errors?.codes.find(({ name }) => name === raw)?.code ?? raw;
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

function unique(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names.filter((name) => name !== undefined))];
}
