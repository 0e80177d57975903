// What a credential is worth: a JWT signed with the shared secret, one of the given tokens, or, where nothing is given, any text.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Credentials } from "../../spec/contract.ts";
import { UsageError } from "../schema/errors.ts";

export type Checked =
  | { readonly kind: "good"; readonly claims: ReadonlyMap<string, unknown>; readonly expiresAtMs: number }
  | { readonly kind: "invalid" | "expired" };

/** @param nowMs the date, in ms since 1970 */
export type CredentialCheck = (credential: string, nowMs: number) => Checked;

export interface MockAuth {
  readonly secret?: string | undefined;
  readonly tokens?: readonly string[] | undefined;
}

/** @throws UsageError where the secret cannot check what the document asks for */
export function createCredentialCheck(credentials: Credentials | undefined, { secret, tokens }: MockAuth): CredentialCheck {
  if (secret !== undefined) {
    if (credentials?.scheme !== "jwt" || !credentials.algorithms.every((name) => name.startsWith("HS"))) {
      throw new UsageError(
        "--auth-secret checks JWTs signed with a shared secret, and the document asks for something else. Give --auth-token, or neither.",
      );
    }
    return (credential, nowMs) => checkJwt(credentials, credential, secret, nowMs);
  }
  if (tokens !== undefined && tokens.length > 0)
    return (credential) =>
      tokens.includes(credential)
        ? { kind: "good", claims: claimsOf(credential) ?? new Map(), expiresAtMs: Number.POSITIVE_INFINITY }
        : { kind: "invalid" };
  return (credential, nowMs) => {
    const claims = claimsOf(credential) ?? new Map<string, unknown>([["sub", credential.slice(0, 64)]]);
    const exp = claims.get("exp");
    const expiresAtMs = typeof exp === "number" ? exp * 1000 : Number.POSITIVE_INFINITY;
    return expiresAtMs <= nowMs ? { kind: "expired" } : { kind: "good", claims, expiresAtMs };
  };
}

function checkJwt(credentials: Credentials, token: string, secret: string, nowMs: number): Checked {
  const [head = "", body = "", signature = "", ...more] = token.split(".");
  const algorithm = jsonOf(head)?.get("alg");
  const claims = jsonOf(body);
  if (more.length > 0 || claims === undefined || typeof algorithm !== "string") return { kind: "invalid" };
  if (!(credentials.algorithms.length > 0 ? credentials.algorithms : ["HS256"]).includes(algorithm)) return { kind: "invalid" };
  const wanted = createHmac(`sha${algorithm.slice(2)}`, secret)
    .update(`${head}.${body}`)
    .digest();
  const got = Buffer.from(signature, "base64url");
  // Base64url leaves unused bits: the text must be the one that the bytes have.
  if (got.toString("base64url") !== signature || got.length !== wanted.length || !timingSafeEqual(got, wanted))
    return { kind: "invalid" };
  for (const { name, required, value } of credentials.claims) {
    const claim = claims.get(name);
    if (claim === undefined ? required : value !== undefined && !holds(claim, value)) return { kind: "invalid" };
  }
  const exp = claims.get("exp");
  const nbf = claims.get("nbf");
  if (exp !== undefined && typeof exp !== "number") return { kind: "invalid" };
  const subject = claims.get("sub");
  if (subject !== undefined && (typeof subject !== "string" || subject === "")) return { kind: "invalid" };
  if (nbf !== undefined && (typeof nbf !== "number" || nbf * 1000 > nowMs)) return { kind: "invalid" };
  const expiresAtMs = exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000;
  return expiresAtMs <= nowMs ? { kind: "expired" } : { kind: "good", claims, expiresAtMs };
}

/** A claim may be one value or a list of them. */
export function holds(claim: unknown, value: unknown): boolean {
  return Array.isArray(claim) ? claim.includes(value) : claim === value;
}

function claimsOf(token: string): ReadonlyMap<string, unknown> | undefined {
  return jsonOf(token.split(".")[1] ?? "");
}

function jsonOf(part: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}
