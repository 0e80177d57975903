// Credentials that run out within a case: which documents allow for them, and when they do on the clock of the run.

import type { Clock } from "../../client/clock.ts";
import { graceOf } from "../../model/credential-validity.ts";
import type { Protocol } from "../../model/protocol.ts";
import { NotTestable } from "../../schema/errors.ts";
import type { Context } from "../context.ts";

/** Whole seconds, because that is what a JWT can say: from 1 s to 2 s are left. */
export const lifetimeSeconds = 2;
/** Longer waits are not made unasked. */
const longestMs = 60_000;

export interface Brief {
  /** To put into the credential. */
  readonly claims: { readonly exp: number };
  /** In ms of the run's clock; never later than the moment that the target, with a right clock, means. */
  readonly expiresAtMs: number;
}

export function createBrief(clock: Clock): Brief {
  // The run's clock first: what goes by between the two readings makes the moment earlier.
  const nowMs = clock.nowMs();
  const wallMs = Date.now();
  const exp = Math.floor(wallMs / 1000) + lifetimeSeconds;
  return { claims: { exp }, expiresAtMs: nowMs + exp * 1000 - wallMs };
}

/** How long after its credential's end a connection is closed. @throws NotTestable where that cannot be seen in a case, with the reason */
export async function briefGraceMs(context: Context, protocol: Protocol): Promise<number> {
  const grace = graceOf({ protocol });
  if (grace === undefined || protocol.channel.handshake?.credentials?.scheme !== "jwt")
    throw new NotTestable("the document names no JWT, or no close code for one that has run out");
  const graceMs = context.effective(grace);
  if (graceMs > longestMs)
    throw new NotTestable(`the grace is ${graceMs} ms; run the server with a shorter one and let it advertise that`);
  await context.credential({ claims: createBrief(context.clock).claims });
  return graceMs;
}
