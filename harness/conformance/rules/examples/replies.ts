// Replies: every example gets the outcome that the document gives it, and every operation succeeds where it must.

import type { Effect, Example, Pointer, Value } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { loginsOf } from "../../../client/first-message.ts";
import { withValueAt } from "../../../client/messages.ts";
import { mayRefuse, requestSuccess } from "../../../client/outcome.ts";
import { satisfyPreconditions, userFor, withServerMade } from "../../../client/preconditions.ts";
import type { Received } from "../../../client/received.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { mayCloseUnforeseen } from "../../../model/protocol.ts";
import { promisesReply } from "../../../model/trace.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import { equalJson, type Json } from "../../../schema/json.ts";
import { answerTo, describeAnswer, shortened } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { boundValue, outcomeOf } from "../../expectation.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { type ClientMessage, clientMessages } from "../client-messages.ts";

interface ExamplePromise extends Clause {
  readonly client: ClientMessage;
  readonly example: Example;
}

interface OperationPromise extends Clause {
  readonly client: ClientMessage;
}

interface BindingPromise extends OperationPromise {
  readonly at: Pointer;
  readonly value: Value;
}

type ReplyEffect = Extract<Effect, { kind: "reply" }>;

function examples(subject: ContractUnderTest): readonly ExamplePromise[] {
  return clientMessages(subject).flatMap((client) =>
    client.message.examples.map((example) => ({
      pointer: example.pointer,
      text: example.summary || client.message.description,
      client,
      example,
    })),
  );
}

/** Operations that promise a reply, each with its first message. */
function answered(subject: ContractUnderTest): readonly OperationPromise[] {
  return clientMessages(subject)
    .filter(({ operation, message }) => operation.reply !== undefined && operation.messages[0] === message.name)
    .map((client) => ({ pointer: client.operation.pointer, client }));
}

/** Of them those whose reply carries the request's id. */
function correlated(subject: ContractUnderTest): readonly OperationPromise[] {
  return answered(subject).filter(
    ({ client }) => client.message.correlation !== undefined && successOf(subject, client) !== undefined,
  );
}

function successOf({ contract }: Pick<ContractUnderTest, "contract">, { operation }: ClientMessage) {
  const names = (operation.reply ?? []).filter((name) => name !== contract.errors?.reply.message);
  return contract.messages.find(({ name, correlation }) => names.includes(name) && correlation !== undefined);
}

function bindings(subject: ContractUnderTest): readonly BindingPromise[] {
  return answered(subject).flatMap(({ client }) =>
    client.operation.effects
      .filter((effect): effect is ReplyEffect => effect.kind === "reply")
      .flatMap((effect) =>
        [...effect.bindings]
          .filter(([, value]) => ["literal", "message", "sender"].includes(value.kind))
          .map(([at, value]) => ({ pointer: effect.pointer, client, at, value })),
      ),
  );
}

/** Performs the operation where it must succeed. @param id default one of the run's own @throws Violation where it does not */
async function succeed(
  context: Context,
  client: ClientMessage,
  id?: Json,
): Promise<{ testClient: TestClient; message: unknown; reply: Received }> {
  const logsIn = !loginsOf(context).includes(client.operation);
  const testClient = await context.dial({ user: await userFor(context, client.operation), logsIn });
  const example = await satisfyPreconditions(context, testClient, client.operation);
  const message = id === undefined ? example : withValueAt(example, client.message.correlation!, id);
  const reply = await requestSuccess(context, testClient, client.operation, message);
  return { testClient, message, reply };
}

