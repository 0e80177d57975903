// Users and their credentials: minted from a shared secret, taken from a list, or asked of a command.
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { promisify } from "node:util";
import { base64url, UnsecuredJWT } from "jose";
import type { Credentials, State } from "../../spec/contract.ts";
import { NotTestable, UsageError } from "../schema/errors.ts";

/** How a credential differs from a good one. Whatever is not named is as the contract wants it. */
export interface CredentialOptions {
  /** Claims to set; undefined leaves the claim out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** From now, default 3600; negative: expired. Whole seconds count. */
  readonly lifetimeSeconds?: number;
  /** From now; positive: not yet valid. */
  readonly notBeforeSeconds?: number;
  /** Another algorithm of JWS, signed with the same secret; `none`: unsigned. */
  readonly algorithm?: string;
  /** `other-key`: signed with another secret. `altered`: a claim was changed after signing. `cut`: the last part is missing. */
  readonly forged?: "other-key" | "altered" | "cut";
}

/** Where credentials come from. */
export interface Auth {
  /** Shared with the target; 32 bytes or more for HS256. */
  readonly secret?: string | undefined;
  /** Ready ones, used in turn. */
  readonly tokens?: readonly string[] | undefined;
  /** A command line that prints one for the user whose name stands in the environment as WSPROOF_USER. */
  readonly command?: string | undefined;
}

export interface IssuedToken {
  readonly credential: string | undefined;
  readonly claims: ReadonlyMap<string, unknown>;
}

/** @throws NotTestable where such a credential cannot be had */
export type TokenIssuer = (name: string, options: CredentialOptions) => Promise<IssuedToken>;

/**
 * @throws UsageError where the contract wants a credential and `auth` gives no way to one
 */
export function createTokenIssuer(credentials: Credentials | undefined, state: State, auth: Auth): TokenIssuer {
  if (credentials === undefined) return async () => ({ credential: undefined, claims: new Map() });
  if (auth.secret !== undefined) {
    const secret = auth.secret;
    const algorithm = credentials.algorithms[0] ?? "HS256";
    if (credentials.scheme !== "jwt" || !algorithm.startsWith("HS")) {
      throw new UsageError(
        `--auth-secret signs JWTs with a shared secret, but the document asks for ${credentials.scheme === "jwt" ? algorithm : "an opaque credential"}. Give --auth-token or --auth-command.`,
      );
    }
    return async (name, options) => issueJwt(credentials, state, secret, name, options);
  }
  let turn = 0;
  const { tokens, command } = auth;
  if (tokens !== undefined && tokens.length > 0) {
    return async (_name, options) => {
      expectPlain(options, "--auth-token");
      const credential = tokens[turn++ % tokens.length]!;
      return { credential, claims: readClaims(credential) };
    };
  }
  if (command !== undefined) {
    return async (name, options) => {
      expectPlain(options, "--auth-command");
      const credential = await runCommand(command, name);
      return { credential, claims: readClaims(credential) };
    };
  }
  throw new UsageError(
    `The document asks for a credential (${credentials.scheme}). Give --auth-secret SECRET to issue JWTs, --auth-token TOKEN to use that one, or --auth-command "COMMAND" that prints one; or set \`auth\` in wsproof.config.yaml.`,
  );
}

function expectPlain(options: CredentialOptions, option: string): void {
  if (Object.keys(options).length > 0) {
    throw new NotTestable(`needs a freshly issued token: use --auth-secret instead of ${option}`);
  }
}

function issueJwt(credentials: Credentials, state: State, secret: string, name: string, options: CredentialOptions): IssuedToken {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const claims: Record<string, unknown> = { sub: name, iat: nowSeconds, exp: nowSeconds + (options.lifetimeSeconds ?? 3600) };
  if (options.notBeforeSeconds !== undefined) claims.nbf = nowSeconds + options.notBeforeSeconds;
  for (const claim of credentials.claims) {
    if (claim.value !== undefined) claims[claim.name] = claim.value;
    else if (claim.required) claims[claim.name] ??= name;
  }
  // A claim that the target shows to others gets a value of its own, so that it can be told from the rest.
  for (const { claim } of state.attributes) if (claim !== undefined) claims[claim] ??= `${name}-${claim}`;
  for (const [claim, value] of Object.entries(options.claims ?? {})) {
    if (value === undefined) delete claims[claim];
    else claims[claim] = value;
  }
  const algorithm = options.algorithm ?? credentials.algorithms[0] ?? "HS256";
  const key = options.forged === "other-key" ? `another-secret-of-at-least-32-bytes-${secret.length}` : secret;
  const signed = algorithm === "none" ? new UnsecuredJWT(claims).encode() : signHmac(claims, algorithm, key);
  return { credential: forge(signed, claims, options.forged), claims: new Map(Object.entries(claims)) };
}

/**
 * A JWS in its compact form (RFC 7515 section 3.1). Not by jose: it refuses keys shorter than the hash, which a target may have for the
 * algorithm that it accepts, and it signs on another thread, which costs more than the signature.
 * @param algorithm `HS256`, `HS384` or `HS512`
 */
function signHmac(claims: Record<string, unknown>, algorithm: string, key: string): string {
  const input = [{ alg: algorithm }, claims].map((part) => base64url.encode(JSON.stringify(part))).join(".");
  return `${input}.${createHmac(`sha${algorithm.slice(2)}`, key)
    .update(input)
    .digest("base64url")}`;
}

function forge(token: string, claims: Record<string, unknown>, how: CredentialOptions["forged"]): string {
  const [head = "", , signature = ""] = token.split(".");
  if (how === "cut") return `${token.split(".").slice(0, 2).join(".")}.`;
  if (how === "altered")
    return [head, base64url.encode(JSON.stringify({ ...claims, sub: `${claims.sub}x` })), signature].join(".");
  return token;
}

/** The claims of a JWT, unverified; empty where it is none. */
function readClaims(token: string): ReadonlyMap<string, unknown> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    return new Map(typeof claims === "object" && claims !== null ? Object.entries(claims) : []);
  } catch {
    return new Map();
  }
}

async function runCommand(command: string, name: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", command], {
      env: { ...process.env, WSPROOF_USER: name },
      timeout: 30_000,
    });
    const token = stdout.trim();
    if (token === "") throw new Error("it printed nothing");
    return token;
  } catch (error) {
    const why = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
    throw new UsageError(`--auth-command "${command}" gave no credential: ${why}. It must print one and end with 0.`);
  }
}
