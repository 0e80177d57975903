// What a refusal for a limit says beside its code: whether the same may be tried again.

import type { ErrorCode, ErrorValue } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import type { Received } from "../../../client/received.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import { shortened } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { relationLimits, replyBeyond } from "./bounds.ts";
import { beyond, flood, limitsOf, senderUnder } from "./flood.ts";

interface CodePromise extends Clause {
  readonly code: ErrorCode;
}

/** Codes of limits that a client can go beyond. */
function limitCodes(subject: ContractUnderTest): readonly CodePromise[] {
  const { errors } = subject.contract;
  if (errors?.reply.retryable === undefined) return [];
  const named = new Set([...limitsOf("connection")(subject), ...relationLimits(subject)].map(({ limit }) => limit.error));
  return errors.codes.filter(({ code }) => named.has(code)).map((code) => ({ pointer: code.pointer, code }));
}

async function trigger(context: Context, code: ErrorValue): Promise<Received> {
  const rate = limitsOf("connection")(context).find(({ limit }) => limit.error === code)?.limit;
  if (rate !== undefined) {
    const { burst, perSecond } = context.effective(rate);
    const answers = await flood(context, await senderUnder(context, rate), burst + beyond(context, perSecond, code));
    const refused = answers.find((answer) => answer.code === code);
    if (refused === undefined) throw new NotTestable("nothing was refused");
    return refused.reply;
  }
  const bound = relationLimits(context).find(({ limit }) => limit.error === code)!.limit;
  return replyBeyond(context, bound);
}

export const errorFlagRules: readonly Rule[] = [
  rule<CodePromise>({
    id: "limits-error-retryable",
    level: "MUST",
    phase: "limits",
    title: "limit errors carry the declared retryable flag",
    from: limitCodes,
    async check(context, { code }) {
      const reply = await trigger(context, code.code);
      const actual = lookup(reply.value, context.contract.errors!.reply.retryable!);
      if (actual !== code.retryable) throw new Violation(`${code.code} with retryable ${code.retryable}`, shortened(reply.text));
    },
    brokenBy: ({ code }, { contract }) => faults.altersError(code.code, contract.errors!.reply.retryable!),
  }),
];
