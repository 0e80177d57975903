// x-rate-limits: the burst is admitted, what is beyond it is refused, and the time to wait is the truth.

import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { userFor } from "../../../client/preconditions.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import type { Fault } from "../../faults/plan.ts";
import { type Rule, rule } from "../../rule.ts";
import {
  type Answer,
  beyond,
  easiestUnder,
  expectWithin,
  flood,
  limitsOf,
  otherBurst,
  type RatePromise,
  senderUnder,
  type UsedUp,
  useUp,
} from "./flood.ts";

function retryAfterBecomes({ contract }: ContractUnderTest, ms: number): Fault {
  const { message, retryAfterMs } = contract.errors!.reply;
  return faults.changesField(message!, retryAfterMs!, ms);
}

function retryAfterMs(context: Context, { reply }: Answer): number {
  const pointer = context.contract.errors?.reply.retryAfterMs ?? "";
  const value = lookup(reply.value, pointer);
  if (typeof value !== "number") throw new Violation(`the time to wait at ${pointer} of a refusal for its rate`, reply.text);
  return value;
}

function offByOneOrMore({ limit }: RatePromise, subject: ContractUnderTest): readonly Fault[] {
  return [faults.acceptsRefused(easiestUnder(subject, limit).id, limit.error), faults.server("rate-admits-one-more")];
}

/** No refusal may promise the next message earlier than its refill can be there. */
function expectLongEnough(context: Context, limit: RatePromise["limit"], { answers, used, sinceMs }: UsedUp): void {
  const { burst, perSecond } = context.effective(limit);
  let admitted = used;
  for (const answer of answers) {
    if (answer.code !== limit.error) {
      admitted += 1;
      continue;
    }
    // The server's first is not before ours, so that its next refill is not before this; its clock may count whole ms.
    const nextAtMs = sinceMs + ((admitted + 1 - burst) * 1000) / perSecond;
    const shortestMs = Math.floor(nextAtMs - answer.reply.atMs) - 2;
    const waitMs = retryAfterMs(context, answer);
    if (waitMs < shortestMs) throw new Violation(`a wait of at least ${shortestMs} ms`, `${waitMs} ms`);
  }
}

