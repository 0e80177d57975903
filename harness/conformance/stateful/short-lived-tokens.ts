// Credentials that expire within a case: which documents allow them, and when they expire on the clock of the run.

import type { Clock } from "../../client/clock.ts";
import { graceOf } from "../../model/credential-validity.ts";
import type { Protocol } from "../../model/protocol.ts";
import { NotTestable } from "../../schema/errors.ts";
import type { Context } from "../context.ts";

/** Whole seconds, because that is what a JWT can say: from 1 s to 2 s are left. */
export const lifetimeSeconds = 2;
/** Longer waits are not made unasked. */
const longestMs = 60_000;

export interface ShortLivedToken {
  /** To put into the credential. */
  readonly claims: { readonly exp: number };
  /** In ms of the run's clock; never later than the moment that the target, with a right clock, means. */
  readonly expiresAtMs: number;
}

export function createShortLivedToken(clock: Clock): ShortLivedToken {
  // The run's clock first: what goes by between the two readings makes the moment earlier.
  const nowMs = clock.nowMs();
  const wallMs = Date.now();
  const exp = Math.floor(wallMs / 1000) + lifetimeSeconds;
  return { claims: { exp }, expiresAtMs: nowMs + exp * 1000 - wallMs };
}

/** How long after its credential expired a connection is closed. @throws NotTestable with the reason why no case can see it */
export async function shortLivedGraceMs(context: Context, protocol: Protocol): Promise<number> {
  const grace = graceOf({ protocol });
  if (grace === undefined || protocol.channel.handshake?.credentials?.scheme !== "jwt")
    throw new NotTestable("the document names no JWT, or no close code for an expired one");
  const graceMs = context.effective(grace);
  if (graceMs > longestMs)
    throw new NotTestable(`the grace is ${graceMs} ms; run the server with a shorter one and let it advertise that`);
  await context.credential({ claims: createShortLivedToken(context.clock).claims });
  return graceMs;
}
