// Revoked tokens and users, read from a file that may change while the server runs.
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { Identity } from "./tokens.ts";

/** Asked for each token, and again for each live connection after a change. */
export interface Revocations {
  isRevoked(identity: Identity): boolean;
  /** @param onChange the list is another now */
  watch(onChange: () => void, onError: (error: Error) => void): void;
  close(): void;
}

interface Revoked {
  /** Values of the claim `jti`. */
  readonly tokens: ReadonlySet<string>;
  /** By user id: tokens issued before this time, in seconds since 1970 UTC, are revoked. A token without `iat` is older than all. */
  readonly notBefore: ReadonlyMap<string, number>;
}

/** How often the file is looked at, in ms. Polled, because a mounted configuration is often replaced, not written. */
const pollMs = 1_000;

export const noRevocations: Revocations = { isRevoked: () => false, watch: () => {}, close: () => {} };

/**
 * @param file JSON: `{ "tokens": ["jti", ...], "notBefore": { "userId": seconds, ... } }`, both optional
 * @throws Error that names REVOCATIONS_FILE and the mistake
 */
export function readRevocations(file: string): Revocations {
  let revoked = parse(file);
  return {
    isRevoked({ userId, tokenId, issuedAtSeconds }) {
      return (tokenId !== undefined && revoked.tokens.has(tokenId)) || issuedAtSeconds < (revoked.notBefore.get(userId) ?? 0);
    },
    watch(onChange, onError) {
      watchFile(file, { interval: pollMs, persistent: false }, () => {
        try {
          revoked = parse(file);
          onChange();
        } catch (error) {
          // The list before stays in force.
          onError(error as Error);
        }
      });
    },
    close: () => unwatchFile(file),
  };
}

function parse(file: string): Revoked {
  const wrong = (what: string) => new Error(`REVOCATIONS_FILE: ${what} in ${file}`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw wrong(`expected JSON, got ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("expected an object");
  const { tokens = [], notBefore = {}, ...others } = value as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw wrong(`expected tokens and notBefore, got ${JSON.stringify(unknown)}`);
  if (!Array.isArray(tokens) || !tokens.every((one) => typeof one === "string"))
    throw wrong("expected tokens to be a list of texts");
  const users = typeof notBefore === "object" && notBefore !== null && !Array.isArray(notBefore) && Object.entries(notBefore);
  if (users === false || !users.every(([, time]) => typeof time === "number"))
    throw wrong("expected notBefore to be seconds by user id");
  return { tokens: new Set(tokens), notBefore: new Map(users) };
}
