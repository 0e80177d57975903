// x-limits that count: the bytes of a message, the tuples of a relation, the connections of one user.

import type { ErrorValue, Limit, Operation } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { satisfyPreconditions, userFor } from "../../../client/preconditions.ts";
import type { Received } from "../../../client/received.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { fenceRequest, ignoresFence } from "../frames/clause.ts";

type LimitOf<K extends Limit["kind"]> = Extract<Limit, { kind: K }>;
interface LimitPromise<K extends Limit["kind"]> extends Clause {
  readonly limit: LimitOf<K>;
}

function limitsOf<K extends Limit["kind"]>(kind: K): (subject: ContractUnderTest) => readonly LimitPromise<K>[] {
  return ({ channel }) =>
    channel.limits
      .filter((limit): limit is LimitOf<K> => limit.kind === kind)
      .map((limit) => ({ pointer: limit.pointer, text: limit.description, limit }));
}

/** More connections or tuples than this are not made for one rule: the test would be a load test. */
const mostTuples = 200;

/** The operation that adds to the relation, if one does. */
function adding({ contract, channel }: ContractUnderTest, relation: string): Operation | undefined {
  return contract.operations.find(
    (operation) =>
      operation.channel === channel.id &&
      operation.action === "receive" &&
      operation.effects.some((effect) => effect.kind === "add" && effect.relation === relation),
  );
}

/** The operation that takes from the relation, if one does. */
function removing({ contract, channel }: ContractUnderTest, relation: string): Operation | undefined {
  return contract.operations.find(
    (operation) =>
      operation.channel === channel.id &&
      operation.action === "receive" &&
      operation.effects.some((effect) => effect.kind === "remove" && effect.relation === relation),
  );
}

async function perform(
  context: Context,
  client: TestClient,
  operation: Operation,
  keys: Map<string, unknown>,
): Promise<ErrorValue | undefined> {
  return context.errorCode(await replyFor(context, client, operation, keys));
}

async function replyFor(
  context: Context,
  client: TestClient,
  operation: Operation,
  keys: Map<string, unknown>,
): Promise<Received> {
  return client.request(await satisfyPreconditions(context, client, operation, keys));
}

interface Filled {
  readonly clients: readonly TestClient[];
  readonly operation: Operation;
  readonly keys: Map<string, unknown>;
}

/** Adds exactly as many tuples as the limit allows: all of one connection, or one of each of many connections under one key. */
async function fill(context: Context, limit: LimitOf<"relation">): Promise<Filled> {
  const operation = adding(context, limit.relation);
  const most = context.effective(limit);
  if (operation === undefined) throw new NotTestable(`no operation adds to the relation ${limit.relation}`);
  const perConnection = limit.per === "connection";
  const allowed = perConnection ? Math.min(mostTuples, withinRates(context, operation)) : mostTuples;
  if (most > allowed) {
    throw new NotTestable(
      `the limit of ${most} is more than the ${allowed} that can be reached at once; run the server with a lower one`,
    );
  }
  const keys = new Map<string, unknown>();
  const clients: TestClient[] = [];
  for (let count = 0; count < most; count++) {
    if (!perConnection || clients.length === 0) clients.push(await context.dial({ user: await userFor(context, operation) }));
    if (perConnection) keys.clear();
    const code = await perform(context, clients.at(-1)!, operation, keys);
    if (code !== undefined) throw new Violation(`${most} to be admitted`, `the error ${code} at number ${count + 1}`);
  }
  return { clients, operation, keys };
}

/** How often the operation may be sent at once, leaving three for what the rule does afterwards. */
function withinRates(context: Context, operation: Operation): number {
  const bursts = context.channel.rateLimits
    .filter((limit) => operation.requires.some((requirement) => requirement.kind === "rate" && requirement.limit === limit.name))
    .map((limit) => context.effective(limit).burst);
  return Math.min(mostTuples, ...bursts.map((burst) => burst - 3));
}

