// At the bound, and within: the message is taken. Where the value decides a requirement, its error is an answer too.

import type { ErrorValue, Pointer } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import { mayRefuse } from "../../../client/outcome.ts";
import { withServerMade } from "../../../client/preconditions.ts";
import { createQuotaAwareConnection } from "../../../client/quota-aware-connection.ts";
import { release } from "../../../client/server-made.ts";
import { mayCloseUnforeseen } from "../../../model/protocol.ts";
import { promisesReply } from "../../../model/trace.ts";
import { type BoundKind, boundKinds } from "../../../schema/boundaries.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import { answerTo, describeAnswer } from "../../answer.ts";
import { outcomeOf } from "../../expectation.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { decisivePlaces, errorsFor } from "../client-messages.ts";
import { type BoundPromise, boundsOf, sendable, withFreshId } from "./bounds.ts";

const titles: Readonly<Record<BoundKind, string>> = {
  length: "accepts strings of minimum and maximum length, counted in code points",
  pattern: "accepts minimal and maximal strings matching the pattern, at the edges of each character class",
  number: "accepts numbers at their bounds",
  count: "accepts the minimum and maximum number of items",
  enum: "accepts every value of an enum",
  optional: "accepts messages with and without optional properties",
  null: "accepts null where allowed",
  text: "accepts unusual Unicode text that the schema allows",
  additional: "accepts additional properties where explicitly allowed",
};

function accepts(kind: BoundKind): Rule {
  return rule<BoundPromise>({
    id: `boundaries-${kind}-accepted`,
    level: "MUST",
    phase: "boundaries",
    title: titles[kind],
    from: boundsOf([kind], true),
    async check(context, promise) {
      const { operation, message } = promise.client;
      const sender = createQuotaAwareConnection(context, operation);
      let testClient = await sender.ready(false);
      let refusal: string | undefined;
      let isTaken = false;
      for (const { label, value } of (await sendable(context, testClient, promise)).filter(({ valid }) => valid)) {
        testClient = await sender.ready(false);
        const place = placeOf(promise);
        const sent = await withServerMade(context, testClient, operation, withFreshId(context, promise, value), place);
        const expected = await outcomeOf(context, testClient, operation, sent);
        const answer = await answerTo(context, testClient, JSON.stringify(sent));
        const isRefused =
          answer.kind === "refused" || (answer.kind === "closed" && !mayCloseUnforeseen(context, operation, answer.code));
        const isAllowed =
          answer.kind === "refused" && (mayBe(answer.code, promise, expected) || mayRefuse(context, operation, answer.code));
        const id = message.correlation === undefined ? undefined : lookup(sent, message.correlation);
        // What answers a request of which no reply is promised is a delivery; the stateful rules know which.
        const isWrong = answer.kind === "undeclared" && (operation.reply !== undefined || answer.reply.name === undefined);
        const isMissing = isWrong || (answer.kind === "nothing" && promisesReply({ operation, id }));
        if (answer.kind !== "refused" && answer.kind !== "closed") isTaken = true;
        else if (expected === undefined) refusal = describeAnswer(answer);
        if (answer.kind === "succeeded") release(testClient, operation, sent);
        if ((isRefused && !isAllowed) || isMissing) {
          const where = promise.bound.location || "the message";
          throw new Violation(`\`${message.name}\` with ${label} at ${where} to be accepted`, describeAnswer(answer));
        }
      }
      if (!isTaken && refusal !== undefined)
        throw new NotTestable(`the server rejects ${operation.id} (${refusal}), and the document leaves open when it does`);
    },
    brokenBy: ({ client }, subject) => {
      const [malformed] = errorsFor(subject, ["not-in-schema"]);
      // Where the fence itself is refused, nothing can be judged any more.
      return malformed === undefined || client.operation.id === subject.channel.delivery?.fence
        ? faults.closesInsteadOf(client.message.name, 1011)
        : faults.refuses(client.operation.id, client.message.name, malformed.code);
    },
  });
}

/** Where the bound is. */
function placeOf({ bound: { location, member } }: Pick<BoundPromise, "bound">): Pointer {
  return member === undefined ? location : `${location}/${member}`;
}

/** The error of a requirement that looks at this very place (another room, another token) is no refusal of the bound. */
function mayBe(code: ErrorValue, { client, bound }: BoundPromise, expected: ErrorValue | undefined): boolean {
  if (code !== expected) return false;
  const place = placeOf({ bound });
  return decisivePlaces(client.operation).some(
    (decisive) => decisive === place || decisive.startsWith(`${place}/`) || isOwnCredential(client.operation, code),
  );
}

/** A credential is minted, not generated: a message at another bound may carry an example's, which is no good one. */
function isOwnCredential(operation: BoundPromise["client"]["operation"], code: ErrorValue): boolean {
  return operation.requires.some((requirement) => requirement.kind === "credential" && requirement.else === code);
}

export const acceptedRules: readonly Rule[] = boundKinds.map(accepts);
