// x-limits of kind errors: so many refusals are borne, one more closes the connection.

import type { Limit } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { satisfyPreconditions, userFor } from "../../../client/preconditions.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import type { Json } from "../../../schema/json.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";

type ErrorLimit = Extract<Limit, { kind: "errors" }>;
interface ErrorLimitClause extends Clause {
  readonly limit: ErrorLimit;
}

function errorLimits({ channel }: ContractUnderTest): readonly ErrorLimitClause[] {
  return channel.limits.flatMap((limit) =>
    limit.kind === "errors" && limit.close !== undefined ? [{ pointer: limit.pointer, text: limit.description, limit }] : [],
  );
}

interface Offender {
  readonly client: TestClient;
  /** The id of the request, where it has one. */
  hit(): Json | undefined;
  /** How many may be admitted before the first error. */
  readonly free: number;
}

/** A connection and a way to earn one of the limit's errors on it, without a wait for the reply. */
async function offender(context: Context, limit: ErrorLimit): Promise<Offender> {
  const code = context.contract.errors?.codes.find(({ code, when }) => limit.errors.includes(code) && when === "not-json");
  if (code !== undefined) {
    const client = await context.dial();
    return { client, hit: () => void client.sendText("not JSON"), free: 0 };
  }
  const [way] = context.channel.rateLimits
    .filter(({ error, scope }) => limit.errors.includes(error) && scope === "connection")
    .flatMap((rate) =>
      context.contract.operations
        .filter((one) => one.channel === context.channel.id && one.id !== context.channel.delivery?.fence)
        .filter(({ requires }) => requires.length === 1 && requires[0]?.kind === "rate" && requires[0].limit === rate.name)
        .map((operation) => ({ rate, operation })),
    );
  const correlation = context.contract.messages.find(({ name }) => name === way?.operation.messages[0])?.correlation;
  if (way === undefined || correlation === undefined)
    throw new NotTestable(`nothing is known to cause ${limit.errors.join(" or ")}`);
  const { rate, operation } = way;
  const client = await context.dial({ user: await userFor(context, operation) });
  const message = await satisfyPreconditions(context, client, operation);
  const { burst, perSecond } = context.effective(rate);
  // The burst is free; so is what is refilled while we send, a second's worth at most for a server that answers at all.
  const hit = () => {
    const id = context.id(operation.messages[0]);
    client.send(withValueAt(message, correlation, id));
    return id;
  };
  return { client, hit, free: burst + Math.ceil(perSecond) };
}

/** Sends until exactly so many errors have come: what is refilled meanwhile is admitted, so only the replies tell. */
async function earn(context: Context, { client, hit, free }: Offender, limit: ErrorLimit, hits: number): Promise<void> {
  let earned = 0;
  for (let next = free; earned < hits; next = hits - earned) {
    const ids = Array.from({ length: Math.min(next, hits) }, hit);
    for (const id of ids) if (limit.errors.includes(context.errorCode(await client.reply(id)) ?? "")) earned += 1;
  }
}

/** Sends until one more error has come, or the close in its place. */
async function earnLast(context: Context, { client, hit, free }: Offender, limit: ErrorLimit): Promise<void> {
  for (let count = 0; count < free && client.closed === undefined; count++) {
    const reply = await client.reply(hit()).catch((error: unknown) => {
      if (error instanceof Violation && client.closed !== undefined) return undefined;
      throw error;
    });
    if (reply === undefined || limit.errors.includes(context.errorCode(reply) ?? "")) return;
  }
}

export const errorLimitRules: readonly Rule[] = [
  rule<ErrorLimitClause>({
    id: "limits-errors-tolerated",
    level: "MUST",
    phase: "limits",
    title: "tolerates errors up to the limit",
    from: (subject) => (subject.channel.delivery?.fence === undefined ? [] : errorLimits(subject)),
    async check(context, { limit }) {
      const { client, hit, free } = await offender(context, limit);
      const hits = context.effective(limit);
      if (free > 0) {
        await earn(context, { client, hit, free }, limit, hits);
        await client.fence();
        return;
      }
      for (let count = 0; count < hits; count++) hit();
      const after = await client.fence();
      context.judged(hits);
      if (client.closed !== undefined)
        throw new Violation(`the connection to stay open after ${hits} errors`, `close ${client.closed.code}`);
      const errors = after.filter((received) => limit.errors.includes(context.errorCode(received) ?? "")).length;
      if (errors !== hits) throw new Violation(`${hits} errors`, `${errors}`);
    },
    brokenBy: ({ limit }) => faults.closesInstead(limit.errors[0]!, limit.close!),
  }),

  rule<ErrorLimitClause>({
    id: "limits-errors-close",
    level: "MUST",
    phase: "limits",
    title: "closes with the declared code one error beyond the limit",
    from: errorLimits,
    async check(context, { limit }) {
      const one = await offender(context, limit);
      const hits = context.effective(limit);
      if (one.free === 0) for (let count = 0; count <= hits; count++) one.hit();
      else {
        await earn(context, one, limit, hits);
        await earnLast(context, one, limit);
      }
      await one.client.closes({ code: limit.close! });
    },
    brokenBy: ({ limit }) => [faults.neverCloses(limit.close!), faults.changesCloseCode(limit.close!, 1000)],
  }),
];
