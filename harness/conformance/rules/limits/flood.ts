// Sending more than a rate limit admits: who sends, how much it takes, and how much may have been admitted at most.

import type { ErrorValue, Operation, RateLimit } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { satisfyPreconditions, userFor } from "../../../client/preconditions.ts";
import type { Received, User } from "../../../client/received.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import type { Context } from "../../context.ts";
import type { Clause } from "../../rule.ts";

export interface RatePromise extends Clause {
  readonly limit: RateLimit;
}

export function operationsUnder({ contract, channel }: ContractUnderTest, limit: RateLimit): readonly Operation[] {
  return contract.operations.filter(
    (operation) =>
      operation.action === "receive" &&
      operation.channel === channel.id &&
      operation.reply !== undefined &&
      operation.requires.some((requirement) => requirement.kind === "rate" && requirement.limit === limit.name),
  );
}

/** Limits that some operation with a reply on the WebSocket channel is under, of this kind of scope. */
export function limitsOf(scope: "connection" | "shared" | "any"): (subject: ContractUnderTest) => readonly RatePromise[] {
  return (subject) =>
    subject.channel.rateLimits
      .filter((limit) => scope === "any" || (limit.scope === "connection") === (scope === "connection"))
      .filter((limit) => operationsUnder(subject, limit).length > 0)
      .map((limit) => ({ pointer: limit.pointer, text: limit.description, limit }));
}

/** Ready to send messages that only rate limits can refuse. */
export interface Sender {
  readonly client: TestClient;
  readonly operation: Operation;
  readonly message: unknown;
  /** Messages under the limit that were sent to get here. */
  readonly used: number;
}

/** Prefers an operation that needs nothing to come before it, so that the bucket is full. */
export async function senderUnder(context: Context, limit: RateLimit, user?: User): Promise<Sender> {
  const operation = easiestUnder(context, limit);
  const client = await context.dial({ user: user ?? (await userFor(context, operation)) });
  return senderOn(context, limit, operation, client);
}

/** The same on a connection that is there already. Its `used` are all that it ever sent under the limit. */
export async function senderOn(context: Context, limit: RateLimit, operation: Operation, client: TestClient): Promise<Sender> {
  const message = await satisfyPreconditions(context, client, operation);
  return { client, operation, message, used: countUnder(context, client, limit) };
}

/** With what code the operation is refused where the limit is used up. */
export function codeOf(operation: Operation, limit: RateLimit): ErrorValue {
  const requirement = operation.requires.find((one) => one.kind === "rate" && one.limit === limit.name);
  return requirement?.else ?? limit.error;
}

export function easiestUnder(subject: ContractUnderTest, limit: RateLimit): Operation {
  return [...operationsUnder(subject, limit)].sort((a, b) => preparations(a) - preparations(b))[0]!;
}

function preparations({ requires }: Operation): number {
  return requires.filter(({ kind }) => kind !== "rate").length;
}

/** Messages that the connection has sent whose operation is under the limit. */
function countUnder(context: Context, client: TestClient, limit: RateLimit): number {
  const names = new Set(operationsUnder(context, limit).flatMap(({ messages }) => messages));
  return context.history().filter((event) => {
    if (event.kind !== "send" || event.connection !== client.connection) return false;
    const { name } = context.read(JSON.stringify(event.frame), "fromClient");
    return name !== undefined && names.has(name);
  }).length;
}

export interface Answer {
  readonly sentAtMs: number;
  readonly reply: Received;
  readonly code: ErrorValue | undefined;
}

/** Sends `count` copies at once and waits for each reply. */
export async function flood(context: Context, { client, operation, message }: Sender, count: number): Promise<readonly Answer[]> {
  const correlation = context.message(operation.messages[0]!).correlation;
  if (correlation === undefined)
    throw new NotTestable(`the message of ${operation.id} has no correlationId, so its replies cannot be told apart`);
  const sent = Array.from({ length: count }, () => {
    const id = context.id(operation.messages[0]);
    const atMs = context.clock.nowMs();
    client.send(withValueAt(message, correlation, id));
    return { id, atMs };
  });
  const answers: Answer[] = [];
  for (const { id, atMs } of sent) {
    const reply = await client.reply(id);
    answers.push({ sentAtMs: atMs, reply, code: context.errorCode(reply) });
  }
  return answers;
}

