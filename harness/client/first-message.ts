// What a connection must say before it may stay open, or before it is served: the message that a limit of kind `first-message` waits for,
// and the login that the fence requires.

import type { Operation } from "../../spec/contract.ts";
import type { ClientContext, ContractUnderTest } from "./context.ts";
import { satisfyPreconditions } from "./preconditions.ts";
import { addersOf } from "./server-made.ts";
import type { TestClient } from "./test-client.ts";

/**
 * Sends what the contract wants first, and waits for its reply where one is promised. Does nothing where nothing is wanted.
 * @throws Violation where the target does not answer it
 */
export async function sendOpening(context: ClientContext, client: TestClient): Promise<void> {
  for (const limit of context.channel.limits) {
    if (limit.kind !== "first-message") continue;
    const operation = context.contract.operations.find(
      ({ action, channel, messages }) => action === "receive" && channel === context.channel.id && messages[0] === limit.message,
    );
    if (operation === undefined) continue;
    const message = await satisfyPreconditions(context, client, operation);
    if (operation.reply === undefined) client.send(message);
    else await client.request(message);
  }
}

/** Operations of which the fence requires one first, whatever else a message holds, such as a login. */
export function loginsOf(subject: ContractUnderTest): readonly Operation[] {
  return (fenceOf(subject)?.requires ?? []).flatMap((one) =>
    one.kind === "relation" && one.present && one.where.size === 0 ? addersOf(subject, one.relation) : [],
  );
}

const loggedIn = new WeakSet<TestClient>();

/** Performs the login that the fence requires, where the connection has not performed one yet. */
export async function logIn(context: ClientContext, client: TestClient): Promise<void> {
  const logins = loginsOf(context);
  if (logins.length === 0 || client.closed !== undefined || loggedIn.has(client)) return;
  loggedIn.add(client);
  if (!logins.some((login) => client.hasSent(login))) await satisfyPreconditions(context, client, fenceOf(context)!);
}

function fenceOf({ contract, channel }: ContractUnderTest): Operation | undefined {
  return contract.operations.find(({ id }) => id === channel.delivery?.fence);
}
