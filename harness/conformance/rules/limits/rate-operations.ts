// Which operations a rate limit counts: each that requires it, and no other.

import type { ErrorValue, Operation, RateLimit } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { requiredClaims, satisfyPreconditions, userFor } from "../../../client/preconditions.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import { answerTo } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { errorsOf, exchange, type HttpOperation, httpOperations } from "../http/exchange.ts";
import {
  codeOf,
  easiestUnder,
  expectWithin,
  flood,
  limitsOf,
  operationsUnder,
  type RatePromise,
  senderOn,
  type UsedUp,
  useUp,
} from "./flood.ts";

interface OperationPromise extends RatePromise {
  readonly operation: Operation;
}

interface FreePromise extends OperationPromise {
  /** Where the operation is one over HTTP. */
  readonly http: HttpOperation | undefined;
}

/** Each limit with each operation that requires it. */
function counted(subject: ContractUnderTest): readonly OperationPromise[] {
  return limitsOf("any")(subject).flatMap((promise) =>
    operationsUnder(subject, promise.limit).map((operation) => {
      const { pointer } = operation.requires.find((one) => one.kind === "rate" && one.limit === promise.limit.name)!;
      return { ...promise, pointer, operation };
    }),
  );
}

/** Each limit with each operation that does not require it, and can be told to be refused for it all the same. */
function notCounted(subject: ContractUnderTest): readonly FreePromise[] {
  const { contract, channel } = subject;
  const overHttp = httpOperations(subject);
  return channel.rateLimits.flatMap((limit) =>
    contract.operations
      .map((operation) => ({ operation, http: overHttp.find((one) => one.operation === operation) }))
      .filter(({ operation, http }) => http !== undefined || (operation.action === "receive" && operation.channel === channel.id))
      .filter(({ operation, http }) => !isUnder(operation, limit) && canTell(subject, limit, operation, http))
      .map((one) => ({ pointer: limit.pointer, text: limit.description, limit, ...one })),
  );
}

function isUnder({ requires }: Operation, limit: RateLimit): boolean {
  return requires.some((one) => one.kind === "rate" && one.limit === limit.name);
}

function canTell(subject: ContractUnderTest, limit: RateLimit, operation: Operation, http: HttpOperation | undefined): boolean {
  const { contract, channel } = subject;
  const own = channel.rateLimits.filter((one) => isUnder(operation, one));
  const spends = operationsUnder(subject, limit).length > 0 ? [easiestUnder(subject, limit)] : [];
  if (http !== undefined) {
    // Each request is a connection of its own, and only a status tells its refusal.
    if (limit.scope === "connection" || spends.length === 0 || errorsOf(subject, limit.error).length === 0) return false;
  } else if (operation.reply === undefined) {
    // Its refusal is looked for until the fence is answered.
    const fence = contract.operations.find(({ id }) => id === channel.delivery?.fence);
    if (fence === undefined || isUnder(fence, limit)) return false;
  }
  // Where nothing else uses the limit up, the operation itself must be able to go beyond it.
  if (spends.length === 0) return operation.reply !== undefined && own.every(({ burst }) => burst > limit.burst + spare(limit));
  // Another limit that both are under must not be used up meanwhile.
  const isApart = ({ scope }: RateLimit) => scope === "connection" && limit.scope !== "connection";
  return own.every((one) => isApart(one) || !spends.some((spender) => isUnder(spender, one)) || one.burst > limit.burst);
}

/** What is sent beyond the burst at most. */
function spare({ perSecond }: RateLimit): number {
  return 5 + Math.ceil(perSecond);
}

interface Spent {
  /** The connection on which the operation is performed now. */
  readonly client: TestClient;
  /** Succeeds but for the limit; a copy needs a fresh id. */
  readonly message: unknown;
  readonly usedUp: UsedUp;
}

