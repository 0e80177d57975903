// One beyond the bound: the message is refused with the error that the document gives to what is not in its schema.

import type { ContractUnderTest } from "../../../client/context.ts";
import { createQuotaAwareConnection } from "../../../client/quota-aware-connection.ts";
import type { BoundKind } from "../../../schema/boundaries.ts";
import { answerTo, expectRefused } from "../../answer.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { errorsFor } from "../client-messages.ts";
import { type BoundPromise, boundsOf, sendable, withFreshId } from "./bounds.ts";

const titles: Readonly<Partial<Record<BoundKind, string>>> = {
  length: "rejects strings one code point too short or too long",
  pattern: "rejects strings one character shorter or longer than the pattern allows",
  number: "rejects numbers beyond their bounds",
  count: "rejects one item too few or too many",
};

function refuses([kind, title]: [string, string]): Rule {
  return rule<BoundPromise>({
    id: `boundaries-${kind}-rejected`,
    level: "MUST",
    phase: "boundaries",
    title,
    from: (subject: ContractUnderTest) =>
      errorsFor(subject, ["not-in-schema"]).length === 0 ? [] : boundsOf([kind as BoundKind], false)(subject),
    async check(context, promise) {
      const { operation, message } = promise.client;
      const sender = createQuotaAwareConnection(context, operation);
      const codes = errorsFor(context, ["not-in-schema"]);
      const beyond = (await sendable(context, await sender.ready(true), promise)).filter(({ valid }) => !valid);
      for (const { label, value } of beyond) {
        const sent = withFreshId(context, promise, value);
        const answer = await answerTo(context, await sender.ready(true), JSON.stringify(sent));
        expectRefused(answer, codes, `\`${message.name}\` with ${label} at ${promise.bound.location || "the message"}`);
      }
    },
    // A frame with a bad id is taken as a good one only by losing its id, so that one is ignored.
    brokenBy: ({ client: { message }, bound }) =>
      bound.location === message.correlation
        ? faults.ignoresInvalid("any")
        : faults.acceptsInvalid("not-in-schema", message.name),
  });
}

export const refusedRules: readonly Rule[] = Object.entries(titles).map(refuses);
