// Tokens (RFC 7519): the identity of a client and its expiry. The document sets the algorithm, not the token.
import { type CryptoKey, errors, jwtVerify, SignJWT } from "jose";
import { handshake } from "../generated/protocol.gen.ts";
import type { Clock } from "./clock.ts";

export interface Identity {
  readonly userId: string;
  readonly username: string;
  readonly roles: readonly string[];
  /** Milliseconds since 1970 UTC. */
  readonly expiresAtMs: number;
}

/** Verifies a token. Never throws; returns the identity, or why the token is rejected. */
export type VerifyToken = (token: string) => Promise<Identity | "expired" | "invalid">;

const { algorithms, claims } = handshake.credentials;
const audience = claims.find((claim) => claim.name === "aud")!.value as string;
const requiredClaims = claims.filter(({ required }) => required).map(({ name }) => name);
/** Shared, because most tokens have no roles. */
const noRoles: readonly string[] = [];
/** Maximum length of UserId and Username in the document, in code points. */
const maxNameLength = 128;
/** The last time that RFC 3339 can write with a four-digit year. */
const endOfTimeMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** @param secret at least 32 bytes of UTF-8 */
export function createTokenVerifier(secret: string, clock: Clock): VerifyToken {
  const key = createKey(secret);
  const options = { algorithms: [...algorithms], audience, requiredClaims };
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, await key, { ...options, currentDate: new Date(clock.dateMs()) });
      const { sub: userId, exp, roles } = payload;
      const username = payload.username ?? userId;
      if (!isName(userId) || !isName(username) || exp === undefined) return "invalid";
      const expiresAtMs = Math.min(exp * 1000, endOfTimeMs);
      return {
        userId,
        username,
        roles: Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : noRoles,
        expiresAtMs,
      };
    } catch (error) {
      return error instanceof errors.JWTExpired ? "expired" : "invalid";
    }
  };
}

/** Signs a token for development and tests. @param lifetimeSeconds from now */
export async function createToken(
  secret: string,
  userId: string,
  roles: readonly string[],
  lifetimeSeconds: number,
): Promise<string> {
  return new SignJWT({ roles })
    .setProtectedHeader({ alg: algorithms[0] })
    .setSubject(userId)
    .setAudience(audience)
    .setExpirationTime(new Date(Date.now() + lifetimeSeconds * 1000))
    .sign(await createKey(secret));
}

/** As the platform's own key: from any other form jose would make one at each token, which costs as much again. */
function createKey(secret: string): Promise<CryptoKey> {
  const hash = `SHA-${algorithms[0].slice(2)}`;
  return crypto.subtle.importKey("raw", new TextEncoder().encode(secret), { name: "HMAC", hash }, false, ["sign", "verify"]);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && [...value].length <= maxNameLength;
}