/** Uses the limit up for the connection, or the user, by whom the operation is performed next. */
async function spend(context: Context, limit: RateLimit, operation: Operation): Promise<Spent> {
  const user = await context.user({ claims: requiredClaims([easiestUnder(context, limit), operation]) });
  const sinceMs = context.clock.nowMs();
  const client = await context.dial({ user });
  const message = await satisfyPreconditions(context, client, operation);
  return { client, message, usedUp: await useUp(context, limit, user, { client, sinceMs }) };
}

/** More than is refilled meanwhile, on a machine that is not busy; on one that is, the whole is attempted again. */
const tries = 3;
const attempts = 3;

/** Performs the operation once the limit is used up for it, and gives the code that it is refused with. */
async function performer(
  context: Context,
  limit: RateLimit,
  operation: Operation,
  http: HttpOperation | undefined,
): Promise<() => Promise<ErrorValue | undefined>> {
  if (http !== undefined) {
    const user = await context.user({ claims: requiredClaims([easiestUnder(context, limit), operation]) });
    await useUp(context, limit, user);
    return async () => {
      const { status } = await exchange(context, http, { user });
      return errorsOf(context, limit.error).find((error) => error.http === status)?.code;
    };
  }
  const { client, message } = await spend(context, limit, operation);
  const { correlation } = context.message(operation.messages[0]!);
  return async () => {
    const sent = correlation === undefined ? message : withValueAt(message, correlation, context.id(operation.messages[0]));
    if (operation.reply !== undefined) return context.errorCode(await client.request(sent));
    const answer = await answerTo(context, client, JSON.stringify(sent));
    context.judged();
    return answer.kind === "refused" ? answer.code : undefined;
  };
}

export const rateOperationRules: readonly Rule[] = [
  rule<OperationPromise>({
    id: "limits-rate-operation-counted",
    level: "MUST",
    phase: "limits",
    title: "a rate limit covers every operation that requires it, with the declared error",
    from: counted,
    async check(context, { limit, operation }) {
      const code = codeOf(operation, limit);
      const spent = codeOf(easiestUnder(context, limit), limit);
      for (let attempt = 0; attempt < attempts; attempt++) {
        const { client, message, usedUp } = await spend(context, limit, operation);
        const own = await flood(context, { client, operation, message, used: 0 }, tries);
        const other = own.find((answer) => answer.code !== undefined && answer.code !== code);
        if (other !== undefined) throw new Violation(`the error ${code} for ${operation.id}`, `the error ${other.code}`);
        const all = [...usedUp.answers.map((answer) => (answer.code === spent ? { ...answer, code } : answer)), ...own];
        expectWithin(context.effective(limit), all, code, { sinceMs: usedUp.sinceMs, spent: usedUp.used });
        if (own.some((answer) => answer.code === code)) return;
      }
      throw new NotTestable(
        `the refill of ${context.effective(limit).perSecond} per second was faster than the harness, ${attempts} times`,
      );
    },
    brokenBy: ({ limit, operation }) => faults.acceptsRefused(operation.id, codeOf(operation, limit)),
  }),

  rule<FreePromise>({
    id: "limits-rate-other-bucket-free",
    level: "MUST",
    phase: "limits",
    title: "a rate limit does not affect operations that do not require it",
    from: notCounted,
    async check(context, { limit, operation, http }) {
      const refuse = (code: ErrorValue | undefined) => {
        if (code === limit.error) throw new Violation(`${operation.id} to be admitted`, `the error ${code}`);
      };
      if (operationsUnder(context, limit).length === 0) {
        const client = await context.dial({ user: await userFor(context, operation) });
        const sender = await senderOn(context, limit, operation, client);
        const { burst } = context.effective(limit);
        for (const { code } of await flood(context, sender, burst + spare(limit))) refuse(code);
        return;
      }
      const perform = await performer(context, limit, operation, http);
      for (let count = 0; count < tries; count++) refuse(await perform());
    },
    brokenBy: ({ limit, operation, http }, subject) =>
      http === undefined
        ? faults.refuses(operation.id, operation.messages[0]!, limit.error)
        : faults.changesStatus(http.success?.httpStatus ?? 200, errorsOf(subject, limit.error)[0]!.http!),
  }),
];
