// What the contract gives to one valid message: which outcome, and the state that must be brought about for it first.

import type { ErrorValue, Operation, Value } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { satisfyPreconditions } from "../client/preconditions.ts";
import { holds, isServerMade } from "../client/server-made.ts";
import type { TestClient } from "../client/test-client.ts";
import { NotTestable } from "../schema/errors.ts";
import type { Context } from "./context.ts";

/**
 * Brings about, for this very message, what its requirements ask for as far as the connection can, and says what it gets then.
 * @returns the error of the first requirement that cannot hold; undefined where the message succeeds
 */
export async function outcomeOf(
  context: Context,
  client: TestClient,
  operation: Operation,
  message: unknown,
): Promise<ErrorValue | undefined> {
  const keys = new Map<string, unknown>();
  for (const requirement of operation.requires) {
    if (requirement.kind !== "relation" || !requirement.present) continue;
    for (const [column, value] of requirement.where) {
      if (value.kind !== "message") continue;
      const key = lookup(message, value.pointer);
      // What the message does not name, nothing can be brought about for; nor for a value that the server would have to make.
      if (key === undefined) return requirement.else;
      const { relation } = requirement;
      if (isServerMade(context, relation, column) && !holds(client, relation, column, key)) return requirement.else;
      keys.set(column, key);
    }
  }
  // What it returns is another message of the operation; its way there is what counts.
  const isWanting = operation.requires.some((requirement) => requirement.kind === "relation" && requirement.present);
  if (isWanting) await satisfyPreconditions(context, client, operation, keys);
  for (const requirement of operation.requires) {
    if (requirement.kind === "connection") {
      const { equals, attribute } = requirement;
      const value = equals.kind === "message" ? lookup(message, equals.pointer) : undefined;
      if (value === client.attributes.get(attribute)) continue;
      if (context.isTaken(value))
        throw new NotTestable(`${JSON.stringify(value)} in it may be another connection's ${attribute}`);
      return requirement.else;
    }
    if (requirement.kind === "credential") return requirement.else;
  }
  return undefined;
}

/** What the document says stands at a bound place, for this request of this connection; undefined where only the server knows. */
export function boundValue(value: Value, request: unknown, sender: TestClient): unknown {
  if (value.kind === "literal") return value.value;
  if (value.kind === "message") return lookup(request, value.pointer);
  return value.kind === "sender" ? sender.attributes.get(value.attribute) : undefined;
}
