// Whether a request meets what its operation requires: the first requirement that fails decides the error.
import type { ErrorValue, Limit, Requirement, Value, Where } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "../model/frame.ts";
import { holds } from "./credential.ts";
import type { Actor } from "./session.ts";
import type { World } from "./world.ts";

export interface Refused {
  readonly code: ErrorValue;
  /** With rate limits: when the same request would be accepted. */
  readonly retryAfterMs: number | undefined;
}

/** What a request says and who sent it. */
export interface Request {
  readonly actor: Actor;
  readonly frame: unknown;
  /** The mock's own reply, for values that the server makes. */
  readonly reply?: unknown;
  /** In onDisconnect: the tuple that goes. */
  readonly key?: ReadonlyMap<string, unknown>;
}

/** What a value stands for. `count`, `list` and `relation` stand for tuples: see effects. */
export function resolveValue(value: Value, { actor, frame, reply, key }: Request): unknown {
  switch (value.kind) {
    case "literal":
      return value.value;
    case "message":
      return lookup(frame, value.pointer);
    case "sender":
      return actor.attributes.get(value.attribute);
    case "column":
      return key?.get(value.name);
    case "header":
      return actor.headers[value.name.toLowerCase()];
    case "parameter":
      return actor.parameters.get(value.name);
    case "reply":
      return lookup(reply, value.pointer);
    case "count":
    case "list":
    case "relation":
      return undefined;
  }
}

/** The columns that `where` names, without `connection`, which is the actor. */
export function resolveKey(where: Where, request: Request): Map<string, unknown> {
  return new Map(
    [...where].filter(([column]) => column !== "connection").map(([column, value]) => [column, resolveValue(value, request)]),
  );
}

/** Takes one from each rate limit where none of them refuses. @returns undefined where all requirements hold */
export function refuse(world: World, requires: readonly Requirement[], request: Request): Refused | undefined {
  const { actor } = request;
  const nowMs = world.nowMs();
  const buckets = requires.flatMap((one) => {
    const limit = one.kind === "rate" ? world.channel.rateLimits.find(({ name }) => name === one.limit) : undefined;
    if (limit === undefined) return [];
    const scope = limit.scope === "connection" ? actor.session?.id : actor.attributes.get(limit.scope);
    return [{ requirement: one, bucket: `${limit.name} ${canonical(scope)}`, rate: world.numbers.rate(limit) }];
  });
  let taken = false;
  for (const requirement of requires) {
    if (requirement.kind === "rate") {
      if (taken) continue;
      taken = true;
      // None is taken from where another refuses, so that the time told is exact.
      const waits = buckets.map(({ requirement: one, bucket, rate }) => ({
        requirement: one,
        ms: world.rates.waitMs(bucket, rate, nowMs),
      }));
      const refusing = waits.find(({ ms }) => ms > 0);
      if (refusing !== undefined)
        return { code: refusing.requirement.else, retryAfterMs: Math.max(...waits.map(({ ms }) => ms)) };
      for (const { bucket, rate } of buckets) world.rates.take(bucket, rate, nowMs);
    } else if (!isMet(world, requirement, request)) return { code: requirement.else, retryAfterMs: undefined };
  }
  return undefined;
}

function isMet(world: World, requirement: Exclude<Requirement, { kind: "rate" }>, request: Request): boolean {
  const { actor } = request;
  switch (requirement.kind) {
    case "relation": {
      const { relation, where, present } = requirement;
      const isIn = actor.session !== undefined && world.relations.has(relation, actor.session, resolveKey(where, request));
      return isIn === present;
    }
    case "limit": {
      const limit = world.channel.limits.find(({ name }) => name === requirement.limit);
      return limit?.kind !== "relation" || isUnder(world, limit, resolveKey(requirement.where, request), actor);
    }
    case "claim":
      return holds(actor.claims.get(requirement.claim), requirement.contains);
    case "connection": {
      const wanted = resolveValue(requirement.equals, request);
      return world.openSessions().some(({ attributes }) => attributes.get(requirement.attribute) === wanted);
    }
    case "may":
      return true;
    case "credential": {
      const text = resolveValue(requirement.value, request);
      const checked = typeof text === "string" ? world.checkCredential(text) : undefined;
      if (checked?.kind !== "good") return false;
      if (requirement.same !== undefined) {
        const claim = world.contract.state.attributes.find(({ name }) => name === requirement.same)?.claim;
        return claim === undefined || checked.claims.get(claim) === actor.attributes.get(requirement.same);
      }
      return requirement.lacks === undefined || !holds(checked.claims.get(requirement.lacks.claim), requirement.lacks.value);
    }
  }
}

/** Adding what is there already adds nothing. */
function isUnder(
  world: World,
  limit: Limit & { readonly kind: "relation" },
  key: ReadonlyMap<string, unknown>,
  { session }: Actor,
): boolean {
  if (session !== undefined && world.relations.has(limit.relation, session, key)) return true;
  const count =
    limit.per === "connection"
      ? world.relations.of(session!).filter(({ relation }) => relation === limit.relation).length
      : world.relations.with(limit.relation, new Map([...key].filter(([column]) => column === limit.per))).length;
  return count < world.numbers.limit(limit);
}
