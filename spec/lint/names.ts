// What the x- keys name must exist: messages, relations, limits, codes, operations, attributes, parameters.
import {
  type CloseCode,
  type Contract,
  type DocumentPointer,
  type Effect,
  type ErrorValue,
  type Finding,
  isWebSocketPing,
  type Operation,
  type Requirement,
  type Value,
  type Where,
} from "../contract.ts";
import { join } from "../pointer.ts";
import { at, type SourceTree } from "../source-tree.ts";
import { type Check, choices, correction } from "./check.ts";

interface Names {
  /** A finding where the name is given and is not among those known. */
  readonly look: (kind: Kind, name: ErrorValue | undefined, pointer: DocumentPointer) => Finding[];
  readonly contract: Contract;
}

type Kind =
  | "message"
  | "relation"
  | "limit"
  | "rate-limit"
  | "error-code"
  | "close-code"
  | "operation"
  | "attribute"
  | "stream"
  | "claim";

const sections: Readonly<Record<Kind, string>> = {
  message: "the messages of the channels",
  relation: "x-state/relations",
  limit: "x-limits",
  "rate-limit": "x-rate-limits",
  "error-code": "x-errors/codes",
  "close-code": "x-close-codes",
  operation: "operations",
  attribute: "x-state/connection",
  stream: "x-delivery/streams",
  claim: "x-handshake/credentials/claims",
};

export const checkNames: Check = ({ tree, contract, ours }) => {
  if (!ours) return [];
  const names = createNames(tree, contract);
  return [
    ...ofErrors(names),
    ...contract.channels.flatMap((channel) => ofChannel(tree, names, channel)),
    ...contract.state.relations.flatMap((relation) =>
      relation.onDisconnect.flatMap((effect) => ofEffect(tree, names, effect, undefined, relation.columns)),
    ),
    ...contract.operations.flatMap((operation) => [
      ...operation.requires.flatMap((requirement) => ofRequirement(tree, names, requirement, operation)),
      ...operation.effects.flatMap((effect) => ofEffect(tree, names, effect, operation, [])),
      ...ofWhere(tree, names, operation.bindings, join(operation.pointer, "x-with"), operation, []),
    ]),
  ];
};

function createNames(tree: SourceTree, contract: Contract): Names {
  const { channels } = contract;
  const known: Readonly<Record<Kind, ReadonlySet<ErrorValue>>> = {
    message: new Set(contract.messages.map(({ name }) => name)),
    relation: new Set(contract.state.relations.map(({ name }) => name)),
    limit: new Set(channels.flatMap(({ limits }) => limits.map(({ name }) => name))),
    "rate-limit": new Set(channels.flatMap(({ rateLimits }) => rateLimits.map(({ name }) => name))),
    "error-code": new Set(contract.errors?.codes.map(({ code }) => code)),
    "close-code": new Set(channels.flatMap(({ closeCodes }) => closeCodes.map(({ code }: CloseCode) => code))),
    operation: new Set(contract.operations.map(({ id }) => id)),
    attribute: new Set(contract.state.attributes.map(({ name }) => name)),
    stream: new Set(channels.flatMap(({ delivery }) => delivery?.streams.map(({ name }) => name) ?? [])),
    claim: new Set(channels.flatMap(({ handshake }) => handshake?.credentials?.claims.map(({ name }) => name) ?? [])),
  };
  const look = (kind: Kind, name: ErrorValue | undefined, pointer: DocumentPointer): Finding[] => {
    if (name === undefined || name === "" || known[kind].has(name)) return [];
    return [
      at(tree, pointer, {
        severity: "error",
        id: `${kind}-unknown`,
        expected: `one of ${sections[kind]}: ${choices([...known[kind]].map(String))}`,
        actual: String(name),
        fix: correction(String(name), [...known[kind]].map(String), `declare it in ${sections[kind]}, or name another`),
      }),
    ];
  };
  return { look, contract };
}

function ofErrors({ look, contract: { errors } }: Names): Finding[] {
  if (errors === undefined) return [];
  return [
    ...errors.replies.flatMap(({ message, from }) => look("message", message, join(from, "message"))),
    ...errors.codes.flatMap(({ close, pointer }) => look("close-code", close, join(pointer, "close"))),
  ];
}

