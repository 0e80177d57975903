// What to do after a connection ended, by the class of its close code in the document. Delays have full jitter. Pure.
import { closeCodes } from "../../generated/protocol.gen.ts";

type Reconnect = (typeof closeCodes)[keyof typeof closeCodes]["reconnect"];

interface KnownCode {
  readonly code: number;
  readonly reconnect: Reconnect;
  readonly minDelayMs?: number;
}

const known = new Map<number, KnownCode>(Object.values(closeCodes).map((entry: KnownCode) => [entry.code, entry]));

/** Back-off doubles from here with each failure in a row, up to `longestMs`. */
const firstMs = 500;
const longestMs = 30_000;
/** However long a server asks for. */
const longestSpreadMs = 300_000;

export type NextStep =
  | { readonly kind: "stop" }
  | {
      readonly kind: "reconnect";
      readonly delayMs: number;
      /** The old token must not be used again. */
      readonly freshToken: boolean;
      /** The server does not know the old positions any more. */
      readonly forgetPositions: boolean;
    };

export interface Ended {
  /** As the socket reports it: 1005 without a code, 1006 without a close frame. */
  readonly code: number;
  /** Failures in a row including this one, from 1. Only a connection that has lived for a while starts anew. */
  readonly failures: number;
  /** What the last `server_shutdown` said; undefined if none came. */
  readonly spreadMs: number | undefined;
  /** Whether a token was already fetched because of a rejection, and no connection has lived since. */
  readonly tokenWasFresh: boolean;
}

/**
 * Codes that are not in the document: 44xx stop, all others back off.
 * @param random from 0 to 1, 1 excluded
 */
export function afterClose({ code, failures, spreadMs, tokenWasFresh }: Ended, random: () => number): NextStep {
  const entry = known.get(code);
  const kind: Reconnect = entry?.reconnect ?? (code >= 4400 && code < 4500 ? "stop" : "back-off");
  const backOffMs = (entry?.minDelayMs ?? 0) + random() * Math.min(longestMs, firstMs * 2 ** (failures - 1));
  const again = (delayMs: number, freshToken = false, forgetPositions = false): NextStep => ({
    kind: "reconnect",
    delayMs: Math.round(delayMs),
    freshToken,
    forgetPositions,
  });
  // A server that closes again and again is not hammered, whatever its code says.
  const atOnceMs = failures > 1 ? backOffMs : 0;
  switch (kind) {
    case "stop":
      return { kind: "stop" };
    case "at-once":
      return again(atOnceMs);
    case "spread":
      return again(Math.max(atOnceMs, random() * Math.min(longestSpreadMs, spreadMs ?? longestMs)));
    case "fresh-token":
      return tokenWasFresh ? { kind: "stop" } : again(atOnceMs, true);
    case "rejoin":
      return again(atOnceMs, false, true);
    case "back-off":
      return again(backOffMs);
  }
}
