// For each keyword of each client message one message that breaks just that: the error for what is not in the schema.

import { userFor } from "../../../client/preconditions.ts";
import { valueAt } from "../../../schema/edit.ts";
import { NotTestable } from "../../../schema/errors.ts";
import { answerTo, expectRefused } from "../../answer.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { isReadable, maxBytes } from "../client-messages.ts";
import { breakable, brokenFor, coverage, type ObligationPromise, outcomesOf } from "./mutations.ts";

export const keywordRules: readonly Rule[] = [
  rule<ObligationPromise>({
    id: "invalid-keyword-rejected",
    level: "MUST",
    phase: "invalid",
    title: "rejects a message that violates one schema keyword, with the declared error",
    from: breakable,
    async check(context, { client, constraint }) {
      context.note(coverage(context));
      const peer = await context.dial({ user: await userFor(context, client.operation) });
      const { value } = await brokenFor(context, peer, client, constraint);
      const text = JSON.stringify(value);
      if (!isReadable(context, text))
        throw new NotTestable(`what breaks ${constraint.pointer} is over the ${maxBytes(context)} bytes that the target reads`);
      const { keyword, location, member } = constraint;
      const what = member === undefined ? keyword : `${keyword} ${member}`;
      const broken = JSON.stringify(valueAt(value, location)) ?? "";
      const shown = broken.length > 60 ? `${broken.slice(0, 60)}...` : broken;
      const answer = await answerTo(context, peer, text);
      expectRefused(
        answer,
        outcomesOf(context, client, constraint),
        `\`${client.message.name}\` that breaks ${what} with ${shown} at ${location || "the message"}`,
      );
    },
    // A frame with a bad id is taken as a good one only by losing its id, so that one is ignored.
    brokenBy: ({ client, constraint }) =>
      constraint.location === client.message.correlation
        ? faults.ignoresInvalid("any")
        : [faults.acceptsInvalid("any"), faults.ignoresInvalid("any")],
  }),
];