/**
 * Demands that never more was admitted than the burst and what was refilled since. Judged at each reply: what was answered by then
 * was admitted by then and, at the earliest, when the first was sent, so that this refill is the most that there can have been.
 * @param spent admitted before, at `sinceMs` at the earliest
 */
export function expectWithin(
  { burst, perSecond }: { readonly burst: number; readonly perSecond: number },
  answers: readonly (Pick<Answer, "sentAtMs" | "code"> & { readonly reply: Pick<Received, "atMs"> })[],
  error: ErrorValue,
  { sinceMs = answers[0]!.sentAtMs, spent = 0 } = {},
): void {
  const admitted = answers.filter(({ code }) => code !== error).sort((a, b) => a.reply.atMs - b.reply.atMs);
  for (const [at, { reply }] of admitted.entries()) {
    const tookMs = reply.atMs - sinceMs;
    // The server's clock may count whole ms.
    const atMost = burst - spent + Math.floor((perSecond * (tookMs + 1)) / 1000);
    if (at + 1 > atMost) {
      throw new Violation(
        `at most ${atMost} messages to be admitted in ${Math.round(tookMs)} ms`,
        `${at + 1} admitted, ${admitted.length} of ${answers.length} in all`,
      );
    }
  }
}

/** How many beyond the burst are worth sending: enough to outrun the refill, fewer than would close the connection. */
export function beyond(context: Context, perSecond: number, error: ErrorValue): number {
  const hits = context.channel.limits.flatMap((limit) =>
    limit.kind === "errors" && limit.errors.includes(error) ? [context.effective(limit)] : [],
  );
  return Math.max(1, Math.min(5 + Math.ceil(perSecond), ...hits.map((value) => value - 1)));
}

/** The smallest burst of the connection's own limits that the operation is under as well. */
export function otherBurst(context: Context, operation: Operation, limit: RateLimit): number {
  const others = context.channel.rateLimits.filter(
    (other) =>
      other.name !== limit.name &&
      other.scope === "connection" &&
      operation.requires.some((requirement) => requirement.kind === "rate" && requirement.limit === other.name),
  );
  return Math.min(Number.MAX_SAFE_INTEGER, ...others.map((other) => context.effective(other).burst));
}

export interface UsedUp {
  /** Those that sent, in order: one connection where the limit is of the connection, else several of one user. */
  readonly senders: readonly Sender[];
  readonly answers: readonly Answer[];
  /** Admitted before the answers, since `sinceMs`. */
  readonly used: number;
  readonly sinceMs: number;
}

/**
 * Sends more than the limit admits, by the easiest operation under it.
 * @param own the connection to send on, where the limit is of the connection, and since when it may have sent; default a new one
 */
export async function useUp(
  context: Context,
  limit: RateLimit,
  user: User,
  own?: Pick<Sender, "client"> & Pick<UsedUp, "sinceMs">,
): Promise<UsedUp> {
  const operation = easiestUnder(context, limit);
  const { burst, perSecond } = context.effective(limit);
  const total = burst + beyond(context, perSecond, limit.error);
  const isOwn = limit.scope === "connection";
  // At least two connections, so that one that is counted apart is noticed; and none beyond what its own limits admit.
  const each = isOwn ? total : Math.min(Math.ceil(total / 2), otherBurst(context, operation, limit));
  const sinceMs = own?.sinceMs ?? context.clock.nowMs();
  const senders: Sender[] = [];
  // All connections are made ready first, so that little is refilled while the messages are sent.
  while (senders.length < Math.ceil(total / each)) {
    const client = (isOwn ? own?.client : undefined) ?? (await context.dial({ user }));
    senders.push(await senderOn(context, limit, operation, client));
  }
  const used = senders.reduce((sum, one) => sum + one.used, 0);
  const answers: Answer[] = [];
  for (const sender of senders) answers.push(...(await flood(context, sender, Math.min(each, total - used - answers.length))));
  return { senders, answers, used, sinceMs: used === 0 ? answers[0]!.sentAtMs : sinceMs };
}
