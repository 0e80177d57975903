// The terms of a connection's credentials, and since when the server may have ended it.
import type { Limit } from "../../spec/contract.ts";
import { resolve } from "./membership.ts";
import { limitInForce, type World } from "./outcomes.ts";
import { type Act, type Link, NEVER } from "./recording.ts";

/** Clocks are read in whole milliseconds, at both ends. */
export const clockMs = 5;

/** A credential of one connection. */
export interface Term {
  /** Infinity: not within the run. */
  readonly expiresAtMs: number;
  /** The renewal that brought it; undefined where the connection opened with it. */
  readonly act: Act | undefined;
}

export interface Terms {
  /** One of these is in force: more than one where the outcome of a renewal is not known. */
  readonly inForce: readonly Term[];
  /** Certainly no longer in force. */
  readonly replaced: readonly Term[];
}

type Grace = Extract<Limit, { kind: "credential-grace" }> & { readonly close: number };

export function graceOf({ protocol }: Pick<World, "protocol">): Grace | undefined {
  return protocol.channel.limits.find((limit): limit is Grace => limit.kind === "credential-grace" && limit.close !== undefined);
}

/** The credentials of the connection as they were at the moment `at`; undefined where one of them is not known to us. */
export function termsAt({ knowledge }: World, link: Link, at: number): Terms | undefined {
  let inForce: Term[] = [{ expiresAtMs: knowledge.expiryOf?.(link.id) ?? NEVER, act: undefined }];
  let replaced: Term[] = [];
  for (const act of link.acts) {
    const renewal = act.operation?.effects.find((effect) => effect.kind === "renew");
    if (renewal === undefined || act.outcome === "refused" || act.sentAt > at) continue;
    const token = resolve(renewal.credential, { link, frame: act.frame, key: new Map() });
    const facts = typeof token === "string" ? knowledge.credentials.get(token) : undefined;
    if (facts === undefined) return undefined;
    const term: Term = { expiresAtMs: facts.expiresAtMs ?? NEVER, act };
    if (act.outcome === "done" && act.settledAt < at) {
      replaced = [...replaced, ...inForce];
      inForce = [term];
    } else inForce.push(term);
  }
  return { inForce, replaced };
}

export const earliest = (terms: readonly Term[]) => Math.min(...terms.map(({ expiresAtMs }) => expiresAtMs));
export const latest = (terms: readonly Term[]) => Math.max(...terms.map(({ expiresAtMs }) => expiresAtMs));

/** Says of each connection since when the others may have been told that it ended. */
export function recordEnds(world: World) {
  for (const link of world.recording.links.values()) link.endFrom = endFrom(world, link);
}

function endFrom(world: World, link: Link): number {
  const over = graceOver(world, link);
  if (link.hungUpAt < link.closedAt) return Math.min(link.hungUpAt, over);
  // The others may have been told already.
  if (link.closedAt === NEVER) return over;
  // It was open when the server took the last request that it answered. What it received says less: others are read before it.
  const served = Math.max(link.openAt, ...link.acts.filter(({ reply }) => reply !== undefined).map(({ sentAt }) => sentAt));
  return link.closeCode === graceOf(world)?.close && over < link.closedAt ? Math.max(served, over) : served;
}

/** The last moment before the end of a credential could close the connection; NEVER where that has not come yet. */
function graceOver(world: World, link: Link): number {
  const { history } = world.recording;
  const grace = graceOf(world);
  const terms = grace === undefined ? undefined : termsAt(world, link, link.closedAt);
  if (grace === undefined || terms === undefined) return NEVER;
  const overMs = earliest(terms.inForce) + limitInForce(grace, link) - clockMs;
  if (overMs > (history.at(-1)?.atMs ?? 0)) return NEVER;
  return Math.max(
    0,
    history.findLastIndex(({ atMs }) => atMs < overMs),
  );
}
