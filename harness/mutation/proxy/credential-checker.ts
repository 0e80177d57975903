// What the proxy must know of credentials to make a server accept a bad one: why it is bad, and a good one in its place.
import { errors, jwtVerify } from "jose";
import type { Channel, Contract, Refusal } from "../../../spec/contract.ts";
import { type Auth, createTokenIssuer } from "../../client/credentials.ts";

export interface Wallet {
  /** For which of the contract's reasons the credential is refused; undefined where it is good. */
  verdict(credential: string | undefined): Promise<Refusal["when"] | undefined>;
  /** A good one of a user that nobody else is. */
  good(): Promise<string | undefined>;
}

/** @param auth the target's shared secret; without one nothing is known to be bad but what is missing */
export function createWallet(contract: Contract, channel: Channel, auth: Auth): Wallet {
  const credentials = channel.handshake?.credentials;
  const refusedClaims = (channel.handshake?.refusals ?? []).filter(({ when }) => when === "claim");
  const issueToken = createTokenIssuer(credentials, contract.state, auth);
  let made = 0;
  return {
    async good() {
      made += 1;
      return (await issueToken(`let-in-${made}`, {})).credential;
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
