// The validities of a connection's credentials, and since when the server may have ended it.
import type { Limit } from "../../spec/contract.ts";
import { resolve, scopeOf } from "./membership.ts";
import { type Evaluation, limitInForce } from "./outcomes.ts";
import { type Connection, type Invocation, NEVER } from "./trace.ts";

/** Clocks are read in whole milliseconds, at both ends. */
export const clockMs = 5;

/** A credential of one connection. */
export interface CredentialValidity {
  /** Infinity: not within the run. */
  readonly expiresAtMs: number;
  /** The renewal that brought it; undefined where the connection opened with it. */
  readonly invocation: Invocation | undefined;
}

export interface Validities {
  /** One of these is in force: more than one where the outcome of a renewal is not known. */
  readonly inForce: readonly CredentialValidity[];
  /** Certainly no longer in force. */
  readonly replaced: readonly CredentialValidity[];
}

export type Grace = Extract<Limit, { kind: "credential-grace" }> & { readonly close: number };

export function graceOf({ protocol }: Pick<Evaluation, "protocol">): Grace | undefined {
  return protocol.channel.limits.find((limit): limit is Grace => limit.kind === "credential-grace" && limit.close !== undefined);
}

/** The credentials of the connection as they were at the moment `at`; undefined where one of them is not known to us. */
export function validitiesAt({ knowledge }: Evaluation, connection: Connection, at: number): Validities | undefined {
  let inForce: CredentialValidity[] = [{ expiresAtMs: knowledge.expiryOf?.(connection.id) ?? NEVER, invocation: undefined }];
  let replaced: CredentialValidity[] = [];
  for (const invocation of connection.invocations) {
    const renewal = invocation.operation?.effects.find((effect) => effect.kind === "renew");
    if (renewal === undefined || invocation.outcome === "fail" || invocation.sentAt > at) continue;
    const token = resolve(renewal.credential, scopeOf(invocation));
    const facts = typeof token === "string" ? knowledge.credentials.get(token) : undefined;
    if (facts === undefined) return undefined;
    const validity: CredentialValidity = { expiresAtMs: facts.expiresAtMs ?? NEVER, invocation };
    if (invocation.outcome === "ok" && invocation.settledAt < at) {
      replaced = [...replaced, ...inForce];
      inForce = [validity];
    } else inForce.push(validity);
  }
  return { inForce, replaced };
}

export const earliest = (validities: readonly CredentialValidity[]) =>
  Math.min(...validities.map(({ expiresAtMs }) => expiresAtMs));
export const latest = (validities: readonly CredentialValidity[]) =>
  Math.max(...validities.map(({ expiresAtMs }) => expiresAtMs));

/** Says of each connection since when the others may have been told that it ended. */
export function recordEnds(evaluation: Evaluation) {
  for (const connection of evaluation.trace.connections.values()) connection.endFrom = endFrom(evaluation, connection);
}

function endFrom(evaluation: Evaluation, connection: Connection): number {
  const over = graceOver(evaluation, connection);
  if (connection.hungUpAt < connection.closedAt) return Math.min(connection.hungUpAt, over);
  // The others may have been told already.
  if (connection.closedAt === NEVER) return over;
  // It was open when the server took the last request that it answered. What it received says less: others are read before it.
  const served = Math.max(
    connection.openAt,
    ...connection.invocations.filter(({ reply }) => reply !== undefined).map(({ sentAt }) => sentAt),
  );
  return connection.closeCode === graceOf(evaluation)?.close && over < connection.closedAt ? Math.max(served, over) : served;
}

/** The last moment before the end of a credential could close the connection; NEVER where that has not come yet. */
function graceOver(evaluation: Evaluation, connection: Connection): number {
  const { history } = evaluation.trace;
  const grace = graceOf(evaluation);
  const validities = grace === undefined ? undefined : validitiesAt(evaluation, connection, connection.closedAt);
  if (grace === undefined || validities === undefined) return NEVER;
  const overMs = earliest(validities.inForce) + limitInForce(grace, connection) - clockMs;
  if (overMs > (history.at(-1)?.atMs ?? 0)) return NEVER;
  return Math.max(
    0,
    history.findLastIndex(({ atMs }) => atMs < overMs),
  );
}
