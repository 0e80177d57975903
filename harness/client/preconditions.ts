// How to reach a state in which an operation succeeds: who must send it, what must come before, and which values the message must hold.

import type { Operation, Requirement, Value } from "../../spec/contract.ts";
import { NotTestable } from "../schema/errors.ts";
import type { ClientContext } from "./context.ts";
import type { CredentialOptions } from "./credentials.ts";
import { withValueAt } from "./messages.ts";
import { expectSuccess } from "./outcome.ts";
import type { User } from "./received.ts";
import type { TestClient } from "./test-client.ts";

/** Every claim that one of the operations requires, with all values that it must hold. */
export function requiredClaims(operations: readonly Operation[]): Readonly<Record<string, readonly unknown[]>> {
  const claims: Record<string, unknown[]> = {};
  for (const requirement of operations.flatMap(({ requires }) => requires)) {
    if (requirement.kind === "claim") claims[requirement.claim] = [...(claims[requirement.claim] ?? []), requirement.contains];
  }
  return claims;
}

/** A fresh user whose credential has the claims that the operation asks for. @param options what else its credential is */
export function userFor(
  context: ClientContext,
  operation: Operation,
  options: Omit<CredentialOptions, "claims"> = {},
): Promise<User> {
  return context.user({ claims: requiredClaims([operation]), ...options });
}

/**
 * Brings the connection into a state in which the operation succeeds, by sending what must come before.
 * @param keys values for the columns of relations, such as a room that others are in; fresh names where they are not given
 * @param base the message to begin with, default the first example
 * @returns a message of the operation that succeeds now; every further copy needs only a fresh id
 * @throws NotTestable where the contract does not say how to get there
 */
export async function satisfyPreconditions(
  context: ClientContext,
  peer: TestClient,
  operation: Operation,
  keys: Map<string, unknown> = new Map(),
  base?: unknown,
): Promise<unknown> {
  const name = operation.messages[0];
  if (name === undefined) throw new NotTestable(`the operation ${operation.id} has no message`);
  const { correlation } = context.message(name);
  let message = context.example(name);
  if (base !== undefined) message = correlation === undefined ? base : withValueAt(base, correlation, context.id(name));
  for (const requirement of operation.requires) message = await satisfy(context, peer, operation, requirement, message, keys);
  for (const effect of operation.effects) {
    if (effect.kind !== "add" && effect.kind !== "remove") continue;
    for (const [column, value] of effect.where) message = bind(message, value, key(context, keys, column));
  }
  return message;
}

async function satisfy(
  context: ClientContext,
  peer: TestClient,
  operation: Operation,
  requirement: Requirement,
  message: unknown,
  keys: Map<string, unknown>,
): Promise<unknown> {
  switch (requirement.kind) {
    case "rate":
    case "limit":
    case "claim":
    case "may":
      return message;
    case "connection":
      return bind(message, requirement.equals, peer.attributes.get(requirement.attribute));
    case "credential":
      return bind(message, requirement.value, await context.credential({ name: peer.user.name }));
    case "relation": {
      let bound = message;
      for (const [column, value] of requirement.where) bound = bind(bound, value, key(context, keys, column));
      if (requirement.present) await addRelation(context, peer, operation, requirement.relation, keys);
      return bound;
    }
  }
}

/** What each connection was brought into by an operation that succeeds once only. */
const added = new WeakMap<TestClient, Set<string>>();

/** Performs an operation that adds the relation for these keys; not again where it would be refused for being there already. */
async function addRelation(
  context: ClientContext,
  peer: TestClient,
  wanting: Operation,
  relation: string,
  keys: Map<string, unknown>,
): Promise<void> {
  const adding = context.contract.operations.find(
    ({ channel, action, id, effects }) =>
      channel === context.channel.id &&
      action === "receive" &&
      id !== wanting.id &&
      effects.some((effect) => effect.kind === "add" && effect.relation === relation),
  );
  if (adding === undefined) throw new NotTestable(`no operation adds the relation ${relation}, which ${wanting.id} requires`);
  const isOnce = adding.requires.some((one) => one.kind === "relation" && one.relation === relation && !one.present);
  const columns = adding.effects.flatMap((effect) =>
    effect.kind === "add" && effect.relation === relation ? [...effect.where.keys()] : [],
  );
  const tuple = JSON.stringify([relation, ...columns.map((column) => key(context, keys, column))]);
  const before = added.get(peer) ?? new Set();
  if (isOnce && before.has(tuple)) return;
  added.set(peer, before.add(tuple));
  const message = await satisfyPreconditions(context, peer, adding, keys);
  if (adding.reply === undefined) {
    peer.send(message);
    return;
  }
  expectSuccess(context, adding, await peer.request(message));
}

/** Whether a connection can perform it only once: it adds a relation of the connection alone which it requires to be absent. */
export function isOncePerConnection({ requires, effects }: Operation): boolean {
  return requires.some(
    (one) =>
      one.kind === "relation" &&
      !one.present &&
      ![...one.where.values()].some(({ kind }) => kind === "message") &&
      effects.some((effect) => effect.kind === "add" && effect.relation === one.relation),
  );
}

function key(context: ClientContext, keys: Map<string, unknown>, column: string): unknown {
  if (!keys.has(column)) keys.set(column, context.fresh(column));
  return keys.get(column);
}

function bind(message: unknown, value: Value, to: unknown): unknown {
  return value.kind === "message" ? withValueAt(message, value.pointer, to) : message;
}
