// Batches: a frame that is an array of requests is answered by an array of their replies. And requests without an id, which nobody answers.

import type { Batch, ErrorCode, Operation } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { expectSuccess, mayRefuse } from "../../../client/outcome.ts";
import { satisfyPreconditions, userFor } from "../../../client/preconditions.ts";
import type { Received } from "../../../client/received.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { withoutValueAt } from "../../../schema/edit.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import type { Json } from "../../../schema/json.ts";
import { answerTo, expectRefused, shortened } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { type ClientMessage, clientMessages, errorsFor, isReadable } from "../client-messages.ts";

interface BatchPromise extends Clause {
  readonly batch: Batch;
}

interface SizePromise extends BatchPromise {
  readonly size: "empty" | "too-large";
  readonly codes: readonly ErrorCode[];
}

interface SilentPromise extends Clause {
  readonly client: ClientMessage;
}

/** Operations that can stand in a batch: answered under an id, and changing nothing that another request of the batch may need. */
function batchable(subject: ContractUnderTest): readonly ClientMessage[] {
  return clientMessages(subject).filter(
    ({ operation, message }) =>
      operation.reply !== undefined &&
      operation.messages[0] === message.name &&
      message.correlation !== undefined &&
      operation.effects.every(({ kind }) => kind === "reply" || kind === "deliver") &&
      operation.requires.every(({ kind }) => kind !== "credential"),
  );
}

function batches(subject: ContractUnderTest): readonly BatchPromise[] {
  const { batch } = subject.channel;
  if (batch === undefined || batchable(subject).length === 0) return [];
  const order = batch.replies === "in-order" ? "in the order of the requests" : "in any order";
  return [{ pointer: batch.pointer, text: `An array of requests is answered by an array of their replies, ${order}.`, batch }];
}

/** Longer batches are not made. */
const most = 1_000;

function sizes(subject: ContractUnderTest): readonly SizePromise[] {
  return batches(subject).flatMap(({ batch, pointer }) => {
    const codes = (subject.contract.errors?.codes ?? []).filter(({ code }) => code === batch.error);
    const kinds = [
      ...(codes.length === 0 ? [] : ["empty" as const]),
      ...(codes.length === 0 || batch.maxItems === undefined || batch.maxItems > most ? [] : ["too-large" as const]),
    ];
    const textOf = { empty: "An empty array is rejected.", "too-large": `More than ${batch.maxItems} requests are rejected.` };
    return kinds.map((size) => ({ pointer, text: textOf[size], batch, size, codes }));
  });
}

interface Request {
  readonly operation: Operation;
  readonly message: unknown;
}

/** So many requests of different operations, each with an id of its own, that succeed on this connection now. */
async function requestsFor(context: Context, testClient: TestClient, count: number): Promise<readonly Request[]> {
  const clients = batchable(context);
  const bases = new Map<ClientMessage, unknown>();
  const requests: Request[] = [];
  for (let at = 0; at < count; at++) {
    const client = clients[at % clients.length]!;
    const { operation, message } = client;
    if (!bases.has(client)) bases.set(client, await satisfyPreconditions(context, testClient, operation));
    const named = withValueAt(bases.get(client), message.correlation!, context.id(message.name));
    requests.push({ operation, message: named });
  }
  testClient.takeAll();
  return requests;
}

/** A connection whose user may perform all that can stand in a batch. */
async function dialForBatch(context: Context): Promise<TestClient> {
  return context.dial({ user: await userFor(context, batchable(context)[0]!.operation) });
}

/** Enough to tell an order by, within the limit. */
const sizeFor = ({ maxItems = 4 }: Batch) => Math.max(1, Math.min(4, maxItems));

/** Sends the batch and takes its replies, in the order in which they came. */
async function exchange(
  context: Context,
  testClient: TestClient,
  requests: readonly Request[],
): Promise<readonly (Received & { readonly operation: Operation })[]> {
  testClient.sendBatch(requests.map(({ message }) => message));
  const isReply = Object.assign(({ request }: Received) => request !== undefined, {
    describes: `a reply to each of ${requests.length} requests of a batch`,
  });
  const replies: (Received & { readonly operation: Operation })[] = [];
  for (const _ of requests) {
    const reply = await testClient.receive(isReply);
    replies.push({ ...reply, operation: reply.request!.operation! });
  }
  for (const reply of replies) {
    const code = context.errorCode(reply);
    if (code === undefined || !mayRefuse(context, reply.operation, code))
      expectSuccess(context, reply.operation, reply, "in a batch");
  }
  return replies;
}

