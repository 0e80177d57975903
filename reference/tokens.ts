// Tokens (RFC 7519): the identity of a client and its expiry. The document sets the algorithm, not the token.
import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import { SignJWT } from "jose";
import { handshake } from "../generated/protocol.gen.ts";
import type { Clock } from "./clock.ts";

export interface Identity {
  readonly userId: string;
  readonly username: string;
  readonly roles: readonly string[];
  /** Milliseconds since 1970 UTC. */
  readonly expiresAtMs: number;
  /** The claim `jti`. */
  readonly tokenId: string | undefined;
  /** The claim `iat`, in seconds since 1970 UTC; 0 without one. */
  readonly issuedAtSeconds: number;
}

export type TokenProblem = "expired" | "invalid" | "revoked";

/** Verifies a token. Never throws; returns the identity, or why the token is rejected. */
export type VerifyToken = (token: string) => Identity | TokenProblem;

const { algorithms, claims } = handshake.credentials;
const [algorithm] = algorithms;
const hash = `sha${algorithm.slice(2)}`;
const audience = claims.find((claim) => claim.name === "aud")!.value as string;
const requiredClaims = claims.filter(({ required }) => required).map(({ name }) => name);
/** Shared, because most tokens have no roles. */
const noRoles: readonly string[] = [];
/** Maximum length of UserId and Username in the document, in code points. */
const maxNameLength = 128;
/** The last time that RFC 3339 can write with a four-digit year. */
const endOfTimeMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * Synchronous, so that a connection costs no further turn of the event loop and no check can pile up: an HMAC takes microseconds.
 * @param secret at least 32 bytes of UTF-8
 * @param isRevoked asked for each valid token
 */
export function createTokenVerifier(
  secret: string,
  clock: Clock,
  isRevoked: (identity: Identity) => boolean = () => false,
): VerifyToken {
  const key = createSecretKey(secret, "utf8");
  /** Tokens of one issuer have the same header, so it is read once. */
  let lastGoodHeader: string | undefined;
  return (token) => {
    const [header, payload, signature, ...rest] = token.split(".");
    if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return "invalid";
    // Compared as text: base64url has several spellings of the same bytes, and only one is a signature.
    const expected = Buffer.from(createHmac(hash, key).update(`${header}.${payload}`).digest("base64url"));
    const actual = Buffer.from(signature);
    if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) return "invalid";
    if (header !== lastGoodHeader) {
      const protectedHeader = decodePart(header);
      // A critical extension (RFC 7515 section 4.1.11) is one that we do not know.
      if (protectedHeader?.alg !== algorithm || protectedHeader.crit !== undefined) return "invalid";
      lastGoodHeader = header;
    }
    const identity = readClaims(decodePart(payload), clock.dateMs());
    return typeof identity !== "string" && isRevoked(identity) ? "revoked" : identity;
  };
}

/** @returns undefined where the part is no JSON object */
function decodePart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function readClaims(payload: Readonly<Record<string, unknown>> | undefined, nowMs: number): Identity | TokenProblem {
  if (payload === undefined || requiredClaims.some((name) => payload[name] === undefined)) return "invalid";
  const { sub: userId, aud, exp, nbf, iat, jti, roles, username = userId } = payload;
  if (!(aud === audience || (Array.isArray(aud) && aud.includes(audience)))) return "invalid";
  if (!isName(userId) || (username !== userId && !isName(username))) return "invalid";
  if (!isTime(exp) || (nbf !== undefined && !isTime(nbf)) || (iat !== undefined && !isTime(iat))) return "invalid";
  const nowSeconds = Math.floor(nowMs / 1000);
  if (nbf !== undefined && nbf > nowSeconds) return "invalid";
  if (exp <= nowSeconds) return "expired";
  return {
    userId,
    username,
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : noRoles,
    expiresAtMs: Math.min(exp * 1000, endOfTimeMs),
    tokenId: typeof jti === "string" ? jti : undefined,
    issuedAtSeconds: iat ?? 0,
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
    .setProtectedHeader({ alg: algorithm })
    .setSubject(userId)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(new Date(Date.now() + lifetimeSeconds * 1000))
    .sign(createSecretKey(secret, "utf8"));
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Control characters and lone surrogates would reach the logs and screens of others. */
function isName(value: unknown): value is string {
  if (typeof value !== "string" || value === "" || /[\p{Cc}\p{Cs}]/u.test(value)) return false;
  // A string has at most as many code points as UTF-16 units, and most names are short.
  return value.length <= maxNameLength || [...value].length <= maxNameLength;
}
