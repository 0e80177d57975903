// Checks credentials for the proxy: why the contract rejects one, and a valid one in its place.
import { errors, jwtVerify } from "jose";
import type { Channel, Contract, Refusal } from "../../../spec/contract.ts";
import { type Auth, createTokenIssuer } from "../../client/credentials.ts";

export interface CredentialChecker {
  /** The contract's reason for rejecting the credential; undefined: it is valid. */
  verdict(credential: string | undefined): Promise<Refusal["when"] | undefined>;
  /** A valid one of a new user. */
  good(): Promise<string | undefined>;
}

/** @param auth the target's shared secret; without it, only a missing credential is known to be rejected */
export function createCredentialChecker(contract: Contract, channel: Channel, auth: Auth): CredentialChecker {
  const credentials = channel.handshake?.credentials;
  const refusedClaims = (channel.handshake?.refusals ?? []).filter(({ when }) => when === "claim");
  const issueToken = createTokenIssuer(credentials, contract.state, auth);
  let made = 0;
  return {
    async good() {
      made += 1;
      return (await issueToken(`made-acceptable-${made}`, {})).credential;
    },
    async verdict(credential) {
      if (credential === undefined || credential === "") return "credential-missing";
      if (credentials?.scheme !== "jwt" || auth.secret === undefined) return undefined;
      try {
        const { payload } = await jwtVerify(credential, new TextEncoder().encode(auth.secret), {
          algorithms: [...credentials.algorithms],
          requiredClaims: credentials.claims.filter(({ required }) => required).map(({ name }) => name),
        });
        const wrong = credentials.claims.some(({ name, value }) => value !== undefined && !holds(payload[name], value));
        if (wrong) return "credential-invalid";
        return refusedClaims.some(({ claim, contains }) => holds(payload[claim ?? ""], contains)) ? "claim" : undefined;
      } catch (error) {
        return error instanceof errors.JWTExpired ? "credential-expired" : "credential-invalid";
      }
    },
  };
}

function holds(claim: unknown, value: unknown): boolean {
  return Array.isArray(claim) ? claim.includes(value) : claim === value;
}