function ofChannel(tree: SourceTree, { look, contract }: Names, channel: Contract["channels"][number]): Finding[] {
  const { handshake, heartbeat, limits, rateLimits, delivery, batch } = channel;
  return [
    ...look("message", handshake?.first, join(handshake?.pointer ?? "#", "first")),
    ...(handshake?.refusals.flatMap(({ outcome, claim, pointer }) => [
      ...("close" in outcome ? look("close-code", outcome.close, join(pointer, "close")) : []),
      ...look("claim", claim, join(pointer, "claim")),
    ]) ?? []),
    ...(heartbeat === undefined ? [] : look("close-code", heartbeat.close, join(heartbeat.pointer, "close"))),
    ...(heartbeat === undefined || isWebSocketPing(heartbeat)
      ? []
      : look("message", heartbeat.frame, join(heartbeat.pointer, "frame"))),
    ...(heartbeat === undefined ? [] : look("message", heartbeat.answer, join(heartbeat.pointer, "answer"))),
    ...(batch === undefined ? [] : look("error-code", batch.error, join(batch.pointer, "error"))),
    ...limits.flatMap((limit) => [
      ...look("error-code", limit.error, join(limit.pointer, "error")),
      ...look("close-code", limit.close, join(limit.pointer, "close")),
      ...(limit.kind === "relation" ? look("relation", limit.relation, join(limit.pointer, "relation")) : []),
      ...(limit.kind === "connections" ? look("attribute", limit.per, join(limit.pointer, "per")) : []),
      ...(limit.kind === "errors"
        ? limit.errors.flatMap((code, index) => look("error-code", code, join(limit.pointer, "errors", index)))
        : []),
      ...(limit.kind === "first-message" ? look("message", limit.message, join(limit.pointer, "message")) : []),
    ]),
    ...rateLimits.flatMap((limit) => [
      ...look("error-code", limit.error, join(limit.pointer, "error")),
      ...(limit.scope === "connection" ? [] : look("attribute", limit.scope, join(limit.pointer, "scope"))),
    ]),
    ...(delivery === undefined ? [] : look("operation", delivery.fence, join(delivery.pointer, "fence"))),
    ...ofFence(tree, contract, channel),
    ...(delivery?.streams.flatMap(({ messages, replies, pointer }) => [
      ...messages.flatMap((name, index) => look("message", name, join(pointer, "messages", index))),
      ...replies.flatMap((name, index) => look("message", name, join(pointer, "replies", index))),
    ]) ?? []),
  ];
}

/** What is sent to the client, or is not answered, can fence nothing. */
function ofFence(tree: SourceTree, contract: Contract, channel: Contract["channels"][number]): Finding[] {
  const { delivery } = channel;
  const fence = contract.operations.find(({ id }) => id === delivery?.fence);
  if (delivery === undefined || fence === undefined) return [];
  const wrong =
    fence.action === "send"
      ? "an operation by which the server sends"
      : fence.channel !== channel.id
        ? "an operation of another channel"
        : fence.reply === undefined
          ? "an operation without a reply"
          : undefined;
  if (wrong === undefined) return [];
  return [
    at(tree, join(delivery.pointer, "fence"), {
      severity: "error",
      id: "fence-unanswered",
      expected: "a request of the client on this channel that the server answers",
      actual: `${fence.id}, ${wrong}`,
      fix:
        fence.action === "send"
          ? "name a request, or give --perspective client if the document is written from the client's perspective"
          : "name a request that has a reply, or leave the fence out",
    }),
  ];
}

function ofRequirement(tree: SourceTree, names: Names, requirement: Requirement, operation: Operation): Finding[] {
  const { pointer } = requirement;
  const at = (key: string) => join(pointer, key);
  const { look } = names;
  const value = (raw: Value, key: string) => ofValue(tree, names, raw, at(key), operation, []);
  const refusal = look("error-code", requirement.else, at("else"));
  switch (requirement.kind) {
    case "rate":
      return [...look("rate-limit", requirement.limit, at("rate")), ...refusal];
    case "limit":
      return [
        ...look("limit", requirement.limit, at("limit")),
        ...ofWhere(tree, names, requirement.where, at("where"), operation, []),
        ...refusal,
      ];
    case "relation":
      return [
        ...look("relation", requirement.relation, at("relation")),
        ...ofColumns(tree, names, requirement.relation, requirement.where, at("where")),
        ...ofWhere(tree, names, requirement.where, at("where"), operation, []),
        ...refusal,
      ];
    case "may":
      return requirement.codes.flatMap((code, index) => look("error-code", code, join(pointer, "may", index)));
    case "claim":
      return [...look("claim", requirement.claim, at("claim")), ...refusal];
    case "connection":
      return [...look("attribute", requirement.attribute, at("connection")), ...value(requirement.equals, "equals"), ...refusal];
    case "credential":
      return [
        ...value(requirement.value, "credential"),
        ...look("attribute", requirement.same, at("same")),
        ...look("claim", requirement.lacks?.claim, at("claim")),
        ...refusal,
      ];
  }
}

