// What to do after a connection ended, by the class of its close code in the document. Delays have full jitter. Pure.
import { reconnectByCode } from "../../generated/protocol.gen.ts";

type Reconnect = (typeof reconnectByCode)[keyof typeof reconnectByCode][0];

const known: Readonly<Record<number, readonly [Reconnect, number]>> = reconnectByCode;

/** Back-off doubles from here with each failure in a row, up to `longestMs`. */
const firstMs = 500;
const longestMs = 30_000;
/** However long a server asks for. */
const longestSpreadMs = 300_000;

export interface NextStep {
  readonly delayMs: number;
  /** The old token must not be used again. */
  readonly freshToken: boolean;
  /** The server does not know the old positions any more. */
  readonly forgetPositions: boolean;
}

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
 * @returns undefined: do not reconnect
 */
export function afterClose({ code, failures, spreadMs, tokenWasFresh }: Ended, random: () => number): NextStep | undefined {
  const [reconnect, minDelayMs] = known[code] ?? [code >= 4400 && code < 4500 ? "stop" : "back-off", 0];
  const freshToken = reconnect === "fresh-token";
  if (reconnect === "stop" || (freshToken && tokenWasFresh)) return undefined;
  const windowMs = reconnect === "spread" ? Math.min(longestSpreadMs, spreadMs ?? longestMs) : 0;
  // A server that closes again and again is not hammered, whatever its code says.
  const backsOff = reconnect === "back-off" || failures > 1;
  const backOffMs = backsOff ? minDelayMs + random() * Math.min(longestMs, firstMs * 2 ** (failures - 1)) : 0;
  return { delayMs: Math.max(backOffMs, random() * windowMs), freshToken, forgetPositions: reconnect === "rejoin" };
}
