// How a refusal of x-handshake is demanded: by an HTTP status with its headers, or by a close code after the upgrade.

import type { Refusal } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import type { DialOptions } from "../../../client/dial.ts";
import { describeReceived } from "../../../client/format.ts";
import { Violation } from "../../../schema/errors.ts";
import { describeRefusal } from "../../check.ts";
import type { Context } from "../../context.ts";

/** The refusals of the channel for this reason. */
export function refusals({ channel }: ContractUnderTest, when: Refusal["when"]): readonly Refusal[] {
  return (channel.handshake?.refusals ?? []).filter((refusal) => refusal.when === when);
}

/**
 * Sends a handshake that must be refused, and demands that it is refused as the document says.
 * @throws Violation where it is accepted, refused in another way, or where the first message comes all the same
 */
export async function expectRefusal(context: Context, refusal: Refusal, options: DialOptions): Promise<void> {
  const answer = await context.attempt(options);
  const { outcome } = refusal;
  if ("http" in outcome) {
    const expected = `HTTP ${outcome.http} (${refusal.when})`;
    if (answer.kind === "open") throw new Violation(expected, "the connection was accepted");
    if (answer.kind === "dropped" || answer.status !== outcome.http) throw new Violation(expected, describeRefusal(answer));
    const missing = outcome.headers.find((name) => !answer.headers.has(name.toLowerCase()));
    if (missing !== undefined) throw new Violation(`${expected} with the header ${missing}`, "no such header");
    return;
  }
  if (answer.kind !== "open")
    throw new Violation(`an upgrade and then close ${outcome.close} (${refusal.when})`, describeRefusal(answer));
  const { client } = answer;
  await client.closes({ code: outcome.close });
  const first = context.channel.handshake?.first;
  const welcome = client.takeAll().find(({ name }) => name !== undefined && name === first);
  if (welcome !== undefined) throw new Violation(`close ${outcome.close} without a message before it`, describeReceived(welcome));
}
