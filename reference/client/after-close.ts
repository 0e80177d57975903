// What to do after a connection has ended: by the close code's class in the document, with full jitter. Pure.
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

export type NextStep =
  | { readonly kind: "stop" }
  | {
      readonly kind: "reconnect";
      readonly delayMs: number;
      /** The old token must not be used again. */
      readonly freshToken: boolean;
      /** Positions are worth nothing any more. */
      readonly forgetPositions: boolean;
    };

export interface Ended {
  /** As the socket says it: 1005 without a code, 1006 without a close frame. */
  readonly code: number;
  /** Failures in a row, this one counted: from 1. A connection that got its first message starts anew. */
  readonly failures: number;
  /** What the last `server_shutdown` said; undefined where none came. */
  readonly spreadMs: number | undefined;
  /** Whether the connection that ended used a token that was fetched because of a refusal. */
  readonly tokenWasFresh: boolean;
}

/**
 * Codes that the document does not have: 44xx stop, all others back off.
 * @param random from 0 to 1, 1 excluded
 */
export function afterClose({ code, failures, spreadMs, tokenWasFresh }: Ended, random: () => number): NextStep {
  const entry = known.get(code);
  const kind: Reconnect = entry?.reconnect ?? (code >= 4400 && code < 4500 ? "stop" : "back-off");
  const again = (delayMs: number, rest: { freshToken?: boolean; forgetPositions?: boolean } = {}): NextStep => ({
    kind: "reconnect",
    delayMs: Math.round(delayMs),
    freshToken: rest.freshToken ?? false,
    forgetPositions: rest.forgetPositions ?? false,
  });
  const backOff = (): number => (entry?.minDelayMs ?? 0) + random() * Math.min(longestMs, firstMs * 2 ** (failures - 1));
  switch (kind) {
    case "stop":
      return { kind: "stop" };
    case "at-once":
      // A server that does so again and again is not hammered.
      return again(failures > 1 ? backOff() : 0);
    case "spread":
      return again(random() * (spreadMs ?? longestMs));
    case "fresh-token":
      return tokenWasFresh ? { kind: "stop" } : again(failures > 1 ? backOff() : 0, { freshToken: true });
    case "rejoin":
      return again(failures > 1 ? backOff() : 0, { forgetPositions: true });
    case "back-off":
      return again(backOff());
  }
}
