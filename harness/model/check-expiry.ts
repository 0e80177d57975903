// Expiry: a connection whose credential has expired is closed after the grace and not before; one that renewed it in time stays open.

import { type CredentialValidity, clockMs, earliest, graceOf, latest, validitiesAt } from "./credential-validity.ts";
import type { ResultCollector } from "./evaluation-result.ts";
import { type Evaluation, limitInForce } from "./outcomes.ts";
import { type Connection, NEVER } from "./trace.ts";

export const expiryRules = { closes: "credential-expired-closes", keeps: "credential-renewed-keeps" } as const;

/** How late the close may be before it counts as missing: the target's machine, and ours, are not idle. */
const lateMs = 2_000;
/** How long after the moment at which the old credential would have closed it a connection must still be there. */
const keptMs = 500;
const invocationsOf = (validities: readonly CredentialValidity[]) =>
  validities.flatMap(({ invocation }) => (invocation === undefined ? [] : [invocation.sentAt, invocation.settledAt]));

/**
 * Checks a close by the server for which nothing else that was sent is a reason.
 * @returns false where it has nothing to do with a credential's end
 */
export function checkExpiryClose(
  evaluation: Evaluation,
  connection: Connection,
  code: number,
  collector: ResultCollector,
): boolean {
  const grace = graceOf(evaluation);
  const validities = validitiesAt(evaluation, connection, connection.closedAt);
  if (grace === undefined || validities === undefined) return false;
  const { inForce, replaced } = validities;
  if (earliest([...inForce, ...replaced]) === NEVER) return false;
  const graceMs = limitInForce(grace, connection);
  const closedAtMs = evaluation.trace.history[connection.closedAt]?.atMs ?? 0;
  const events = [connection.openAt, ...invocationsOf([...replaced, ...inForce]), connection.closedAt].filter(
    (at) => at !== NEVER,
  );
  const untimely = closedAtMs < earliest(inForce) + graceMs - clockMs;
  if (code !== grace.close) {
    if (closedAtMs < latest(inForce) + graceMs) return false;
    collector.check(false, expiryRules.closes, grace.pointer, `close ${grace.close}`, `close ${code}`, events);
    return true;
  }
  const cause = replaced.find(({ expiresAtMs }) => expiresAtMs + graceMs - clockMs <= closedAtMs);
  if (untimely && cause !== undefined) {
    const renewal = inForce[0]?.invocation?.operation;
    const expected = `an open connection: ${renewal?.id} gave it a credential that is still valid`;
    collector.check(false, expiryRules.keeps, renewal?.pointer ?? grace.pointer, expected, `close code ${code}`, events);
    return true;
  }
  const early = Math.round(earliest(inForce) + graceMs - closedAtMs);
  const when = `close ${grace.close} at the earliest ${graceMs} ms after the credential's end`;
  collector.check(!untimely, expiryRules.closes, grace.pointer, when, `${early} ms before that`, events);
  if (untimely) return true;
  for (const { invocation } of inForce) if (invocation !== undefined && cause !== undefined) collector.decide(expiryRules.keeps);
  return true;
}

/** Checks a connection that nobody has closed. */
export function checkExpiryOpen(evaluation: Evaluation, connection: Connection, collector: ResultCollector) {
  const grace = graceOf(evaluation);
  const validities = validitiesAt(evaluation, connection, NEVER);
  if (grace === undefined || validities === undefined || connection.readyAt === NEVER) return;
  const { inForce, replaced } = validities;
  const graceMs = limitInForce(grace, connection);
  const { knowledge, trace } = evaluation;
  const events = [connection.openAt, ...invocationsOf([...replaced, ...inForce])].filter((at) => at !== NEVER);
  if (latest(inForce) !== NEVER) {
    const decidedAtMs = latest(inForce) + graceMs + lateMs;
    const expected = `close ${grace.close} once the credential has expired, and ${graceMs} ms of grace after that`;
    if ((knowledge.aliveAtMs ?? 0) < decidedAtMs)
      collector.wait({ rule: expiryRules.closes, pointer: grace.pointer, connection: connection.id, expected, decidedAtMs });
    else collector.failByClock(expiryRules.closes, grace.pointer, expected, `an open connection ${lateMs} ms later`, events);
    return;
  }
  const old = replaced.filter(({ expiresAtMs }) => expiresAtMs !== NEVER);
  if (old.length === 0 || earliest(inForce) !== NEVER) return;
  const renewal = inForce[0]?.invocation?.operation;
  const pointer = renewal?.pointer ?? grace.pointer;
  const decidedAtMs = latest(old) + graceMs + keptMs;
  const isLater = ({ sentAt }: { readonly sentAt: number }) => (trace.history[sentAt]?.atMs ?? 0) >= decidedAtMs;
  if (connection.fences.some(isLater)) collector.decide(expiryRules.keeps);
  else
    collector.wait({
      rule: expiryRules.keeps,
      pointer,
      connection: connection.id,
      expected: "an answer after the old credential's end",
      decidedAtMs,
    });
}
