// What the document requires of a sender's rate and credential, operation by operation. Changing it there changes the server.
import { closeCodes, handshake, operations, rateLimits } from "../generated/protocol.gen.ts";
import type { ClientMessage, ErrorCode } from "../generated/types.gen.ts";
import type { RateName } from "./config.ts";
import type { Identity, TokenProblem } from "./tokens.ts";

type OperationName = keyof typeof operations;
type Requirement = (typeof operations)[OperationName]["requires"][number];
type Claim = Extract<Requirement, { kind: "claim" }>["claim"];
type UserRated = {
  [Name in OperationName]: Extract<(typeof operations)[Name]["requires"][number], { rate: "publishUser" }> extends never
    ? never
    : Name;
}[OperationName];

/** What the hubs count for the user. They do so themselves, so tsc fails here when the document names others. */
const userRated: Readonly<Record<UserRated, true>> = { chat: true, direct: true, broadcast: true, publish: true };

export interface Requirements {
  /** Rate limits of the one connection. */
  readonly connectionRates: readonly RateName[];
  /** Whether the hub counts it for the user, over all connections. */
  readonly isUserRated: boolean;
  /** The error for this sender, where a claim of its token is missing. */
  missingClaim(identity: Identity): ErrorCode | undefined;
  /** The error for a fresh token, where its claim bars the user. */
  freshTokenBarred(identity: Identity): ErrorCode | undefined;
}

function requirementsOf(name: OperationName): Requirements {
  const requires: readonly Requirement[] = operations[name].requires;
  const rates = requires.flatMap((one) => (one.kind === "rate" ? [one.rate] : []));
  const claims = requires.filter((one) => one.kind === "claim");
  const fresh = requires.filter((one) => one.kind === "fresh-credential");
  return {
    connectionRates: rates.filter((rate) => rateLimits[rate].scope === "connection"),
    isUserRated: name in userRated,
    missingClaim: (identity) => claims.find(({ claim, contains }) => !holds(identity, claim, contains))?.error,
    freshTokenBarred: (identity) => fresh.find(({ claim, lacks }) => holds(identity, claim, lacks))?.error,
  };
}

/** The claims that the document names must be fields of an Identity: tsc fails here when it names another. */
function holds(identity: Pick<Identity, Claim>, claim: Claim, value: string): boolean {
  return identity[claim].includes(value);
}

const byMessage = new Map(
  (Object.keys(operations) as OperationName[]).flatMap((name) => {
    const requirements = requirementsOf(name);
    return operations[name].messages.map((type) => [type, requirements] as const);
  }),
);

/** What a message of a client requires. */
export function requirementsFor(type: ClientMessage["type"]): Requirements {
  return byMessage.get(type)!;
}

/** Why a fresh token does not renew the connection of this user; undefined where it does. */
export function freshTokenProblem(identity: Identity | TokenProblem, userId: string): ErrorCode | undefined {
  if (typeof identity === "string") return "TOKEN_INVALID";
  return identity.userId === userId ? requirementsFor("authenticate").freshTokenBarred(identity) : "TOKEN_MISMATCH";
}

/** What publishing over HTTP requires. */
export const httpPublish = requirementsOf("publish");

const barred = handshake.refusals.filter((refusal) => refusal.when === "claim");

/** The close code for a good token whose claim bars its user from connecting. */
export function handshakeBarred(identity: Identity): keyof typeof closeCodes | undefined {
  const found = barred.find(({ claim, contains }) => holds(identity, claim, contains));
  if (found === undefined) return undefined;
  const names = Object.keys(closeCodes) as (keyof typeof closeCodes)[];
  return names.find((name) => closeCodes[name].code === found.outcome.close);
}
