// For each keyword of each client message one message of each kind that breaks just that: it must get the declared error.

import { userFor } from "../../../client/preconditions.ts";
import { valueAt } from "../../../schema/edit.ts";
import { NotTestable } from "../../../schema/errors.ts";
import type { Mutation } from "../../../schema/invalid.ts";
import { answerTo, expectRefused } from "../../answer.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { baseFor, type ClientMessage, isReadable, maxBytes, toleratedErrors } from "../client-messages.ts";
import { allBrokenIn, breakable, coverage, type ObligationPromise, outcomesOf, withFreshId } from "./mutations.ts";

export const keywordRules: readonly Rule[] = [
  rule<ObligationPromise>({
    id: "invalid-keyword-rejected",
    level: "MUST",
    phase: "invalid",
    title: "rejects a message that violates one schema keyword, with the declared error",
    from: breakable,
    async check(context, { client, constraint }) {
      context.note(coverage(context));
      const user = await userFor(context, client.operation);
      const connect = async () => {
        const testClient = await context.dial({ user });
        const base = await baseFor(context, testClient, client);
        return { testClient, base, broken: allBrokenIn(context, client, constraint, base) };
      };
      let { testClient, base, broken } = await connect();
      let left = toleratedErrors(context);
      let sent = 0;
      for (const { kind } of broken) {
        if (testClient.closed !== undefined || left === 0) {
          if (testClient.closed === undefined) await testClient.hangUp();
          ({ testClient, base, broken } = await connect());
          left = toleratedErrors(context);
        }
        const found = broken.find((one) => one.kind === kind);
        const mutation = found && withFreshId(context, client, base, found);
        if (mutation === undefined || !isReadable(context, JSON.stringify(mutation.value))) continue;
        left--;
        sent++;
        const answer = await answerTo(context, testClient, JSON.stringify(mutation.value));
        expectRefused(answer, outcomesOf(context, client, constraint), describe(client, mutation));
      }
      if (sent === 0)
        throw new NotTestable(`what breaks ${constraint.pointer} is over the ${maxBytes(context)} bytes that the target reads`);
    },
    // A frame with a bad id is taken as a good one only by losing its id, so that one is ignored.
    brokenBy: ({ client, constraint }) =>
      constraint.location === client.message.correlation
        ? faults.ignoresInvalid("any")
        : [faults.acceptsInvalid("any"), faults.ignoresInvalid("any")],
  }),
];

function describe({ message }: ClientMessage, { constraint, kind, value }: Mutation): string {
  const { keyword, location, member } = constraint;
  const what = member === undefined ? keyword : `${keyword} ${member}`;
  const broken = JSON.stringify(valueAt(value, location)) ?? "";
  const shown = broken.length > 60 ? `${broken.slice(0, 60)}...` : broken;
  return `\`${message.name}\` that breaks ${what} (${kind}) with ${shown} at ${location || "the message"}`;
}