export const rateRules: readonly Rule[] = [
  rule<RatePromise>({
    id: "limits-rate-burst-admitted",
    level: "MUST",
    phase: "limits",
    title: "accepts the whole burst at once",
    from: limitsOf("connection"),
    async check(context, { limit }) {
      const { burst } = context.effective(limit);
      const sender = await senderUnder(context, limit);
      const answers = await flood(context, sender, Math.max(1, burst - sender.used));
      const refused = answers.filter(({ code }) => code === limit.error).length;
      if (refused > 0)
        throw new Violation(
          `${answers.length} messages at once to be admitted`,
          `${refused} of them refused with ${limit.error}`,
        );
    },
    brokenBy: ({ limit }, subject) => {
      const { id, messages } = easiestUnder(subject, limit);
      return [faults.refuses(id, messages[0]!, limit.error, { everyNth: 3 }), faults.server("rate-admits-one-fewer")];
    },
  }),

  rule<RatePromise>({
    id: "limits-rate-beyond-rejected",
    level: "MUST",
    phase: "limits",
    title: "rejects messages beyond burst and refill",
    from: limitsOf("connection"),
    async check(context, { limit }) {
      const { burst, perSecond } = context.effective(limit);
      let tries = 0;
      let outran = true;
      for (let isSharp = false; !isSharp && tries < 3; tries++) {
        const sender = await senderUnder(context, limit);
        const answers = await flood(context, sender, burst + beyond(context, perSecond, limit.error));
        expectWithin(context.effective(limit), answers, limit.error);
        outran = answers.every(({ code }) => code !== limit.error);
        // One too many is seen only where it was answered before the first refill; on a busy machine it may not be.
        isSharp = !outran && answers[burst]!.reply.atMs - answers[0]!.sentAtMs < 1000 / perSecond;
      }
      if (outran) throw new NotTestable(`the refill of ${perSecond} per second was faster than the harness, ${tries} times`);
    },
    brokenBy: offByOneOrMore,
  }),

  rule<RatePromise>({
    id: "limits-rate-retry-after-honoured",
    level: "MUST",
    phase: "limits",
    title: "accepts the message after the advertised wait",
    from: (subject) => (subject.contract.errors?.reply.retryAfterMs === undefined ? [] : limitsOf("connection")(subject)),
    async check(context, { limit }) {
      const { burst, perSecond } = context.effective(limit);
      const sender = await senderUnder(context, limit);
      const refused = (await flood(context, sender, burst + beyond(context, perSecond, limit.error))).filter(
        ({ code }) => code === limit.error,
      );
      const last = refused.at(-1);
      if (last === undefined) throw new NotTestable("nothing was refused");
      const waitMs = retryAfterMs(context, last);
      await context.clock.sleep(last.reply.atMs + waitMs + 50 - context.clock.nowMs());
      const [again] = await flood(context, sender, 1);
      if (again!.code === limit.error) {
        throw new Violation(
          `the message to be admitted after the ${waitMs} ms that the server asked for`,
          `the error ${limit.error} again`,
        );
      }
    },
    waitsMs: (context, { limit }) => 1000 / context.effective(limit).perSecond + 50,
    // Once the burst is used up, everything is refused for good.
    brokenBy: ({ limit }, subject) => {
      const { id, messages } = easiestUnder(subject, limit);
      return faults.refuses(id, messages[0]!, limit.error, { fromNth: limit.burst });
    },
  }),

  rule<RatePromise>({
    id: "limits-rate-retry-after-exact",
    level: "MUST",
    phase: "limits",
    title: "advertises the exact wait, and rejects until it has passed",
    from: (subject) => (subject.contract.errors?.reply.retryAfterMs === undefined ? [] : limitsOf("any")(subject)),
    async check(context, { limit }) {
      const { perSecond } = context.effective(limit);
      const user = await userFor(context, easiestUnder(context, limit));
      const usedUp = await useUp(context, limit, user);
      const { answers, senders } = usedUp;
      const last = answers.findLast(({ code }) => code === limit.error);
      if (last === undefined) throw new NotTestable("nothing was refused");
      const waitMs = retryAfterMs(context, last);
      const longestMs = Math.ceil(1000 / perSecond);
      if (waitMs > longestMs || waitMs < 0) throw new Violation(`a wait from 0 to ${longestMs} ms`, `${waitMs} ms`);
      expectLongEnough(context, limit, usedUp);
      const [again] = await flood(context, senders.at(-1)!, 1);
      // Judged only where the answer came before the wait was over, counted from when the refused message was sent.
      if (again!.code !== limit.error && again!.reply.atMs < last.sentAtMs + waitMs) {
        throw new Violation(
          `a refusal until ${waitMs} ms have passed`,
          `the message admitted after ${Math.round(again!.reply.atMs - last.sentAtMs)} ms`,
        );
      }
    },
    brokenBy: (_, subject) => [retryAfterBecomes(subject, 3_600_000), retryAfterBecomes(subject, 0)],
  }),

  rule<RatePromise>({
    id: "limits-rate-others-unaffected",
    level: "MUST",
    phase: "limits",
    title: "one client's rate limiting does not affect others",
    from: limitsOf("any"),
    async check(context, { limit }) {
      const { perSecond } = context.effective(limit);
      const offender = await senderUnder(context, limit);
      const neighbour = await senderUnder(context, limit);
      const burst = Math.min(context.effective(limit).burst, otherBurst(context, offender.operation, limit));
      await flood(context, offender, burst + beyond(context, perSecond, limit.error));
      const [answer] = await flood(context, neighbour, 1);
      if (answer!.code === limit.error)
        throw new Violation("the message of another user to be admitted", `the error ${limit.error}`);
    },
    brokenBy: ({ limit }, subject) => {
      const { id, messages } = easiestUnder(subject, limit);
      return faults.refuses(id, messages[0]!, limit.error);
    },
  }),

  rule<RatePromise>({
    id: "limits-rate-shared-by-scope",
    level: "MUST",
    phase: "limits",
    title: "counts the connections of one user together",
    from: limitsOf("shared"),
    async check(context, { limit }) {
      const { burst, perSecond } = context.effective(limit);
      const user = await userFor(context, easiestUnder(context, limit));
      const { answers, used, sinceMs } = await useUp(context, limit, user);
      const admitted = answers.filter(({ code }) => code !== limit.error).length;
      if (admitted + used < burst)
        throw new Violation(`${burst - used} messages of one user to be admitted`, `${admitted} admitted`);
      expectWithin(context.effective(limit), answers, limit.error, { sinceMs, spent: used });
      if (admitted === answers.length) throw new NotTestable(`the refill of ${perSecond} per second was faster than the harness`);
    },
    brokenBy: (promise, subject) => [...offByOneOrMore(promise, subject), faults.server("rate-admits-one-fewer")],
  }),
];