/** One more than the limit: by the same connection under a new key, or by a new connection under the same key. */
async function oneMore(context: Context, { clients, operation, keys }: Filled, limit: LimitOf<"relation">): Promise<Received> {
  if (limit.per === "connection") return replyFor(context, clients[0]!, operation, new Map());
  return replyFor(context, await context.dial({ user: await userFor(context, operation) }), operation, keys);
}

/** The reply to one more than the limit allows. */
export async function replyBeyond(context: Context, limit: LimitOf<"relation">): Promise<Received> {
  return oneMore(context, await fill(context, limit), limit);
}

/** With what code the operation is refused beyond the limit: what it says itself, else what the limit says. */
function codeOf({ requires }: Operation, limit: LimitOf<"relation">): ErrorValue | undefined {
  return requires.find((one) => one.kind === "limit" && one.limit === limit.name)?.else ?? limit.error;
}

export const relationLimits = (subject: ContractUnderTest) =>
  limitsOf("relation")(subject).filter(({ limit }) => limit.error !== undefined && adding(subject, limit.relation) !== undefined);

/** Text of a message that the contract answers, filled up with white space to `bytes`. */
function padded(context: Context, bytes: number): { readonly text: string; readonly message: unknown } {
  const { text, message } = fenceRequest(context);
  return { text: text + " ".repeat(Math.max(0, bytes - Buffer.byteLength(text))), message };
}

const byteLimits = (subject: ContractUnderTest) =>
  subject.channel.delivery?.fence === undefined ? [] : limitsOf("message-bytes")(subject);
const connectionLimits = (subject: ContractUnderTest) =>
  limitsOf("connections")(subject).filter(({ limit }) => limit.close !== undefined);

