// The error reply itself: retryable as declared, its pointer at the mistake, the request's id where it was usable, once, and no secret in it.

import type { ErrorCode, Pointer } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { createQuotaAwareConnection } from "../../../client/quota-aware-connection.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { mayLackId } from "../../../model/loose-error.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { placesOf, valueAt } from "../../../schema/edit.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import type { Json } from "../../../schema/json.ts";
import type { Malformed } from "../../../schema/malformed-frames.ts";
import { type Answer, answerTo, describeAnswer, shortened } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { baseFor, errorsFor, isReadable } from "../client-messages.ts";
import { textOf } from "./hostile.ts";
import { breakableMessages, breakIn, type MessagePromise } from "./mutations.ts";

interface CodePromise extends Clause {
  readonly code: ErrorCode;
}

type Refusal = Extract<Answer, { kind: "refused" }>;

const malformed: readonly Malformed[] = ["not-json", "not-in-schema", "unknown-type"];

function malformedCodes(subject: ContractUnderTest): readonly CodePromise[] {
  if (subject.contract.errors?.reply.message === undefined) return [];
  return errorsFor(subject, malformed).map((code) => ({ pointer: code.pointer, code }));
}

const withPointer = (subject: ContractUnderTest) =>
  subject.contract.errors?.reply.pointer === undefined ? [] : breakableMessages(subject);

/** Where the error reply carries the request's id. */
function errorCorrelation({ contract }: Pick<ContractUnderTest, "contract">): Pointer | undefined {
  return contract.messages.find(({ name }) => name === contract.errors?.reply.message)?.correlation;
}

const withCorrelation = (subject: ContractUnderTest) =>
  errorCorrelation(subject) === undefined
    ? []
    : breakableMessages(subject).filter(({ client }) => client.message.correlation !== undefined);

/** Where every error must have an id, one that no request had stands in for it. */
function mayErrorLackId({ contract }: ContractUnderTest): boolean {
  const message = contract.messages.find(({ name }) => name === contract.errors?.reply.message);
  if (message?.correlation === undefined) return false;
  const { samples } = dataOf(contract).of(message);
  return mayLackId(samples.all[0], message.correlation, samples.isValid);
}

/** A refusal with this code, or its close, brought about by the plainest frame. @throws Violation where it does not come */
async function trigger(
  context: Context,
  testClient: TestClient,
  code: ErrorCode,
): Promise<Refusal | Extract<Answer, { kind: "closed" }>> {
  const frame = dataOf(context.contract)
    .malformed(context.channel)
    .find(({ outcomes }) => outcomes.length === 1 && outcomes[0] === code.when);
  if (frame === undefined) throw new NotTestable(`no frame is known to cause ${code.code}`);
  const answer = await answerTo(context, testClient, textOf(context, frame));
  if (answer.kind === "refused" || (answer.kind === "closed" && answer.code === code.close)) return answer;
  throw new Violation(`the error ${code.code} for ${frame.label}`, describeAnswer(answer));
}

interface Broken {
  readonly answer: Refusal;
  /** Where the message is wrong. */
  readonly places: readonly string[];
  /** The request's id, where it was usable. */
  readonly id: unknown;
  readonly what: string;
}

/** Breaks every keyword of the message, each on its own, and gives the refusals. */
async function* refusals(context: Context, { client }: MessagePromise): AsyncGenerator<Broken> {
  const { mutations } = dataOf(context.contract).of(client.message);
  const sender = createQuotaAwareConnection(context, client.operation);
  let base: unknown;
  let last: TestClient | undefined;
  for (const { constraint } of mutations) {
    const testClient = await sender.ready(true);
    if (testClient !== last) base = await baseFor(context, testClient, client);
    last = testClient;
    const mutation = breakIn(context, client, constraint, base);
    if (!isReadable(context, JSON.stringify(mutation.value))) continue;
    const answer = await answerTo(context, testClient, JSON.stringify(mutation.value));
    const member = constraint.member === undefined ? "" : ` ${constraint.member}`;
    const what = `\`${client.message.name}\` that breaks ${constraint.keyword}${member} at ${constraint.location || "the message"}`;
    // That it is refused at all is another rule's affair.
    if (answer.kind === "refused") yield { answer, places: mutation.places, id: mutation.id, what };
  }
}

