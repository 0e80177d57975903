// What a connection must say before it may stay open: the message that a limit of kind `first-message` waits for.
import type { Context } from "../conformance/context.ts";
import { reach } from "../conformance/preconditions.ts";
import type { Peer } from "./peer.ts";

/**
 * Sends what the contract wants first, and waits for its reply where one is promised. Does nothing where nothing is wanted.
 * @throws Violation where the target does not answer it
 */
export async function sendOpening(context: Context, peer: Peer): Promise<void> {
  for (const limit of context.channel.limits) {
    if (limit.kind !== "first-message") continue;
    const operation = context.contract.operations.find(
      ({ action, channel, messages }) => action === "receive" && channel === context.channel.id && messages[0] === limit.message,
    );
    if (operation === undefined) continue;
    const message = await reach(context, peer, operation);
    if (operation.reply === undefined) peer.send(message);
    else await peer.request(message);
  }
}
