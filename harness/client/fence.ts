// The fence: the contract's operation whose reply comes after everything that was sent before. Where there is none, a silence.

import type { Channel, Contract } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { TargetLost, Violation } from "../schema/errors.ts";
import { shownText } from "./format.ts";
import { type Messages, withValueAt } from "./messages.ts";
import type { Pace } from "./pace.ts";
import type { Received, Within } from "./received.ts";

export type Fence = (
  client: { request(value: unknown, within?: Within): Promise<Received> },
  owner: { id(message?: string): unknown; note(text: string): void },
  within?: Within,
) => Promise<void>;

export interface FenceNeeds {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly messages: Messages;
  readonly clock: { sleep(ms: number): Promise<void> };
  /** Says the silence that stands in where the contract has no fence. */
  readonly pace: Pace;
}

/** How often a fence that was refused for its rate is sent again. */
const tries = 4;

export function createFence({ contract, channel, messages, clock, pace }: FenceNeeds): Fence {
  const operation = contract.operations.find(({ id }) => id === channel.delivery?.fence);
  const message = operation === undefined ? undefined : messages.message(operation.messages[0] ?? "");
  const example = message?.examples[0]?.payload;
  if (message === undefined || example === undefined) {
    return async (_peer, owner) => {
      owner.note("the document has no fence: silence for several times the slowest reply counts as no message");
      await clock.sleep(pace.quietMs);
    };
  }
  const { retryAfterMs } = contract.errors?.reply ?? {};
  return async (client, owner, within) => {
    for (let left = tries; left > 0; left--) {
      const reply = await client.request(
        message.correlation === undefined ? example : withValueAt(example, message.correlation, owner.id(message.name)),
        within,
      );
      if (reply.name === undefined || !messages.isError(reply.name)) return;
      const waitMs = retryAfterMs === undefined ? undefined : lookup(reply.value, retryAfterMs);
      if (typeof waitMs !== "number")
        throw new Violation(`the operation ${operation?.id}, the fence, to succeed`, shownText(reply.text));
      await clock.sleep(waitMs + 1);
    }
    throw new TargetLost(`the fence was refused ${tries} times for its rate`);
  };
}
