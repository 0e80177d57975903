// Connections that may still send: a new one before the last has used up what the document lets it send, be it valid or malformed.

import type { Operation, RateLimit } from "../../spec/contract.ts";
import { NotTestable } from "../schema/errors.ts";
import type { ClientContext } from "./context.ts";
import { loginsOf } from "./first-message.ts";
import { isOncePerConnection, userFor } from "./preconditions.ts";
import type { TestClient } from "./test-client.ts";

/** Left over for what a rule does beside, such as reaching a state. */
const spare = 4;

interface Spent {
  readonly client: TestClient;
  malformed: number;
  frames: number;
  readonly byRate: Map<string, number>;
}

export interface QuotaAwareConnection {
  /**
   * A connection on which one more frame of the operation, and the fence after it, is within all limits. A new one has its own user.
   * @param malformed whether the frame counts against the limit of errors
   */
  ready(malformed: boolean): Promise<TestClient>;
}

export function createQuotaAwareConnection(context: ClientContext, operation: Operation | undefined): QuotaAwareConnection {
  const { contract, channel } = context;
  const fence = contract.operations.find(({ id }) => id === channel.delivery?.fence);
  const malformedCodes = (contract.errors?.codes ?? []).filter(({ when }) => isMalformed(when)).map(({ code }) => code);
  const hits = Math.min(
    ...channel.limits.flatMap((limit) =>
      limit.kind === "errors" && limit.errors.some((code) => malformedCodes.includes(code)) ? [context.effective(limit)] : [],
    ),
  );
  // A malformed frame has no operation; it is counted as if it were this one, since a server may well do so.
  const perFrame = [...new Set([operation, fence, ...addersFor(context, operation)].flatMap((one) => ratesOf(context, one)))];
  const isOnce = operation !== undefined && isOncePerConnection(operation);
  const tuples = isOnce ? 1 : Math.min(Number.POSITIVE_INFINITY, ...tupleLimits(context, operation));
  let current: Spent | undefined;

  const fits = (spent: Spent, malformed: boolean) =>
    spent.client.closed === undefined &&
    (!malformed || spent.malformed < hits) &&
    spent.frames + 2 <= Math.max(2, tuples) &&
    perFrame.every(
      (limit) => (spent.byRate.get(limit.name) ?? 0) + 1 + spare <= Math.max(1 + spare, context.effective(limit).burst),
    );

  return {
    async ready(malformed) {
      if (malformed && hits < 1) throw new NotTestable("the first malformed frame closes the connection here");
      if (current === undefined || !fits(current, malformed)) {
        await current?.client.hangUp();
        const user = operation === undefined ? await context.user() : await userFor(context, operation);
        const logsIn = operation === undefined || !loginsOf(context).includes(operation);
        current = { client: await context.dial({ user, logsIn }), malformed: 0, frames: 0, byRate: new Map() };
      }
      current.frames++;
      if (malformed) current.malformed++;
      for (const { name } of perFrame) current.byRate.set(name, (current.byRate.get(name) ?? 0) + 1);
      return current.client;
    },
  };
}

/** How many tuples of a relation that the operation adds or needs one connection may have: each frame may be about another. */
function tupleLimits(context: ClientContext, operation: Operation | undefined): number[] {
  const relations = new Set(
    [operation, ...addersFor(context, operation)].flatMap((one) =>
      (one?.effects ?? []).flatMap((effect) => (effect.kind === "add" ? [effect.relation] : [])),
    ),
  );
  return context.channel.limits.flatMap((limit) =>
    limit.kind === "relation" && limit.per === "connection" && relations.has(limit.relation) ? [context.effective(limit)] : [],
  );
}

/** Operations that are performed first, so that a relation holds which this one requires. */
function addersFor({ contract }: ClientContext, operation: Operation | undefined): Operation[] {
  const relations = (operation?.requires ?? []).flatMap((one) => (one.kind === "relation" && one.present ? [one.relation] : []));
  return contract.operations.filter(({ effects }) =>
    effects.some((effect) => effect.kind === "add" && relations.includes(effect.relation)),
  );
}

function isMalformed(when: string): boolean {
  return when === "not-json" || when === "not-in-schema" || when === "unknown-type";
}

function ratesOf(context: ClientContext, operation: Operation | undefined): RateLimit[] {
  return (operation?.requires ?? []).flatMap(
    (requirement) =>
      (requirement.kind === "rate" && context.channel.rateLimits.find(({ name }) => name === requirement.limit)) || [],
  );
}