export const batchRules: readonly Rule[] = [
  rule<BatchPromise>({
    id: "examples-batch-answered",
    level: "MUST",
    phase: "examples",
    title: "answers a batch with one array that holds a reply to each request",
    from: batches,
    async check(context, { batch }) {
      const testClient = await dialForBatch(context);
      const requests = await requestsFor(context, testClient, sizeFor(batch));
      const replies = await exchange(context, testClient, requests);
      const answered = new Set(replies.map(({ request }) => JSON.stringify(request!.id)));
      if (answered.size !== requests.length)
        throw new Violation(`one reply to each of ${requests.length} requests`, `replies to ${answered.size} of them`);
      const apart = replies.find((reply) => reply.batch?.size !== requests.length);
      if (apart !== undefined) {
        const how = apart.batch === undefined ? "a frame of its own" : `an array of ${apart.batch.size}`;
        throw new Violation(`one array of ${requests.length} replies`, `${how}: ${shortened(apart.text)}`);
      }
    },
    brokenBy: () => [
      faults.shapes("batch-answered-one-by-one", "The replies to a batch come in frames of their own."),
      faults.shapes("batch-drops-last", "The last request of a batch gets no reply."),
    ],
  }),

  rule<BatchPromise>({
    id: "examples-batch-order",
    level: "MUST",
    phase: "examples",
    title: "replies to a batch are in the order of its requests",
    from: (subject) => batches(subject).filter(({ batch }) => batch.replies === "in-order" && sizeFor(batch) > 1),
    async check(context, { batch }) {
      const testClient = await dialForBatch(context);
      const requests = await requestsFor(context, testClient, sizeFor(batch));
      const replies = await exchange(context, testClient, requests);
      const wanted = requests.map(({ message, operation }) => idIn(context, operation, message));
      const actual = replies.map(({ request }) => JSON.stringify(request!.id));
      if (wanted.join() !== actual.join()) throw new Violation(`replies to ${wanted.join(", ")}`, `to ${actual.join(", ")}`);
    },
    brokenBy: () => faults.shapes("batch-reversed", "The replies to a batch come in the opposite order."),
  }),
];

export const batchRejectionRules: readonly Rule[] = [
  rule<SizePromise>({
    id: "invalid-batch-size-rejected",
    level: "MUST",
    phase: "invalid",
    title: "rejects an empty batch and an oversized batch with the declared error",
    from: sizes,
    async check(context, { batch, size, codes }) {
      const testClient = await dialForBatch(context);
      const requests = size === "empty" ? [] : await requestsFor(context, testClient, batch.maxItems! + 1);
      const text = JSON.stringify(requests.map(({ message }) => message));
      if (!isReadable(context, text)) throw new NotTestable(`${requests.length} requests exceed the limit of bytes per message`);
      const answer = await answerTo(context, testClient, text);
      context.judged();
      expectRefused(answer, codes, size === "empty" ? "an empty batch" : `a batch of ${requests.length} requests`);
    },
    brokenBy: ({ size }) =>
      size === "empty"
        ? faults.shapes("batch-empty-ignored", "An empty batch gets no answer.")
        : faults.shapes("batch-size-unlimited", "A batch of any size is answered."),
  }),

  rule<BatchPromise>({
    id: "invalid-batch-item-rejected",
    level: "MUST",
    phase: "invalid",
    title: "rejects a malformed item of a batch, and answers the others",
    from: (subject) =>
      batches(subject).filter(
        ({ batch }) => (batch.maxItems ?? 2) > 1 && errorsFor(subject, ["not-in-schema", "unknown-type"]).length > 0,
      ),
    async check(context) {
      const testClient = await dialForBatch(context);
      const [request] = await requestsFor(context, testClient, 1);
      const codes = errorsFor(context, ["not-in-schema", "unknown-type"]);
      testClient.sendText(JSON.stringify([request!.message, 7]));
      const isError = Object.assign(
        (received: Received) => received.request === undefined && codes.some(({ code }) => code === context.errorCode(received)),
        { describes: `the error ${codes.map(({ code }) => code).join(" or ")} for the item 7 of a batch` },
      );
      await testClient.receive(isError);
      const reply = await testClient.receive(
        Object.assign((received: Received) => received.request !== undefined, {
          describes: "the reply to the other request of the batch",
        }),
      );
      const code = context.errorCode(reply);
      if (code === undefined || !mayRefuse(context, request!.operation, code))
        expectSuccess(context, request!.operation, reply, "beside a malformed item");
    },
    brokenBy: () => faults.shapes("batch-item-ignored", "A malformed item of a batch is passed over."),
  }),
];

/** The operation's id in the message, as text. */
function idIn(context: Context, operation: Operation, message: unknown): string {
  const { correlation } = context.message(operation.messages[0]!);
  return JSON.stringify(correlation === undefined ? undefined : lookup(message, correlation));
}

/** Operations that answer only requests with an id, and whose request may lack it. */
function uncorrelated(subject: ContractUnderTest): readonly SilentPromise[] {
  return clientMessages(subject).flatMap((client) => {
    const { operation, message } = client;
    if (operation.replyWhen !== "when-correlated" || message.correlation === undefined) return [];
    return [{ pointer: operation.pointer, text: `${operation.id} is answered only where the request has an id.`, client }];
  });
}

export const uncorrelatedRules: readonly Rule[] = [
  rule<SilentPromise>({
    id: "examples-uncorrelated-silent",
    level: "MUST",
    phase: "examples",
    title: "sends no reply to a request without an id",
    from: uncorrelated,
    async check(context, { client: { operation, message } }) {
      const testClient = await context.dial({ user: await userFor(context, operation) });
      const base = (await satisfyPreconditions(context, testClient, operation)) as Json;
      const sent = withoutValueAt(base, message.correlation!);
      if (context.wrongWith(message.name, sent).length > 0) throw new NotTestable(`the id of ${message.name} is required`);
      testClient.takeAll();
      testClient.send(sent);
      const names = operation.reply ?? [];
      const reply = (await testClient.fence()).find(
        (received) => received.request === undefined && received.name !== undefined && names.includes(received.name),
      );
      context.judged();
      if (reply !== undefined) throw new Violation(`no reply to ${operation.id} without an id`, shortened(reply.text));
    },
    brokenBy: () => faults.shapes("uncorrelated-answered", "A request without an id gets a reply."),
  }),
];
