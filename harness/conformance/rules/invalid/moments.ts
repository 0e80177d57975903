// Malformed frames at awkward moments: right after the handshake, while a credential is renewed, and after it was.

import type { ContractUnderTest } from "../../../client/context.ts";
import { loginsOf } from "../../../client/first-message.ts";
import { satisfyPreconditions, userFor } from "../../../client/preconditions.ts";
import type { Received } from "../../../client/received.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { Violation } from "../../../schema/errors.ts";
import { answerTo, describeAnswer, expectRefused } from "../../answer.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { type ClientMessage, clientMessages, errorsFor } from "../client-messages.ts";
import { codesFor, type HostilePromise, textOf } from "./hostile.ts";
import type { MessagePromise } from "./mutations.ts";

/** The plainest frame of each kind of malformed ones for which the document has an error reply. */
function plainest(subject: ContractUnderTest): readonly HostilePromise[] {
  if (subject.contract.errors?.reply.message === undefined || subject.channel.delivery?.fence === undefined) return [];
  // Before the login the server may say that alone.
  if (loginsOf(subject).length > 0) return [];
  const frames = dataOf(subject.contract).malformed(subject.channel);
  return (["not-json", "not-in-schema", "unknown-type"] as const).flatMap((when) => {
    const frame = frames.find(({ outcomes, label }) => outcomes.length === 1 && outcomes[0] === when && label !== "empty text");
    const codes = codesFor(subject, [when]);
    return frame === undefined || codes.length === 0 ? [] : [{ pointer: codes[0]!.pointer, frame, codes }];
  });
}

/** Operations that renew the credential, where there is an error for what is not JSON. */
function renewals(subject: ContractUnderTest): readonly MessagePromise[] {
  const canJudge = subject.channel.delivery?.fence !== undefined && errorsFor(subject, ["not-json"]).length > 0;
  if (!canJudge) return [];
  const renews = ({ operation, message }: ClientMessage) =>
    operation.effects.some(({ kind }) => kind === "renew") && operation.messages[0] === message.name;
  return clientMessages(subject)
    .filter(renews)
    .map((client) => ({ pointer: client.operation.pointer, client }));
}

const notJson = "neither JSON nor anything else";

export const momentRules: readonly Rule[] = [
  rule<HostilePromise>({
    id: "invalid-right-after-handshake",
    level: "MUST",
    phase: "invalid",
    title: "rejects a malformed frame sent right after the handshake, after the first message",
    from: plainest,
    async check(context, { frame, codes }) {
      const testClient = await context.dial({ awaitFirst: false });
      testClient.sendText(textOf(context, frame));
      const { first } = context.channel.handshake ?? {};
      if (first !== undefined) await testClient.receiveNext(first);
      const came: Received[] = [];
      try {
        came.push(...(await testClient.fence()));
      } catch (error) {
        if (!(error instanceof Violation) || testClient.closed === undefined) throw error;
        came.push(...testClient.takeAll());
      }
      context.judged();
      const errors = came.map((received) => context.errorCode(received)).filter((code) => code !== undefined);
      if (errors.length === 0 && codes.some(({ close }) => close !== undefined && close === testClient.closed?.code)) return;
      if (errors.length !== 1 || !codes.some(({ code }) => code === errors[0])) {
        throw new Violation(
          `the error ${codes.map(({ code }) => code).join(" or ")} for ${frame.label}`,
          errors.join(", ") || "none",
        );
      }
    },
    brokenBy: () => faults.ignoresInvalid("any"),
  }),

  rule<MessagePromise>({
    id: "invalid-during-renewal",
    level: "MUST",
    phase: "invalid",
    title: "rejects a malformed frame during a renewal, and still renews",
    from: renewals,
    async check(context, { client }) {
      const testClient = await context.dial({ user: await userFor(context, client.operation) });
      const message = await satisfyPreconditions(context, testClient, client.operation);
      const renewed = testClient.request(message);
      testClient.sendText(notJson);
      const code = context.errorCode(await renewed);
      if (code !== undefined) throw new Violation(`the operation ${client.operation.id} to succeed`, `the error ${code}`);
      const codes = errorsFor(context, ["not-json"]).map((one) => one.code);
      const errors = (await testClient.fence()).map((received) => context.errorCode(received)).filter((one) => one !== undefined);
      if (errors.length !== 1 || !codes.includes(errors[0]!)) {
        throw new Violation(`the error ${codes.join(" or ")} for what is not JSON`, errors.join(", ") || "none");
      }
    },
    brokenBy: () => faults.ignoresInvalid("any"),
  }),

  rule<MessagePromise>({
    id: "invalid-after-renewal",
    level: "MUST",
    phase: "invalid",
    title: "rejects malformed frames after a renewal as before",
    from: renewals,
    async check(context, { client }) {
      const testClient = await context.dial({ user: await userFor(context, client.operation) });
      const codes = errorsFor(context, ["not-json"]);
      expectRefused(await answerTo(context, testClient, notJson), codes, "what is not JSON, before the renewal");
      const answer = await answerTo(
        context,
        testClient,
        JSON.stringify(await satisfyPreconditions(context, testClient, client.operation)),
      );
      if (answer.kind !== "succeeded")
        throw new Violation(`the operation ${client.operation.id} to succeed`, describeAnswer(answer));
      expectRefused(await answerTo(context, testClient, notJson), codes, "what is not JSON, after the renewal");
    },
    brokenBy: () => faults.ignoresInvalid("any"),
  }),
];
