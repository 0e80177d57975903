// Who was in which relation, when: three-valued, because a change happened somewhere between its send and the moment it was certain.
import type { Value, Where } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "./frame.ts";
import { type Connection, type Invocation, NEVER } from "./trace.ts";

/** in: certainly. out: certainly not. maybe: it overlaps a change, or an outcome is unknown. */
export type Presence = "in" | "out" | "maybe";

interface Transition {
  /** It happened within from..until. */
  readonly from: number;
  until: number;
  readonly to: "in" | "out";
  readonly certain: boolean;
  /** The invocation that made it; undefined where the connection ended. */
  readonly invocation: Invocation | undefined;
}

/** The columns of one tuple other than `connection`. */
export type Key = ReadonlyMap<string, unknown>;

export interface Tuple {
  readonly relation: string;
  readonly connection: Connection;
  readonly key: Key;
  readonly transitions: Transition[];
}

/** Tuples that ever were, or may have been. */
export class Membership {
  readonly #tuples = new Map<string, Tuple>();

  /** The tuples of a relation whose key has at least these columns. */
  tuples(relation: string, where: Key): Tuple[] {
    return [...this.#tuples.values()].filter(
      (tuple) =>
        tuple.relation === relation &&
        [...where].every(([column, value]) => canonical(tuple.key.get(column)) === canonical(value)),
    );
  }

  tuplesOf(connection: Connection): Tuple[] {
    return [...this.#tuples.values()].filter((tuple) => tuple.connection === connection);
  }

  tuple(relation: string, connection: Connection, key: Key): Tuple {
    const name = `${relation} ${connection.id} ${canonical(Object.fromEntries(key))}`;
    const known = this.#tuples.get(name);
    if (known !== undefined) return known;
    const tuple: Tuple = { relation, connection, key, transitions: [] };
    this.#tuples.set(name, tuple);
    return tuple;
  }

  /**
   * Records what an invocation did, or may have done. Invocations come in the order of their sends.
   * @param lasts false where the server may undo it at any time, so that it is never certain
   */
  change(tuple: Tuple, invocation: Invocation, to: "in" | "out", lasts = true) {
    const certain = invocation.outcome === "ok" && lasts;
    tuple.transitions.push({ from: invocation.sentAt, until: certain ? invocation.settledAt : NEVER, to, certain, invocation });
  }

  /** Records that the connection ended: nobody but another one's message can show when its tuples went. */
  end(tuple: Tuple, from: number) {
    tuple.transitions.push({ from, until: NEVER, to: "out", certain: true, invocation: undefined });
  }

  /** Somebody saw the effect of the end: from here on it is certain. */
  sawEnd(tuple: Tuple, at: number) {
    const end = tuple.transitions.find((transition) => transition.invocation === undefined);
    if (end !== undefined && at >= end.from) end.until = Math.min(end.until, at);
  }
}

/** Whether the tuple was there during the whole of from..until. */
export function presence(tuple: Tuple, from: number, until: number): Presence {
  let now: Presence = "out";
  for (const change of tuple.transitions) {
    if (change.from > until) break;
    const over = change.until < from;
    if (now === change.to) continue;
    now = over && change.certain ? change.to : "maybe";
  }
  return now;
}

/** What its own connection knows of a tuple, in program order: after everything that it sent before `invocation`. */
export function ownPresence(tuple: Tuple, invocation: Invocation): Presence {
  let now: Presence = "out";
  for (const change of tuple.transitions) {
    // What was answered was served before the connection ended.
    if (change.invocation === undefined && invocation.reply !== undefined) continue;
    const mine = change.invocation !== undefined && change.invocation.connection === invocation.connection;
    if (mine ? change.invocation.number >= invocation.number : change.from > invocation.settledAt) continue;
    if (now === change.to) continue;
    const done = mine ? change.certain : change.certain && change.until < invocation.sentAt;
    now = done ? change.to : "maybe";
  }
  return now;
}

/** The tuple as its own connection knows it once the invocation is done. */
export function ownPresenceAfter(tuple: Tuple, invocation: Invocation): Presence {
  const mine = tuple.transitions.findLast((change) => change.invocation === invocation);
  return mine === undefined ? ownPresence(tuple, invocation) : mine.certain ? mine.to : "maybe";
}

/** Whether the tuple was there when its connection ended. */
export function presenceAtEnd(tuple: Tuple): Presence {
  let now: Presence = "out";
  for (const change of tuple.transitions) {
    if (change.invocation === undefined) break;
    if (now !== change.to) now = change.certain ? change.to : "maybe";
  }
  return now;
}

/** Of several tuples that each suffice. */
export const strongest = (states: readonly Presence[]): Presence =>
  states.includes("in") ? "in" : states.includes("maybe") ? "maybe" : "out";

/** When the connection gave the tuple up for the first time after `at`, or ended; NEVER where it did not. */
export function departure(tuple: Tuple, at: number): number {
  return tuple.transitions.find((change) => change.to === "out" && change.from > at)?.from ?? NEVER;
}

/** Whether the connection was there during the whole of from..until. */
export function connectionPresence(connection: Connection, from: number, until: number): Presence {
  // The server may serve it before we see the first message.
  const ready = connection.readyAt;
  if (connection.openAt > until) return "out";
  if (ready >= from) return "maybe";
  return connection.endFrom > until ? "in" : "maybe";
}

/** What values mean for one invocation, or for the tuple of a connection that ends. */
export interface Scope {
  readonly connection: Pick<Connection, "attributes" | "http">;
  readonly frame: unknown;
  readonly key: Key;
  /** The reply to the invocation, for values that the server makes. */
  readonly reply?: unknown;
}

export function scopeOf({ connection, frame, reply }: Invocation): Scope {
  return { connection, frame, key: new Map(), reply: reply?.frame };
}

/** What a value stands for; undefined where the frame has nothing there. `count` has no value of its own. */
export function resolve(value: Value, scope: Scope): unknown {
  switch (value.kind) {
    case "literal":
      return value.value;
    case "message":
      return lookup(scope.frame, value.pointer);
    case "sender":
      return scope.connection.attributes.get(value.attribute);
    case "column":
      return scope.key.get(value.name);
    case "header":
      return scope.connection.http?.headers[value.name];
    case "parameter":
      return scope.connection.http?.parameters.get(value.name);
    case "reply":
      return lookup(scope.reply, value.pointer);
    // They stand for many tuples, and are compared with those.
    case "count":
    case "list":
    case "relation":
      return undefined;
  }
}

/** The key that `where` names. The column `connection` is left out: it is the sender. */
export function resolveKey(where: Where, scope: Scope): Key {
  return new Map(
    [...where].filter(([column]) => column !== "connection").map(([column, value]) => [column, resolve(value, scope)]),
  );
}