export const boundRules: readonly Rule[] = [
  rule<LimitPromise<"message-bytes">>({
    id: "limits-bytes-at-bound",
    level: "MUST",
    phase: "limits",
    title: "accepts a message of exactly the maximum size",
    from: byteLimits,
    async check(context, { limit }) {
      const client = await context.dial();
      const { text, message } = padded(context, context.effective(limit));
      client.sendText(text);
      const code = context.errorCode(await client.replyTo(message));
      if (code !== undefined) throw new Violation("the message to be accepted", `the error ${code}`);
    },
    brokenBy: (_, subject) => ignoresFence(subject),
  }),

  rule<LimitPromise<"message-bytes">>({
    id: "limits-bytes-beyond",
    level: "MUST",
    phase: "limits",
    title: "rejects a message one byte over the maximum size",
    from: byteLimits,
    async check(context, { limit }) {
      const client = await context.dial();
      const { text, message } = padded(context, context.effective(limit) + 1);
      client.sendText(text);
      if (limit.close !== undefined) {
        await client.closes({ code: limit.close });
        return;
      }
      const code = context.errorCode(await client.replyTo(message));
      if (code !== limit.error)
        throw new Violation(`the error ${limit.error}`, code === undefined ? "a success" : `the error ${code}`);
    },
    brokenBy: ({ limit }, subject) => (limit.close === undefined ? ignoresFence(subject) : faults.neverCloses(limit.close)),
  }),

  rule<LimitPromise<"relation">>({
    id: "limits-relation-beyond",
    level: "MUST",
    phase: "limits",
    title: "accepts up to the limit and rejects one more with the declared error",
    from: relationLimits,
    async check(context, { limit }) {
      const filled = await fill(context, limit);
      const code = context.errorCode(await oneMore(context, filled, limit));
      const wanted = codeOf(filled.operation, limit);
      if (code !== wanted) throw new Violation(`the error ${wanted}`, code === undefined ? "a success" : `the error ${code}`);
    },
    brokenBy: ({ limit }, subject) => faults.acceptsRefused(adding(subject, limit.relation)!.id, limit.error!),
  }),

  rule<LimitPromise<"relation">>({
    id: "limits-relation-repeat-admitted",
    level: "MUST",
    phase: "limits",
    title: "does not count the same tuple twice",
    from: relationLimits,
    async check(context, { limit }) {
      const { clients, operation, keys } = await fill(context, limit);
      const code = await perform(context, clients.at(-1)!, operation, keys);
      if (code !== undefined) throw new Violation("a repetition to be admitted at the limit", `the error ${code}`);
    },
    brokenBy: ({ limit }, subject) => {
      const { id, messages } = adding(subject, limit.relation)!;
      return faults.refuses(id, messages[0]!, limit.error!, { everyNth: 2 });
    },
  }),

  rule<LimitPromise<"relation">>({
    id: "limits-relation-released",
    level: "MUST",
    phase: "limits",
    title: "accepts another after one was removed",
    from: (subject) => relationLimits(subject).filter(({ limit }) => removing(subject, limit.relation) !== undefined),
    async check(context, { limit }) {
      const filled = await fill(context, limit);
      const gone = await perform(context, filled.clients.at(-1)!, removing(context, limit.relation)!, filled.keys);
      if (gone !== undefined) throw new Violation("the removal to succeed", `the error ${gone}`);
      const code = context.errorCode(await oneMore(context, filled, limit));
      if (code !== undefined) throw new Violation("another to be admitted after one has gone", `the error ${code}`);
    },
    brokenBy: ({ limit }, subject) => {
      const { id, messages } = removing(subject, limit.relation)!;
      return faults.pretends(id, messages[0]!);
    },
  }),

  rule<LimitPromise<"connections">>({
    id: "limits-connections-beyond",
    level: "MUST",
    phase: "limits",
    title: "accepts connections of one user up to the limit and closes one more with the declared code",
    from: connectionLimits,
    async check(context, { limit }) {
      const { user } = await fillConnections(context, limit);
      const extra = await context.dial({ user, awaitFirst: false });
      await extra.closes({ code: limit.close! });
    },
    brokenBy: ({ limit }) => [faults.neverCloses(limit.close!), faults.changesCloseCode(limit.close!, 1000)],
  }),

  rule<LimitPromise<"connections">>({
    id: "limits-connections-oldest-kept",
    level: "MUST",
    phase: "limits",
    title: "keeps older connections open when one too many is rejected",
    from: (subject) => (subject.channel.delivery?.fence === undefined ? [] : connectionLimits(subject)),
    async check(context, { limit }) {
      const { user, clients } = await fillConnections(context, limit);
      const extra = await context.dial({ user, awaitFirst: false });
      await extra.closes();
      for (const client of clients) await client.fence();
    },
    brokenBy: () => faults.server("closes-oldest-connection"),
  }),

  rule<LimitPromise<"connections">>({
    id: "limits-connections-released",
    level: "MUST",
    phase: "limits",
    title: "accepts another connection of the user after one has ended",
    from: connectionLimits,
    async check(context, { limit }) {
      const { user, clients } = await fillConnections(context, limit);
      await clients[0]!.hangUp();
      // The server may learn of the end a little later than we do; a refusal is tried again until the deadline.
      const deadlineMs = context.clock.nowMs() + context.timeoutMs;
      for (;;) {
        const attempt = await context.attempt({ user });
        if (attempt.kind !== "open") throw new Violation("an open connection", attempt.kind);
        const next = await Promise.race([
          attempt.client
            .receive(() => true, { withinMs: context.timeoutMs })
            .then(
              () => "message" as const,
              () => "closed" as const,
            ),
          attempt.client.closes().then(
            () => "closed" as const,
            () => "message" as const,
          ),
        ]);
        if (next === "message") return;
        if (context.clock.nowMs() > deadlineMs)
          throw new Violation("another connection to be admitted after one has gone", `close ${attempt.client.closed?.code}`);
        await context.clock.sleep(50);
      }
    },
    brokenBy: () => faults.server("connections-never-released"),
  }),
];

async function fillConnections(
  context: Context,
  limit: LimitOf<"connections">,
): Promise<{ readonly user: Awaited<ReturnType<Context["user"]>>; readonly clients: readonly TestClient[] }> {
  const most = context.effective(limit);
  if (most > mostTuples)
    throw new NotTestable(`the limit of ${most} connections is more than ${mostTuples}; run the server with a lower one`);
  const user = await context.user();
  const clients: TestClient[] = [];
  for (let count = 0; count < most; count++) clients.push(await context.dial({ user }));
  return { user, clients };
}