function ofEffect(
  tree: SourceTree,
  names: Names,
  effect: Effect,
  operation: Operation | undefined,
  columns: readonly string[],
): Finding[] {
  const { look } = names;
  const at = (...keys: string[]) => join(effect.pointer, ...keys);
  const value = (raw: Value, key: string) => ofValue(tree, names, raw, at(key), operation, columns);
  const where = (map: Where, ...keys: string[]) => ofWhere(tree, names, map, at(...keys), operation, columns);
  switch (effect.kind) {
    case "once":
      return [...value(effect.key, "once"), ...(effect.per === "connection" ? [] : look("attribute", effect.per, at("per")))];
    case "add":
    case "remove":
      return [
        ...look("relation", effect.relation, at(effect.kind)),
        ...ofColumns(tree, names, effect.relation, effect.where, at("where")),
        ...where(effect.where, "where"),
      ];
    case "reply":
      return [...look("message", effect.message, at("reply")), ...where(effect.bindings, "with")];
    case "deliver":
      return [
        ...look("message", effect.message, at("deliver")),
        ...(effect.to.kind === "relation"
          ? [
              ...look("relation", effect.to.relation, at("to", "relation")),
              ...ofColumns(tree, names, effect.to.relation, effect.to.where, at("to", "where")),
              ...where(effect.to.where, "to", "where"),
            ]
          : []),
        ...(effect.to.kind === "connection" ? look("attribute", effect.to.attribute, at("to", "connection")) : []),
        ...where(effect.bindings, "with"),
      ];
    case "replay":
      return [...look("stream", effect.stream, at("replay")), ...value(effect.since, "since")];
    case "renew":
      return value(effect.credential, "renew");
    case "close":
      return look("close-code", effect.code, at("close"));
  }
}

function ofColumns(tree: SourceTree, { contract }: Names, relation: string, where: Where, pointer: DocumentPointer): Finding[] {
  const columns = contract.state.relations.find(({ name }) => name === relation)?.columns;
  if (columns === undefined) return [];
  return [...where.keys()]
    .filter((column) => !columns.includes(column))
    .map((column) => unknown(tree, join(pointer, column), "column", column, columns));
}

function ofWhere(
  tree: SourceTree,
  names: Names,
  where: Where,
  pointer: DocumentPointer,
  operation: Operation | undefined,
  columns: readonly string[],
): Finding[] {
  return [...where].flatMap(([key, value]) => ofValue(tree, names, value, join(pointer, key), operation, columns));
}

function ofValue(
  tree: SourceTree,
  { look, contract }: Names,
  value: Value,
  pointer: DocumentPointer,
  operation: Operation | undefined,
  columns: readonly string[],
): Finding[] {
  const attributes = contract.state.attributes.map(({ name }) => name);
  switch (value.kind) {
    case "sender":
      return look("attribute", value.attribute, pointer);
    case "count":
      return look("relation", value.relation, pointer);
    case "relation":
    case "list": {
      const relation = contract.state.relations.find(({ name }) => name === value.relation);
      const member = value.kind === "relation" ? value.column : value.item;
      if (relation === undefined) return look("relation", value.relation, pointer);
      const members = value.kind === "list" ? [...relation.columns, ...attributes] : relation.columns;
      return member === undefined || members.includes(member) ? [] : [unknown(tree, pointer, "column", member, members)];
    }
    case "column":
      return columns.includes(value.name) ? [] : [unknown(tree, pointer, "column", value.name, columns)];
    case "parameter": {
      const parameters = contract.channels.find(({ id }) => id === operation?.channel)?.parameters.map(({ name }) => name) ?? [];
      return parameters.includes(value.name) ? [] : [unknown(tree, pointer, "parameter", value.name, parameters)];
    }
    default:
      return [];
  }
}

function unknown(
  tree: SourceTree,
  pointer: DocumentPointer,
  kind: "column" | "parameter",
  name: string,
  known: readonly string[],
): Finding {
  return at(tree, pointer, {
    severity: "error",
    id: `${kind}-unknown`,
    expected: `a ${kind}: ${choices(known)}`,
    actual: name,
    fix: correction(
      name,
      known,
      kind === "column" ? "declare it in the relation's columns" : "declare it in the channel's parameters",
    ),
  });
}
