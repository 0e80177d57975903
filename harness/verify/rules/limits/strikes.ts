// x-limits of kind errors: so many refusals are borne, one more closes the connection.
import type { Limit } from "../../../../spec/contract.ts";
import { Violation } from "../../../errors.ts";
import { faults } from "../../../faults/fault.ts";
import type { Context } from "../../context.ts";
import type { Peer } from "../../peer.ts";
import { reach, userFor } from "../../reach.ts";
import { NotTestable, type Promised, type Rule, rule, type Subject } from "../../rule.ts";

type StrikeLimit = Extract<Limit, { kind: "errors" }>;
interface StrikePromise extends Promised {
  readonly limit: StrikeLimit;
}

function strikeLimits({ channel }: Subject): readonly StrikePromise[] {
  return channel.limits.flatMap((limit) =>
    limit.kind === "errors" && limit.close !== undefined ? [{ pointer: limit.pointer, says: limit.description, limit }] : [],
  );
}

/** A connection and a way to earn one of the limit's errors on it, without a wait for the reply. */
async function offender(
  context: Context,
  limit: StrikeLimit,
): Promise<{ readonly peer: Peer; strike(): void; readonly free: number }> {
  const code = context.contract.errors?.codes.find(({ code, when }) => limit.errors.includes(code) && when === "not-json");
  if (code !== undefined) {
    const peer = await context.dial();
    return { peer, strike: () => peer.sendText("not JSON"), free: 0 };
  }
  const rate = context.channel.rateLimits.find(({ error, scope }) => limit.errors.includes(error) && scope === "connection");
  const operation = context.contract.operations.find(
    ({ channel, action, requires }) =>
      channel === context.channel.id &&
      action === "receive" &&
      requires.some((requirement) => requirement.kind === "rate" && requirement.limit === rate?.name) &&
      requires.every(({ kind }) => kind === "rate"),
  );
  if (rate === undefined || operation === undefined)
    throw new NotTestable(`no way is known to earn ${limit.errors.join(" or ")}`);
  const peer = await context.dial({ user: await userFor(context, operation) });
  const message = await reach(context, peer, operation);
  const { burst, perSecond } = context.effective(rate);
  // The burst is free; so is what is refilled while we send, a second's worth at most for a server that answers at all.
  return { peer, strike: () => peer.send(message), free: burst + Math.ceil(perSecond) };
}

export const strikeRules: readonly Rule[] = [
  rule<StrikePromise>({
    id: "limits-errors-borne",
    level: "MUST",
    phase: "limits",
    title: "keeps the connection open up to the limit of errors",
    from: (subject) => (subject.channel.delivery?.fence === undefined ? [] : strikeLimits(subject)),
    async check(context, { limit }) {
      const { peer, strike, free } = await offender(context, limit);
      if (free > 0) throw new NotTestable("these errors come only after a burst, whose end cannot be known exactly");
      const strikes = context.effective(limit);
      for (let count = 0; count < strikes; count++) strike();
      const after = await peer.fence();
      context.judged(strikes);
      if (peer.closed !== undefined)
        throw new Violation(`the connection to stay open after ${strikes} errors`, `close ${peer.closed.code}`);
      const errors = after.filter((received) => limit.errors.includes(context.errorCode(received) ?? "")).length;
      if (errors !== strikes) throw new Violation(`${strikes} errors`, `${errors}`);
    },
    brokenBy: ({ limit }) => faults.closesInstead(limit.errors[0]!, limit.close!),
  }),

  rule<StrikePromise>({
    id: "limits-errors-close",
    level: "MUST",
    phase: "limits",
    title: "closes with the declared code at one error more than the limit",
    from: strikeLimits,
    async check(context, { limit }) {
      const { peer, strike, free } = await offender(context, limit);
      for (let count = 0; count <= context.effective(limit) + free; count++) strike();
      await peer.closes({ code: limit.close! });
    },
    brokenBy: ({ limit }) => [faults.neverCloses(limit.close!), faults.changesCloseCode(limit.close!, 1000)],
  }),
];
