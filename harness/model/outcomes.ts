// What an operation may be answered with: its requirements in order, each yes, no or maybe at the time of the invocation.
import type { ErrorValue, Limit, RateLimit, Requirement } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "./frame.ts";
import {
  connectionPresence,
  type Membership,
  ownPresence,
  presence,
  resolve,
  resolveKey,
  type Scope,
  scopeOf,
} from "./membership.ts";
import type { Protocol } from "./protocol.ts";
import type { Connection, Invocation, Knowledge, Trace } from "./trace.ts";

export type Answer = "yes" | "no" | "maybe";

export interface Expected {
  /** Requirements that may refuse it, in order; the last one is the first that certainly fails. */
  readonly refusals: readonly { readonly requirement: Requirement; readonly certain: boolean }[];
  readonly mayPass: boolean;
  /** How many requirements certainly held before the first that did not, or all of them. */
  readonly held: readonly Requirement[];
}

export interface Evaluation {
  readonly protocol: Protocol;
  readonly trace: Trace;
  readonly knowledge: Knowledge;
  readonly membership: Membership;
}

/** The error codes with which the requirement may be refused. */
export function codesOf(requirement: Requirement): readonly ErrorValue[] {
  return requirement.kind === "may" ? requirement.codes : [requirement.else];
}

/** Evaluates the requirements of the invocation's operation against what was certain then. */
export function expectOutcome(evaluation: Evaluation, invocation: Invocation): Expected {
  const refusals: { requirement: Requirement; certain: boolean }[] = [];
  const held: Requirement[] = [];
  for (const requirement of invocation.operation?.requires ?? []) {
    const answer = isMet(evaluation, invocation, requirement);
    if (answer === "yes") held.push(requirement);
    else refusals.push({ requirement, certain: answer === "no" && refusals.length === 0 });
    if (answer === "no") return { refusals, mayPass: false, held };
  }
  return { refusals, mayPass: true, held };
}

function isMet(evaluation: Evaluation, invocation: Invocation, requirement: Requirement): Answer {
  const scope = scopeOf(invocation);
  switch (requirement.kind) {
    case "rate":
      return isWithinRate(evaluation, invocation, requirement.limit);
    case "relation": {
      const key = resolveKey(requirement.where, scope);
      const own = evaluation.membership
        .tuples(requirement.relation, key)
        .filter((tuple) => tuple.connection === invocation.connection);
      const found = any(own.map((tuple) => answers[ownPresence(tuple, invocation)]));
      return requirement.present ? found : negate(found);
    }
    case "limit":
      return isUnderLimit(evaluation, invocation, requirement.limit, scope, requirement.where);
    case "claim": {
      const claims = claimsAt(evaluation, invocation);
      return claims === undefined ? "maybe" : holds(claims.get(requirement.claim), requirement.contains) ? "yes" : "no";
    }
    case "connection": {
      const wanted = resolve(requirement.equals, scope);
      const connections = [...evaluation.trace.connections.values()].filter(
        (connection) => connection.attributes.get(requirement.attribute) === wanted,
      );
      return any(
        connections.map((connection) => answers[connectionPresence(connection, invocation.sentAt, invocation.settledAt)]),
      );
    }
    case "credential":
      return isGoodCredential(evaluation, invocation, requirement, scope);
    case "may":
      return "maybe";
  }
}

const answers = { in: "yes", out: "no", maybe: "maybe" } as const;
const any = (found: readonly Answer[]): Answer => (found.includes("yes") ? "yes" : found.includes("maybe") ? "maybe" : "no");
const negate = (answer: Answer): Answer => (answer === "yes" ? "no" : answer === "no" ? "yes" : "maybe");

function holds(claim: unknown, value: unknown): boolean {
  return Array.isArray(claim)
    ? claim.some((item) => canonical(item) === canonical(value))
    : canonical(claim) === canonical(value);
}

/** Within the burst it is certainly allowed, however the network bunches frames; beyond it nothing is certain here. */
function isWithinRate({ protocol, trace }: Evaluation, invocation: Invocation, name: string): Answer {
  const limit = protocol.channel.rateLimits.find((candidate) => candidate.name === name);
  if (limit === undefined) return "maybe";
  const shares = (other: Connection) =>
    limit.scope === "connection"
      ? other === invocation.connection
      : other.attributes.get(limit.scope) === invocation.connection.attributes.get(limit.scope);
  const spent = trace.invocations.filter(
    (other) =>
      other.number <= invocation.number &&
      shares(other.connection) &&
      (other.operation === undefined || other.operation.requires.some((r) => r.kind === "rate" && r.limit === name)),
  );
  return spent.length <= rateInForce(limit, invocation.connection).burst ? "yes" : "maybe";
}