const marker = "wsproof-secret-Zm9vYmFy";

/** Places of client messages that hold a credential. */
function secrets(subject: ContractUnderTest): readonly (MessagePromise & { readonly at: Pointer })[] {
  return breakableMessages(subject).flatMap((promise) =>
    promise.client.operation.requires
      .flatMap((one) => (one.kind === "credential" && one.value.kind === "message" ? [one.value.pointer] : []))
      .slice(0, 1)
      .map((at) => ({ ...promise, at })),
  );
}

/** A text of the error reply that is free: no code, no pointer, no tag, no time. */
function freeText({ contract }: Pick<ContractUnderTest, "contract">): Pointer | undefined {
  const reply = contract.errors?.reply;
  const message = contract.messages.find(({ name }) => name === reply?.message);
  const example = message?.examples[0]?.payload as Json | undefined;
  if (message === undefined || example === undefined) return undefined;
  const { validator } = dataOf(contract).of(message);
  const taken = [reply?.code, reply?.pointer, message.correlation, message.tag?.pointer];
  return placesOf(example).find(
    (place) =>
      typeof valueAt(example, place) === "string" &&
      !taken.includes(place) &&
      validator.compile(message.payload)(withValueAt(example, place, marker)),
  );
}

export const errorReplyRules: readonly Rule[] = [
  rule<CodePromise>({
    id: "invalid-error-retryable",
    level: "MUST",
    phase: "invalid",
    title: "error carries the declared retryable flag",
    from: (subject) => (subject.contract.errors?.reply.retryable === undefined ? [] : malformedCodes(subject)),
    async check(context, { code }) {
      const answer = await trigger(context, await context.dial(), code);
      if (answer.kind === "closed") throw new NotTestable(`the server says ${code.code} by close ${answer.code} alone`);
      const actual = lookup(answer.reply.value, context.contract.errors!.reply.retryable!);
      if (actual !== code.retryable) throw new Violation(`${code.code} with retryable ${code.retryable}`, String(actual));
    },
    brokenBy: ({ code }, { contract }) => faults.altersError(code.code, contract.errors!.reply.retryable!),
  }),

  rule<CodePromise>({
    id: "invalid-error-once",
    level: "MUST",
    phase: "invalid",
    title: "reports a malformed frame exactly once",
    from: (subject) => (subject.channel.delivery?.fence === undefined ? [] : malformedCodes(subject)),
    async check(context, { code }) {
      const { came, kind } = await trigger(context, await context.dial(), code);
      context.judged();
      const errors = came.filter((received) => context.errorCode(received) !== undefined);
      if (errors.length !== (kind === "closed" ? 0 : 1)) throw new Violation(`one error ${code.code}`, `${errors.length} errors`);
    },
    brokenBy: (_, { contract }) => faults.duplicatesMessage(contract.errors!.reply.message!),
  }),

  rule<MessagePromise>({
    id: "invalid-error-pointer",
    level: "MUST",
    phase: "invalid",
    title: "error pointer names the invalid member",
    from: withPointer,
    async check(context, promise) {
      const at = context.contract.errors!.reply.pointer!;
      for await (const { answer, places, what } of refusals(context, promise)) {
        const pointer = lookup(answer.reply.value, at);
        if (pointer === undefined) continue;
        context.judged();
        if (!places.includes(pointer as string)) {
          throw new Violation(
            `the pointer ${places.map((place) => `"${place}"`).join(" or ")} for ${what}`,
            JSON.stringify(pointer),
          );
        }
      }
    },
    brokenBy: (_, subject) =>
      errorsFor(subject, ["not-in-schema"]).map(({ code }) => faults.altersError(code, subject.contract.errors!.reply.pointer!)),
  }),

  rule<MessagePromise>({
    id: "invalid-error-pointer-given",
    level: "SHOULD",
    phase: "invalid",
    title: "every schema error has a pointer",
    from: withPointer,
    async check(context, promise) {
      const { pointer } = context.contract.errors!.reply;
      const codes = errorsFor(context, ["not-in-schema"]).map(({ code }) => code);
      for await (const { answer, what } of refusals(context, promise)) {
        if (!codes.includes(answer.code)) continue;
        context.judged();
        if (lookup(answer.reply.value, pointer!) === undefined) {
          throw new Violation(`a pointer for ${what}`, shortened(answer.reply.text));
        }
      }
    },
    brokenBy: (_, subject) =>
      errorsFor(subject, ["not-in-schema"]).map(({ code }) =>
        faults.removesFromError(code, subject.contract.errors!.reply.pointer!),
      ),
  }),

  rule<MessagePromise>({
    id: "invalid-error-id",
    level: "MUST",
    phase: "invalid",
    title: "error carries the id of the rejected frame where it is readable",
    from: (subject) => (mayErrorLackId(subject) ? withCorrelation(subject) : []),
    async check(context, promise) {
      const at = errorCorrelation(context)!;
      for await (const { answer, id, what } of refusals(context, promise)) {
        if (id === undefined) continue;
        context.judged();
        const actual = lookup(answer.reply.value, at);
        if (actual !== id)
          throw new Violation(`the id ${JSON.stringify(id)} at ${at} of the error for ${what}`, JSON.stringify(actual) ?? "none");
      }
    },
    brokenBy: (_, subject) =>
      errorsFor(subject, ["not-in-schema"]).map(({ code }) => faults.removesFromError(code, errorCorrelation(subject)!)),
  }),

  rule<MessagePromise>({
    id: "invalid-error-no-id",
    level: "MUST",
    phase: "invalid",
    title: "error carries no id where the rejected frame has no readable one",
    from: (subject) => (mayErrorLackId(subject) ? withCorrelation(subject) : []),
    async check(context, promise) {
      const at = errorCorrelation(context)!;
      const { correlation } = promise.client.message;
      for await (const { answer, id, what } of refusals(context, promise)) {
        // A message that is no object has no place for an id either.
        if (id !== undefined || correlation === undefined) continue;
        context.judged();
        const actual = lookup(answer.reply.value, at);
        if (actual !== undefined && actual !== null)
          throw new Violation(`no id at ${at} of the error for ${what}`, JSON.stringify(actual));
      }
    },
    brokenBy: (_, subject) => faults.addsField(subject.contract.errors!.reply.message!, errorCorrelation(subject)!, "never-sent"),
  }),

  rule<MessagePromise & { readonly at: Pointer }>({
    id: "invalid-error-no-secret",
    level: "MUST",
    phase: "invalid",
    title: "does not echo a credential in an error",
    from: (subject) => (freeText(subject) === undefined ? [] : secrets(subject)),
    async check(context, { client, at }) {
      const testClient = await context.dial();
      const { correlation } = client.message;
      const example = context.example(client.message.name);
      const carrying = withValueAt(example, at, marker);
      const frames = [carrying, withValueAt(example, at, [marker]), withValueAt(carrying, "/unexpected", marker)];
      if (correlation !== undefined) frames.push(withValueAt(carrying, correlation, 5));
      for (const frame of frames) {
        const answer = await answerTo(context, testClient, JSON.stringify(frame));
        context.judged();
        const telling = answer.came.find(({ text }) => text.includes(marker));
        if (telling !== undefined) throw new Violation("an error without the credential that was sent", shortened(telling.text));
      }
    },
    brokenBy: (_, subject) => faults.changesField(subject.contract.errors!.reply.message!, freeText(subject)!, marker),
  }),
];