export const replyRules: readonly Rule[] = [
  rule<ExamplePromise>({
    id: "examples-outcome",
    level: "MUST",
    phase: "examples",
    title: "answers each example with the declared outcome",
    from: examples,
    async check(context, { client, example }) {
      const { operation, message } = client;
      const testClient = await context.dial({
        user: await userFor(context, operation),
        logsIn: !loginsOf(context).includes(operation),
      });
      const { correlation } = message;
      const named =
        correlation === undefined ? example.payload : withValueAt(example.payload, correlation, context.id(message.name));
      // No example can hold what the server makes anew each time.
      const sent = await withServerMade(context, testClient, operation, named);
      const expected = await outcomeOf(context, testClient, operation, sent);
      const answer = await answerTo(context, testClient, JSON.stringify(sent));
      const what = `for the example ${example.name} of ${message.name}`;
      if (expected !== undefined) {
        if (answer.kind !== "refused" || (answer.code !== expected && !mayRefuse(context, operation, answer.code)))
          throw new Violation(`the error ${expected} ${what}`, describeAnswer(answer));
      } else if (answer.kind === "refused" && mayRefuse(context, operation, answer.code)) {
        context.note(`${operation.id} is refused with ${answer.code} ${what}; the document leaves open when it is`);
      } else if (answer.kind === "closed" && mayCloseUnforeseen(context, operation, answer.code)) {
        throw new NotTestable(`the server closes with ${answer.code} ${what}, and the document leaves open when it does`);
      } else if (
        promisesReply({ operation, id: correlation === undefined ? undefined : lookup(sent, correlation) })
          ? answer.kind !== "succeeded"
          : answer.kind === "refused" || answer.kind === "closed"
      ) {
        throw new Violation(operation.reply === undefined ? `no error ${what}` : `success ${what}`, describeAnswer(answer));
      }
    },
    brokenBy: ({ client }, subject) => {
      const other = subject.contract.errors?.codes.find(({ when }) => when === "internal" || when === "unavailable");
      // Where the fence itself is refused, nothing can be judged any more.
      return other === undefined || client.operation.id === subject.channel.delivery?.fence
        ? faults.closesInsteadOf(client.message.name, 1011)
        : faults.refuses(client.operation.id, client.message.name, other.code);
    },
  }),

  rule<OperationPromise>({
    id: "examples-success",
    level: "MUST",
    phase: "examples",
    title: "accepts an operation when its requirements hold",
    from: answered,
    async check(context, { client }) {
      await succeed(context, client);
    },
    brokenBy: ({ client }) => faults.swallowsReply(client.operation.id, "success"),
  }),

  rule<OperationPromise>({
    id: "examples-reply-id",
    level: "MUST",
    phase: "examples",
    title: "reply carries the id of its request, in every JSON type allowed for ids",
    from: correlated,
    async check(context, { client }) {
      await succeed(context, client);
      const ids = context.typedIds(client.message.name);
      if (ids.length > 1) for (const id of ids) await succeed(context, client, id);
    },
    brokenBy: ({ client }, subject) => [
      faults.wrongReplyId(client.operation.id, successOf(subject, client)!.correlation!),
      faults.dropsReplyId(client.operation.id, successOf(subject, client)!.correlation!),
    ],
  }),

  rule<OperationPromise>({
    id: "examples-reply-once",
    level: "MUST",
    phase: "examples",
    title: "replies exactly once to a request",
    from: (subject) => (subject.channel.delivery?.fence === undefined ? [] : correlated(subject)),
    async check(context, { client }) {
      const { testClient, reply } = await succeed(context, client);
      const more = (await testClient.fence()).filter(({ request }) => request !== undefined && request === reply.request);
      context.judged();
      if (more.length > 0) throw new Violation(`one reply to ${client.operation.id}`, `one more: ${shortened(more[0]!.text)}`);
    },
    brokenBy: ({ client }) => faults.repliesTwice(client.operation.id),
  }),

  rule<BindingPromise>({
    id: "examples-reply-fields",
    level: "MUST",
    phase: "examples",
    title: "reply fields have the values that the effect declares",
    from: bindings,
    async check(context, { client, at, value }) {
      const { testClient, message, reply } = await succeed(context, client);
      const wanted = boundValue(value, message, testClient);
      const actual = lookup(reply.value, at);
      context.judged();
      if (!equalJson(wanted, actual)) {
        throw new Violation(`${JSON.stringify(wanted)} at ${at} of ${reply.name}`, JSON.stringify(actual) ?? "nothing there");
      }
    },
    brokenBy: ({ client, at }) => faults.altersReply(client.operation.id, at),
  }),
];
