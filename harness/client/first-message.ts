// What a connection must say before it may stay open: the message that a limit of kind `first-message` waits for.

import type { ClientContext } from "./context.ts";
import { satisfyPreconditions } from "./preconditions.ts";
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
