// What may become of a connection: from the handshake to the close and back, as the page draws it.
import { type Channel, type CloseCode, type Contract, type Operation, reconnectClasses } from "../../../spec/contract.ts";

export interface Lifecycle {
  /** Statuses of refusals before there is a WebSocket, in ascending order. */
  readonly httpRefusals: readonly number[];
  /** The message that comes first. */
  readonly first: string | undefined;
  /** Whether whoever is let in has shown a credential. */
  readonly isAuthenticated: boolean;
  /** Ids of operations that put a new credential in the place of the old one. */
  readonly renewedBy: readonly string[];
  /** What an open connection may be; what needs another comes after it. */
  readonly standings: readonly Standing[];
  /** By what the client should do next; no class without codes. */
  readonly closes: readonly { readonly next: CloseCode["reconnect"]; readonly codes: readonly LastCode[] }[];
}

/** A relation of the document, as a connection lives through it. */
export interface Standing {
  readonly name: string;
  /** How many others it needs first. */
  readonly depth: number;
  /** Ids of operations. */
  readonly begunBy: readonly string[];
  readonly endedBy: readonly string[];
  /** Operations that are refused without it. */
  readonly neededBy: readonly string[];
}

export interface LastCode {
  readonly code: number;
  readonly name: string;
  /** The handshake may end with it, before anything else was sent. */
  readonly isRefusal: boolean;
}

/** Undefined where the document says nothing of it. */
export function lifecycleOf(contract: Contract, channel: Channel): Lifecycle | undefined {
  const { handshake, closeCodes } = channel;
  const own = contract.operations.filter((operation) => operation.channel === channel.id);
  const outcomes = (handshake?.refusals ?? []).map(({ outcome }) => outcome);
  const refusing = new Set(outcomes.flatMap((outcome) => ("close" in outcome ? [outcome.close] : [])));
  const standings = standingsOf(contract, own);
  if (handshake === undefined && closeCodes.length === 0 && standings.length === 0) return undefined;
  return {
    httpRefusals: [...new Set(outcomes.flatMap((outcome) => ("http" in outcome ? [outcome.http] : [])))].sort((a, b) => a - b),
    first: handshake?.first,
    isAuthenticated: handshake?.credentials !== undefined,
    renewedBy: own.filter(({ effects }) => effects.some(({ kind }) => kind === "renew")).map(({ id }) => id),
    standings,
    closes: reconnectClasses
      .map((next) => ({
        next,
        codes: closeCodes
          .filter(({ reconnect }) => reconnect === next)
          .map(({ code, name }) => ({ code, name, isRefusal: refusing.has(code) })),
      }))
      .filter(({ codes }) => codes.length > 0),
  };
}

function standingsOf({ state }: Contract, operations: readonly Operation[]): Standing[] {
  const changing = (relation: string, kind: "add" | "remove") =>
    operations
      .filter(({ effects }) => effects.some((effect) => effect.kind === kind && effect.relation === relation))
      .map(({ id }) => id);
  const needs = (relation: string, { requires }: Operation) =>
    requires.some((one) => one.kind === "relation" && one.present && one.relation === relation);
  const names = state.relations.map(({ name }) => name);
  /** The relations that each way into this one needs. */
  const neededFor = (name: string) =>
    names.filter((other) => {
      const ways = operations.filter(({ id }) => changing(name, "add").includes(id));
      return other !== name && ways.length > 0 && ways.every((way) => needs(other, way));
    });
  const found: Standing[] = [];
  const visit = (name: string, depth: number) => {
    if (found.some((one) => one.name === name)) return;
    const neededBy = operations.filter((operation) => needs(name, operation)).map(({ id }) => id);
    found.push({ name, depth, begunBy: changing(name, "add"), endedBy: changing(name, "remove"), neededBy });
    for (const other of names) if (neededFor(other).includes(name)) visit(other, depth + 1);
  };
  for (const name of names) if (neededFor(name).length === 0) visit(name, 0);
  // What needs itself in a circle can never begin; it is told all the same.
  for (const name of names) visit(name, 0);
  return found;
}