/** The rate limit that the connection was told, else the contract's. */
export function rateInForce(
  limit: RateLimit,
  connection: Pick<Connection, "first">,
): { readonly burst: number; readonly perSecond: number } {
  const told = (pointer: string | undefined, otherwise: number) => {
    const value = pointer === undefined ? undefined : lookup(connection.first, pointer);
    return typeof value === "number" ? value : otherwise;
  };
  return { burst: told(limit.advertised.burst, limit.burst), perSecond: told(limit.advertised.perSecond, limit.perSecond) };
}

/** The limit that the connection was told, else the contract's. */
export function limitInForce(limit: Limit, connection: Pick<Connection, "first">): number {
  const value = limit.advertised === undefined ? undefined : lookup(connection.first, limit.advertised);
  return typeof value === "number" ? value : limit.value;
}

function isUnderLimit(
  evaluation: Evaluation,
  invocation: Invocation,
  name: string,
  scope: Scope,
  where: Extract<Requirement, { kind: "limit" }>["where"],
): Answer {
  const limit = evaluation.protocol.channel.limits.find((candidate) => candidate.name === name);
  if (limit?.kind !== "relation") return "maybe";
  const key = resolveKey(where, scope);
  const mine = limit.per === "connection";
  const shared = mine ? new Map() : new Map([...key].filter(([column]) => column === limit.per));
  const tuples = evaluation.membership
    .tuples(limit.relation, shared)
    .filter((tuple) => !mine || tuple.connection === invocation.connection);
  const states = tuples.map((tuple) =>
    tuple.connection === invocation.connection
      ? ownPresence(tuple, invocation)
      : presence(tuple, invocation.sentAt, invocation.settledAt),
  );
  const already = tuples.some(
    (tuple, i) =>
      tuple.connection === invocation.connection && states[i] !== "out" && [...key].every(([c, v]) => tuple.key.get(c) === v),
  );
  const certain = states.filter((state) => state === "in").length;
  const possible = states.filter((state) => state !== "out").length;
  const allowed = limitInForce(limit, invocation.connection);
  // Adding what is there already adds nothing; the document does not say whether a full relation refuses it.
  if (possible < allowed) return "yes";
  return already ? "maybe" : certain >= allowed ? "no" : "maybe";
}

/** The claims in force when the invocation is handled; undefined where a renewal has an unknown outcome. */
function claimsAt({ knowledge }: Evaluation, invocation: Invocation): ReadonlyMap<string, unknown> | undefined {
  let claims: ReadonlyMap<string, unknown> | undefined = knowledge.claimsOf(invocation.connection.user);
  for (const earlier of invocation.connection.invocations) {
    if (earlier.number >= invocation.number) break;
    const renewal = earlier.operation?.effects.find((effect) => effect.kind === "renew");
    if (renewal === undefined || earlier.outcome === "fail") continue;
    const token = resolve(renewal.credential, scopeOf(earlier));
    claims = earlier.outcome === "ok" && typeof token === "string" ? knowledge.credentials.get(token)?.claims : undefined;
  }
  return claims;
}

function isGoodCredential(
  evaluation: Evaluation,
  invocation: Invocation,
  requirement: Extract<Requirement, { kind: "credential" }>,
  scope: Scope,
): Answer {
  const token = resolve(requirement.value, scope);
  // A request over HTTP carries the good one of its user, which is in no history.
  const own = invocation.connection.http !== undefined && requirement.value.kind === "header" && token === undefined;
  const facts = own
    ? { good: true, claims: evaluation.knowledge.claimsOf(invocation.connection.user) }
    : typeof token === "string"
      ? evaluation.knowledge.credentials.get(token)
      : undefined;
  if (facts === undefined) return "maybe";
  if (requirement.same !== undefined) {
    const claim = evaluation.protocol.contract.state.attributes.find((attribute) => attribute.name === requirement.same)?.claim;
    if (claim === undefined) return "maybe";
    return facts.claims.get(claim) === invocation.connection.attributes.get(requirement.same) ? "yes" : "no";
  }
  if (requirement.lacks !== undefined) {
    return holds(facts.claims.get(requirement.lacks.claim), requirement.lacks.value) ? "no" : "yes";
  }
  return facts.good ? "yes" : "no";
}
