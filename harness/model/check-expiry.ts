// Expiry: a connection whose credential has run out is closed after the grace and not before; one that renewed it in time lives on.
import type { Judging } from "./judgement.ts";
import { limitInForce, type World } from "./outcomes.ts";
import { type Link, NEVER } from "./recording.ts";
import { clockMs, earliest, graceOf, latest, type Term, termsAt } from "./terms.ts";

export const expiryRules = { closes: "credential-expired-closes", keeps: "credential-renewed-keeps" } as const;

/** How late the close may be before it counts as missing: the target's machine, and ours, are not idle. */
const lateMs = 2_000;
/** How long after the moment at which the old credential would have closed it a connection must still be there. */
const keptMs = 500;
const actsOf = (terms: readonly Term[]) => terms.flatMap(({ act }) => (act === undefined ? [] : [act.sentAt, act.settledAt]));

/**
 * Judges a close by the server for which nothing else that was sent is a reason.
 * @returns false where it has nothing to do with a credential's end
 */
export function checkExpiryClose(world: World, link: Link, code: number, judging: Judging): boolean {
  const grace = graceOf(world);
  const terms = termsAt(world, link, link.closedAt);
  if (grace === undefined || terms === undefined) return false;
  const { inForce, replaced } = terms;
  if (earliest([...inForce, ...replaced]) === NEVER) return false;
  const graceMs = limitInForce(grace, link);
  const closedAtMs = world.recording.history[link.closedAt]?.atMs ?? 0;
  const events = [link.openAt, ...actsOf([...replaced, ...inForce]), link.closedAt].filter((at) => at !== NEVER);
  const untimely = closedAtMs < earliest(inForce) + graceMs - clockMs;
  if (code !== grace.close) {
    if (closedAtMs < latest(inForce) + graceMs) return false;
    judging.check(false, expiryRules.closes, grace.pointer, `close ${grace.close}`, `close ${code}`, events);
    return true;
  }
  const cause = replaced.find(({ expiresAtMs }) => expiresAtMs + graceMs - clockMs <= closedAtMs);
  if (untimely && cause !== undefined) {
    const renewal = inForce[0]?.act?.operation;
    const expected = `an open connection: ${renewal?.id} gave it a credential that is still good`;
    judging.check(false, expiryRules.keeps, renewal?.pointer ?? grace.pointer, expected, `close code ${code}`, events);
    return true;
  }
  const early = Math.round(earliest(inForce) + graceMs - closedAtMs);
  const when = `close ${grace.close} at the earliest ${graceMs} ms after the credential's end`;
  judging.check(!untimely, expiryRules.closes, grace.pointer, when, `${early} ms before that`, events);
  if (untimely) return true;
  for (const { act } of inForce) if (act !== undefined && cause !== undefined) judging.decide(expiryRules.keeps);
  return true;
}

/** Judges a connection that nobody has closed. */
export function checkExpiryOpen(world: World, link: Link, judging: Judging) {
  const grace = graceOf(world);
  const terms = termsAt(world, link, NEVER);
  if (grace === undefined || terms === undefined || link.readyAt === NEVER) return;
  const { inForce, replaced } = terms;
  const graceMs = limitInForce(grace, link);
  const { knowledge, recording } = world;
  const connection = link.id;
  const events = [link.openAt, ...actsOf([...replaced, ...inForce])].filter((at) => at !== NEVER);
  if (latest(inForce) !== NEVER) {
    const decidedAtMs = latest(inForce) + graceMs + lateMs;
    const expected = `close ${grace.close} once the credential has run out, and ${graceMs} ms of grace after that`;
    if ((knowledge.aliveAtMs ?? 0) < decidedAtMs)
      judging.wait({ rule: expiryRules.closes, pointer: grace.pointer, connection, expected, decidedAtMs });
    else judging.failByClock(expiryRules.closes, grace.pointer, expected, `an open connection ${lateMs} ms later`, events);
    return;
  }
  const old = replaced.filter(({ expiresAtMs }) => expiresAtMs !== NEVER);
  if (old.length === 0 || earliest(inForce) !== NEVER) return;
  const renewal = inForce[0]?.act?.operation;
  const pointer = renewal?.pointer ?? grace.pointer;
  const decidedAtMs = latest(old) + graceMs + keptMs;
  const isLater = ({ sentAt }: { readonly sentAt: number }) => (recording.history[sentAt]?.atMs ?? 0) >= decidedAtMs;
  if (link.fences.some(isLater)) judging.decide(expiryRules.keeps);
  else
    judging.wait({
      rule: expiryRules.keeps,
      pointer,
      connection,
      expected: "an answer after the old credential's end",
      decidedAtMs,
    });
}
