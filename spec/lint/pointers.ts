// Pointers in x- keys lead to something that the message's schema knows.
import type { Contract, DocumentPointer, Effect, Finding, Message, Operation, Pointer, Requirement, Value } from "../contract.ts";
import { join, parent } from "../pointer.ts";
import { propertiesAt, schemasAt } from "../schema-walk.ts";
import { at } from "../source-tree.ts";
import { type Check, choices, correction } from "./check.ts";

/** A pointer, the messages that must have it, and where it is written. */
interface Use {
  readonly pointer: Pointer | undefined;
  readonly messages: readonly string[];
  readonly place: DocumentPointer;
}

export const checkPointers: Check = ({ tree, contract, ours }) => {
  if (!ours) return [];
  const byName = new Map(contract.messages.map((message) => [message.name, message]));
  return usesOf(contract).flatMap(({ pointer, messages, place }) => {
    if (pointer === undefined) return [];
    const findings: Finding[] = [];
    for (const name of messages) {
      const message = byName.get(name);
      if (message?.format !== "json" || schemasAt(message.payload, pointer, contract.definitions) !== undefined) continue;
      const siblings = siblingsOf(message, pointer, contract);
      findings.push(
        at(tree, place, {
          severity: "error",
          id: "pointer-unknown",
          expected: `a pointer that exists in ${name}: ${choices(siblings)}`,
          actual: pointer === "" ? "the whole message" : pointer,
          fix: correction(pointer, siblings, `correct the pointer, or add the property to ${name}`),
        }),
      );
    }
    return findings;
  });
};

/** The pointers that would do: siblings below the deepest part that exists. */
function siblingsOf(message: Message, pointer: Pointer, contract: Contract): Pointer[] {
  let above = parent(pointer);
  while (above !== "" && schemasAt(message.payload, above, contract.definitions) === undefined) above = parent(above);
  return propertiesAt(message.payload, above, contract.definitions).map((name) => join(above, name));
}

function usesOf(contract: Contract): Use[] {
  const { channels, operations, state, errors } = contract;
  const firsts = channels.flatMap(({ handshake }) => (handshake?.first === undefined ? [] : [handshake.first]));
  const first = (pointer: Pointer | undefined, place: DocumentPointer): Use => ({ pointer, messages: firsts, place });
  return [
    ...state.attributes.map(({ name, at }) => first(at, join("#/x-state/connection", name, "at"))),
    ...(errors?.replies.flatMap((reply) =>
      (["code", "retryable", "retryAfterMs", "pointer"] as const).map((key) => ({
        pointer: reply[key],
        messages: [reply.message],
        place: join(reply.from, key),
      })),
    ) ?? []),
    ...channels.flatMap(({ heartbeat, limits, rateLimits, delivery }) => [
      ...(heartbeat === undefined
        ? []
        : [
            first(heartbeat.advertised.intervalMs, join(heartbeat.pointer, "advertised", "intervalMs")),
            first(heartbeat.advertised.timeoutMs, join(heartbeat.pointer, "advertised", "timeoutMs")),
          ]),
      ...limits.map(({ advertised, pointer }) => first(advertised, join(pointer, "advertised"))),
      ...rateLimits.flatMap(({ advertised, pointer }) => [
        first(advertised.burst, join(pointer, "advertised", "burst")),
        first(advertised.perSecond, join(pointer, "advertised", "perSecond")),
      ]),
      ...(delivery?.streams.flatMap((stream) =>
        (["key", "epoch", "seq"] as const).map((key) => ({
          pointer: stream[key],
          messages: [...stream.messages, ...stream.replies],
          place: join(stream.pointer, key),
        })),
      ) ?? []),
    ]),
    ...state.relations.flatMap(({ onDisconnect }) => onDisconnect.flatMap((effect) => ofEffect(effect, undefined))),
    ...operations.flatMap((operation) => [
      ...operation.requires.flatMap((requirement) => ofRequirement(requirement, operation)),
      ...operation.effects.flatMap((effect) => ofEffect(effect, operation)),
      ...[...operation.bindings.keys()].map((pointer) => ({
        pointer,
        messages: operation.messages,
        place: join(operation.pointer, "x-with", pointer),
      })),
    ]),
  ];
}

function ofValue(value: Value, place: DocumentPointer, operation: Operation | undefined): Use[] {
  if (value.kind === "message") return [{ pointer: value.pointer, messages: operation?.messages ?? [], place }];
  if (value.kind === "reply") return [{ pointer: value.pointer, messages: successesOf(operation), place }];
  return [];
}

/** The replies that the effects name; where they name none, there is nothing to look into. */
function successesOf(operation: Operation | undefined): string[] {
  return operation?.effects.flatMap((effect) => (effect.kind === "reply" ? [effect.message] : [])) ?? [];
}

function ofValues(values: ReadonlyMap<string, Value>, place: DocumentPointer, operation: Operation | undefined): Use[] {
  return [...values].flatMap(([key, value]) => ofValue(value, join(place, key), operation));
}

function ofRequirement(requirement: Requirement, operation: Operation): Use[] {
  const at = (key: string) => join(requirement.pointer, key);
  switch (requirement.kind) {
    case "relation":
    case "limit":
      return ofValues(requirement.where, at("where"), operation);
    case "connection":
      return ofValue(requirement.equals, at("equals"), operation);
    case "credential":
      return ofValue(requirement.value, at("credential"), operation);
    default:
      return [];
  }
}

function ofEffect(effect: Effect, operation: Operation | undefined): Use[] {
  const at = (...keys: string[]) => join(effect.pointer, ...keys);
  /** Keys are places in the message that goes out, values in the one that came in. */
  const bound = (message: string, bindings: ReadonlyMap<Pointer, Value>): Use[] => [
    ...[...bindings.keys()].map((pointer) => ({ pointer, messages: [message], place: at("with", pointer) })),
    ...ofValues(bindings, at("with"), operation),
  ];
  switch (effect.kind) {
    case "once":
      return ofValue(effect.key, at("once"), operation);
    case "add":
    case "remove":
      return ofValues(effect.where, at("where"), operation);
    case "reply":
      return bound(effect.message, effect.bindings);
    case "deliver":
      return [
        ...bound(effect.message, effect.bindings),
        ...(effect.to.kind === "relation" ? ofValues(effect.to.where, at("to", "where"), operation) : []),
        ...(effect.to.kind === "connection" ? ofValue(effect.to.equals, at("to", "equals"), operation) : []),
      ];
    case "replay": {
      return [
        ...ofValue(effect.since, at("since"), operation),
        { pointer: effect.recovered, messages: successesOf(operation), place: at("recovered") },
      ];
    }
    case "renew":
      return ofValue(effect.credential, at("renew"), operation);
    case "close":
      return [];
  }
}
