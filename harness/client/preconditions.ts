// How to reach a state in which an operation succeeds: who must send it, what must come before, and which values the message must hold.

import type { Operation, Pointer, Requirement, Value } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { NotTestable, Violation } from "../schema/errors.ts";
import type { ClientContext } from "./context.ts";
import type { CredentialOptions } from "./credentials.ts";
import { withValueAt } from "./messages.ts";
import { requestSuccess } from "./outcome.ts";
import type { User } from "./received.ts";
import { addersOf, hold, holds, madeBy, serverMadePlaces } from "./server-made.ts";
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
  client: TestClient,
  operation: Operation,
  keys: Map<string, unknown> = new Map(),
  base?: unknown,
): Promise<unknown> {
  const name = operation.messages[0];
  if (name === undefined) throw new NotTestable(`the operation ${operation.id} has no message`);
  if (operation.exercise === "never") throw new NotTestable(`the operation ${operation.id} must not be exercised`);
  const { correlation } = context.message(name);
  let message = context.example(name);
  if (base !== undefined) message = correlation === undefined ? base : withValueAt(base, correlation, context.id(name));
  for (const requirement of operation.requires) message = await satisfy(context, client, operation, requirement, message, keys);
  for (const { pointer, relation, column } of serverMadePlaces(context, operation)) {
    if (!keys.has(column)) await addRelation(context, client, operation, relation, keys);
    message = withValueAt(message, pointer, keys.get(column));
  }
  for (const effect of operation.effects) {
    // Who publishes to a relation need not be in it: its columns name those who are.
    const target = effect.kind === "deliver" && effect.to.kind === "relation" ? effect.to : effect;
    if (!("where" in target)) continue;
    for (const [column, value] of target.where)
      if (value.kind === "message") message = bind(message, value, key(context, keys, column));
  }
  return message;
}

/**
 * The message with values that the server made for this connection, where it has other ones at such places.
 * @param except a place whose own value shall stay, with all that is above and below it
 */
export async function withServerMade(
  context: ClientContext,
  client: TestClient,
  operation: Operation,
  message: unknown,
  except?: Pointer,
): Promise<unknown> {
  const keys = new Map<string, unknown>();
  let bound = message;
  for (const { pointer, relation, column } of serverMadePlaces(context, operation)) {
    const stays = except !== undefined && (`${pointer}/`.startsWith(`${except}/`) || except.startsWith(`${pointer}/`));
    const value = lookup(bound, pointer);
    if (stays || value === undefined || holds(client, relation, column, value)) continue;
    if (!keys.has(column)) await addRelation(context, client, operation, relation, keys);
    bound = withValueAt(bound, pointer, keys.get(column));
  }
  return bound;
}

async function satisfy(
  context: ClientContext,
  client: TestClient,
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
      return bind(message, requirement.equals, client.attributes.get(requirement.attribute));
    case "credential":
      return bind(message, requirement.value, await context.credential({ name: client.user.name }));
    case "relation": {
      const { relation, where } = requirement;
      const isHeld = [...where.keys()].some((column) => holds(client, relation, column, keys.get(column)));
      if (requirement.present && !isHeld) await addRelation(context, client, operation, relation, keys);
      let bound = message;
      for (const [column, value] of where) if (value.kind === "message") bound = bind(bound, value, key(context, keys, column));
      return bound;
    }
  }
}

/** What each connection was brought into by an operation that succeeds once only. */
const added = new WeakMap<TestClient, Set<string>>();

/**
 * Performs an operation that adds the relation for these keys; not again where it would be refused for being there already.
 * Values that the server makes come into the keys.
 */
async function addRelation(
  context: ClientContext,
  client: TestClient,
  wanting: Operation,
  relation: string,
  keys: Map<string, unknown>,
): Promise<void> {
  const adders = addersOf(context, relation).filter(({ id, exercise }) => id !== wanting.id && exercise !== "never");
  const adding = adders.find((one) => [...madeBy(one, relation).keys()].every((column) => !keys.has(column)));
  if (adding === undefined) {
    const which = adders.length === 0 ? "no operation adds" : "the server makes the values of";
    throw new NotTestable(`${which} the relation ${relation}, which ${wanting.id} requires`);
  }
  const made = madeBy(adding, relation);
  const isOnce = adding.requires.some((one) => one.kind === "relation" && one.relation === relation && !one.present);
  const columns = adding.effects.flatMap((effect) =>
    effect.kind === "add" && effect.relation === relation ? [...effect.where.keys()].filter((column) => !made.has(column)) : [],
  );
  const tuple = JSON.stringify([relation, ...columns.map((column) => key(context, keys, column))]);
  const before = added.get(client) ?? new Set();
  // A login lasts, where nothing ends it.
  const lasts = columns.length === 0 && !context.contract.operations.some((one) => isEnding(one, relation));
  if ((isOnce || lasts) && made.size === 0 && before.has(tuple)) return;
  added.set(client, before.add(tuple));
  const message = await satisfyPreconditions(context, client, adding, keys);
  if (adding.reply === undefined) {
    if (made.size > 0) throw new NotTestable(`${adding.id} promises no reply, from which ${[...made.keys()].join(", ")} comes`);
    client.send(message);
    return;
  }
  const reply = await requestSuccess(context, client, adding, message);
  for (const [column, pointer] of made) {
    const value = lookup(reply.value, pointer);
    if (value === undefined) throw new Violation(`the ${column} at ${pointer} of the reply to ${adding.id}`, "nothing there");
    keys.set(column, value);
    hold(client, relation, column, value);
  }
}

function isEnding({ effects }: Operation, relation: string): boolean {
  return effects.some((effect) => effect.kind === "remove" && effect.relation === relation);
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
  if (!keys.has(column)) keys.set(column, context.freshKey(column));
  return keys.get(column);
}

function bind(message: unknown, value: Value, to: unknown): unknown {
  return value.kind === "message" ? withValueAt(message, value.pointer, to) : message;
}
