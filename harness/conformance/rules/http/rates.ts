// Rate limits over HTTP: the burst is admitted, what is beyond is refused with the declared status, and Retry-After is the truth.

import type { ErrorCode, RateLimit } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { userFor } from "../../../client/preconditions.ts";
import type { User } from "../../../client/received.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import { shortened } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { expectWithin } from "../limits/flood.ts";
import {
  type Exchange,
  errorsOf,
  exchange,
  expectHttpRefused,
  expectSuccess,
  type HttpPromise,
  headerSchema,
  httpOperations,
  wrongWith,
} from "./exchange.ts";

interface RatePromise extends HttpPromise {
  readonly limit: RateLimit;
  readonly error: ErrorCode;
}

function rates(subject: ContractUnderTest): readonly RatePromise[] {
  const limits = subject.contract.channels.flatMap(({ rateLimits }) => rateLimits);
  return httpOperations(subject).flatMap((http) =>
    http.operation.requires.flatMap((requirement) => {
      const limit = requirement.kind === "rate" ? limits.find(({ name }) => name === requirement.limit) : undefined;
      const [error] = errorsOf(subject, requirement.else);
      // Each request is a connection of its own.
      if (limit === undefined || limit.scope === "connection" || error === undefined) return [];
      return [{ pointer: requirement.pointer, text: limit.description, http, limit, error }];
    }),
  );
}

const retryHeader = "Retry-After";

/** Of them those whose refusal declares the header. */
function retries(subject: ContractUnderTest): readonly RatePromise[] {
  return rates(subject).filter(({ http }) => http.refusals.some((message) => headerSchema(message, retryHeader) !== true));
}

/** More requests than this are not made for one rule. */
const mostRequests = 300;
/** So many at once, each on a connection of its own. */
const lanes = 8;

/** Sends so many more than the limit admits that the refill is outrun. */
async function floodHttp(context: Context, { http, limit }: RatePromise, user: User): Promise<readonly Exchange[]> {
  const { burst, perSecond } = context.effective(limit);
  const total = burst + 5 + Math.ceil(perSecond);
  if (total > mostRequests)
    throw new NotTestable(`the burst of ${burst} needs more than ${mostRequests} requests; run the server with a lower one`);
  const answers: Exchange[] = [];
  let left = total;
  const lane = async () => {
    while (left-- > 0) answers.push(await exchange(context, http, { user }));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return answers;
}

/** With the declared status and code, in the declared body where there is one alone. */
function expectRefusal(context: Context, { http, error }: RatePromise, answer: Exchange): void {
  expectHttpRefused(context, http, answer, [error], "what is beyond the limit");
  const [message, ...others] = http.refusals;
  const [wrong] = message === undefined || others.length > 0 ? [] : wrongWith(context, message, answer);
  if (wrong !== undefined) throw new Violation(`the message ${message!.name}`, `a body that ${wrong}: ${shortened(answer.text)}`);
}

export const httpRateRules: readonly Rule[] = [
  rule<RatePromise>({
    id: "http-rate-rejected",
    level: "MUST",
    phase: "limits",
    title: "accepts the HTTP burst and rejects requests beyond it with the declared status",
    from: rates,
    async check(context, promise) {
      const { http, limit, error } = promise;
      const effective = context.effective(limit);
      let tries = 0;
      let outran = true;
      for (let isSharp = false; !isSharp && tries < 3; tries++) {
        const answers = await floodHttp(context, promise, await userFor(context, http.operation));
        const isRefused = ({ status }: Exchange) => status === error.http;
        const firstMs = Math.min(...answers.map(({ sentAtMs }) => sentAtMs));
        for (const answer of answers) {
          if (isRefused(answer)) expectRefusal(context, promise, answer);
          else expectSuccess(context, http, answer);
        }
        const admitted = answers.filter((answer) => !isRefused(answer));
        if (admitted.length < effective.burst)
          throw new Violation(`${effective.burst} requests of one user to be admitted`, `${admitted.length} admitted`);
        const seen = admitted.map(({ sentAtMs, atMs }) => ({ sentAtMs, reply: { atMs }, code: undefined }));
        expectWithin(effective, seen, error.code, { sinceMs: firstMs });
        outran = admitted.length === answers.length;
        // One too many is seen only where it was answered before the first refill; on a busy machine it may not be.
        const refusedMs = Math.min(...answers.filter(isRefused).map(({ atMs }) => atMs));
        isSharp = !outran && refusedMs - firstMs < 1000 / effective.perSecond;
      }
      if (outran)
        throw new NotTestable(`the refill of ${effective.perSecond} per second was faster than the harness, ${tries} times`);
    },
    brokenBy: ({ http, error }) => [
      faults.changesStatus(error.http!, http.success?.httpStatus ?? 200),
      faults.server("rate-admits-one-more"),
      faults.server("rate-admits-one-fewer"),
    ],
  }),

  rule<RatePromise>({
    id: "http-retry-after",
    level: "MUST",
    phase: "limits",
    title: "Retry-After gives the wait in whole seconds",
    from: retries,
    async check(context, promise) {
      const { http, limit, error } = promise;
      const user = await userFor(context, http.operation);
      await floodHttp(context, promise, user);
      // What was refilled since is used up; then nothing else is sent while it waits.
      let last = await exchange(context, http, { user });
      for (let left = 5; last.status !== error.http && left > 0; left--) last = await exchange(context, http, { user });
      if (last.status !== error.http) throw new NotTestable("nothing was refused");
      const told = last.headers.get(retryHeader.toLowerCase());
      const seconds = told === undefined || !/^\d+$/.test(told) ? undefined : Number(told);
      const schema = http.refusals.map((message) => headerSchema(message, retryHeader)).find((one) => one !== true)!;
      if (seconds === undefined || !dataOf(context.contract).validator.compile(schema)(seconds))
        throw new Violation(`${retryHeader} in whole seconds with ${last.status}`, told ?? "none");
      const longest = Math.ceil(1 / context.effective(limit).perSecond);
      if (seconds > longest) throw new Violation(`a wait of at most ${longest} s`, `${seconds} s`);
      await context.clock.sleep(last.atMs + seconds * 1000 + 50 - context.clock.nowMs());
      expectSuccess(context, http, await exchange(context, http, { user }));
    },
    waitsMs: (context, { limit }) => Math.ceil(1 / context.effective(limit).perSecond) * 1000 + 50,
    brokenBy: ({ error }) => [
      faults.dropsHeader(retryHeader, error.http),
      faults.addsHeader(retryHeader, "soon", error.http),
      faults.addsHeader(retryHeader, "3600", error.http),
    ],
  }),
];
