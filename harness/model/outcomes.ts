// What an operation may be answered with: its requirements in order, each yes, no or maybe at the time of the act.
import type { Limit, RateLimit, Requirement } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "./frame.ts";
import { linkPresence, type Membership, ownPresence, presence, resolve, resolveKey, type Scope } from "./membership.ts";
import type { Protocol } from "./protocol.ts";
import type { Act, Knowledge, Link, Recording } from "./recording.ts";

export type Answer = "yes" | "no" | "maybe";

export interface Expected {
  /** Requirements that may refuse it, in order; the last one is the first that certainly fails. */
  readonly refusals: readonly { readonly requirement: Requirement; readonly certain: boolean }[];
  readonly mayPass: boolean;
  /** How many requirements certainly held before the first that did not, or all of them. */
  readonly held: readonly Requirement[];
}

export interface World {
  readonly protocol: Protocol;
  readonly recording: Recording;
  readonly knowledge: Knowledge;
  readonly membership: Membership;
}

/** Judges the requirements of the act's operation against what was certain then. */
export function expectOutcome(world: World, act: Act): Expected {
  const refusals: { requirement: Requirement; certain: boolean }[] = [];
  const held: Requirement[] = [];
  for (const requirement of act.operation?.requires ?? []) {
    const answer = isMet(world, act, requirement);
    if (answer === "yes") held.push(requirement);
    else refusals.push({ requirement, certain: answer === "no" && refusals.length === 0 });
    if (answer === "no") return { refusals, mayPass: false, held };
  }
  return { refusals, mayPass: true, held };
}

function isMet(world: World, act: Act, requirement: Requirement): Answer {
  const scope: Scope = { link: act.link, frame: act.frame, key: new Map() };
  switch (requirement.kind) {
    case "rate":
      return isWithinRate(world, act, requirement.limit);
    case "relation": {
      const key = resolveKey(requirement.where, scope);
      const own = world.membership.rows(requirement.relation, key).filter((row) => row.link === act.link);
      const found = any(own.map((row) => answers[ownPresence(row, act)]));
      return requirement.present ? found : negate(found);
    }
    case "limit":
      return isUnderLimit(world, act, requirement.limit, scope, requirement.where);
    case "claim": {
      const claims = claimsAt(world, act);
      return claims === undefined ? "maybe" : holds(claims.get(requirement.claim), requirement.contains) ? "yes" : "no";
    }
    case "connection": {
      const wanted = resolve(requirement.equals, scope);
      const links = [...world.recording.links.values()].filter((link) => link.attributes.get(requirement.attribute) === wanted);
      return any(links.map((link) => answers[linkPresence(link, act.sentAt, act.settledAt)]));
    }
    case "credential":
      return isGoodCredential(world, act, requirement, scope);
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
function isWithinRate({ protocol, recording }: World, act: Act, name: string): Answer {
  const limit = protocol.channel.rateLimits.find((candidate) => candidate.name === name);
  if (limit === undefined) return "maybe";
  const shares = (other: Link) =>
    limit.scope === "connection"
      ? other === act.link
      : other.attributes.get(limit.scope) === act.link.attributes.get(limit.scope);
  const spent = recording.acts.filter(
    (other) =>
      other.number <= act.number &&
      shares(other.link) &&
      (other.operation === undefined || other.operation.requires.some((r) => r.kind === "rate" && r.limit === name)),
  );
  return spent.length <= rateInForce(limit, act.link).burst ? "yes" : "maybe";
}

/** The rate limit that the connection was told, else the contract's. */
export function rateInForce(limit: RateLimit, link: Pick<Link, "first">): { readonly burst: number; readonly perSecond: number } {
  const told = (pointer: string | undefined, otherwise: number) => {
    const value = pointer === undefined ? undefined : lookup(link.first, pointer);
    return typeof value === "number" ? value : otherwise;
  };
  return { burst: told(limit.advertised.burst, limit.burst), perSecond: told(limit.advertised.perSecond, limit.perSecond) };
}

/** The limit that the connection was told, else the contract's. */
export function limitInForce(limit: Limit, link: Pick<Link, "first">): number {
  const value = limit.advertised === undefined ? undefined : lookup(link.first, limit.advertised);
  return typeof value === "number" ? value : limit.value;
}

function isUnderLimit(
  world: World,
  act: Act,
  name: string,
  scope: Scope,
  where: Extract<Requirement, { kind: "limit" }>["where"],
): Answer {
  const limit = world.protocol.channel.limits.find((candidate) => candidate.name === name);
  if (limit?.kind !== "relation") return "maybe";
  const key = resolveKey(where, scope);
  const mine = limit.per === "connection";
  const shared = mine ? new Map() : new Map([...key].filter(([column]) => column === limit.per));
  const rows = world.membership.rows(limit.relation, shared).filter((row) => !mine || row.link === act.link);
  const states = rows.map((row) => (row.link === act.link ? ownPresence(row, act) : presence(row, act.sentAt, act.settledAt)));
  const already = rows.some(
    (row, i) => row.link === act.link && states[i] !== "out" && [...key].every(([c, v]) => row.key.get(c) === v),
  );
  const certain = states.filter((state) => state === "in").length;
  const possible = states.filter((state) => state !== "out").length;
  const allowed = limitInForce(limit, act.link);
  // Adding what is there already adds nothing; the document does not say whether a full relation refuses it.
  if (possible < allowed) return "yes";
  return already ? "maybe" : certain >= allowed ? "no" : "maybe";
}

/** The claims in force when the act is handled; undefined where a renewal has an unknown outcome. */
function claimsAt({ knowledge }: World, act: Act): ReadonlyMap<string, unknown> | undefined {
  let claims: ReadonlyMap<string, unknown> | undefined = knowledge.claimsOf(act.link.user);
  for (const earlier of act.link.acts) {
    if (earlier.number >= act.number) break;
    const renewal = earlier.operation?.effects.find((effect) => effect.kind === "renew");
    if (renewal === undefined || earlier.outcome === "refused") continue;
    const token = resolve(renewal.credential, { link: act.link, frame: earlier.frame, key: new Map() });
    claims = earlier.outcome === "done" && typeof token === "string" ? knowledge.credentials.get(token)?.claims : undefined;
  }
  return claims;
}

function isGoodCredential(
  world: World,
  act: Act,
  requirement: Extract<Requirement, { kind: "credential" }>,
  scope: Scope,
): Answer {
  const token = resolve(requirement.value, scope);
  // A request over HTTP carries the good one of its user, which is in no history.
  const own = act.link.http !== undefined && requirement.value.kind === "header" && token === undefined;
  const facts = own
    ? { good: true, claims: world.knowledge.claimsOf(act.link.user) }
    : typeof token === "string"
      ? world.knowledge.credentials.get(token)
      : undefined;
  if (facts === undefined) return "maybe";
  if (requirement.same !== undefined) {
    const claim = world.protocol.contract.state.attributes.find((attribute) => attribute.name === requirement.same)?.claim;
    if (claim === undefined) return "maybe";
    return facts.claims.get(claim) === act.link.attributes.get(requirement.same) ? "yes" : "no";
  }
  if (requirement.lacks !== undefined) {
    return holds(facts.claims.get(requirement.lacks.claim), requirement.lacks.value) ? "no" : "yes";
  }
  return facts.good ? "yes" : "no";
}
