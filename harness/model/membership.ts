// Who was in which relation, when: three-valued, because a change happened somewhere between its send and the moment it was certain.
import type { Value, Where } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "./frame.ts";
import { type Act, type Link, NEVER } from "./recording.ts";

/** in: certainly. out: certainly not. maybe: it overlaps a change, or an outcome is unknown. */
export type Presence = "in" | "out" | "maybe";

interface Transition {
  /** It happened within from..until. */
  readonly from: number;
  until: number;
  readonly to: "in" | "out";
  readonly certain: boolean;
  /** The act that made it; undefined where the connection ended. */
  readonly act: Act | undefined;
}

/** The columns of one tuple other than `connection`. */
export type Key = ReadonlyMap<string, unknown>;

export interface Row {
  readonly relation: string;
  readonly link: Link;
  readonly key: Key;
  readonly transitions: Transition[];
}

/** Tuples that ever were, or may have been. */
export class Membership {
  readonly #rows = new Map<string, Row>();

  /** The rows of a relation whose key has at least these columns. */
  rows(relation: string, where: Key): Row[] {
    return [...this.#rows.values()].filter(
      (row) =>
        row.relation === relation && [...where].every(([column, value]) => canonical(row.key.get(column)) === canonical(value)),
    );
  }

  rowsOf(link: Link): Row[] {
    return [...this.#rows.values()].filter((row) => row.link === link);
  }

  row(relation: string, link: Link, key: Key): Row {
    const name = `${relation} ${link.id} ${canonical(Object.fromEntries(key))}`;
    const known = this.#rows.get(name);
    if (known !== undefined) return known;
    const row: Row = { relation, link, key, transitions: [] };
    this.#rows.set(name, row);
    return row;
  }

  /**
   * Records what an act did, or may have done. Acts come in the order of their sends.
   * @param lasts false where the server may undo it at any time, so that it is never certain
   */
  change(row: Row, act: Act, to: "in" | "out", lasts = true) {
    const certain = act.outcome === "done" && lasts;
    row.transitions.push({ from: act.sentAt, until: certain ? act.settledAt : NEVER, to, certain, act });
  }

  /** Records that the connection ended: nobody but another one's message can show when its tuples went. */
  end(row: Row, from: number) {
    row.transitions.push({ from, until: NEVER, to: "out", certain: true, act: undefined });
  }

  /** Somebody saw the effect of the end: from here on it is certain. */
  sawEnd(row: Row, at: number) {
    const end = row.transitions.find((transition) => transition.act === undefined);
    if (end !== undefined && at >= end.from) end.until = Math.min(end.until, at);
  }
}

/** Whether the tuple was there during the whole of from..until. */
export function presence(row: Row, from: number, until: number): Presence {
  let now: Presence = "out";
  for (const change of row.transitions) {
    if (change.from > until) break;
    const over = change.until < from;
    if (now === change.to) continue;
    now = over && change.certain ? change.to : "maybe";
  }
  return now;
}

/** What its own connection knows of a tuple, in program order: after everything that it sent before `act`. */
export function ownPresence(row: Row, act: Act): Presence {
  let now: Presence = "out";
  for (const change of row.transitions) {
    // What was answered was served before the connection ended.
    if (change.act === undefined && act.reply !== undefined) continue;
    const mine = change.act !== undefined && change.act.link === act.link;
    if (mine ? change.act.number >= act.number : change.from > act.settledAt) continue;
    if (now === change.to) continue;
    const done = mine ? change.certain : change.certain && change.until < act.sentAt;
    now = done ? change.to : "maybe";
  }
  return now;
}

/** Whether the tuple was there when its connection ended. */
export function presenceAtEnd(row: Row): Presence {
  let now: Presence = "out";
  for (const change of row.transitions) {
    if (change.act === undefined) break;
    if (now !== change.to) now = change.certain ? change.to : "maybe";
  }
  return now;
}

/** When the connection gave the tuple up for the first time after `at`, or ended; NEVER where it did not. */
export function departure(row: Row, at: number): number {
  return row.transitions.find((change) => change.to === "out" && change.from > at)?.from ?? NEVER;
}

/** Whether the connection was there during the whole of from..until. */
export function linkPresence(link: Link, from: number, until: number): Presence {
  // The server may serve it before we see the first message.
  const ready = link.readyAt;
  if (link.openAt > until) return "out";
  if (ready >= from) return "maybe";
  return link.endFrom > until ? "in" : "maybe";
}

/** What values mean for one act, or for the tuple of a connection that ends. */
export interface Scope {
  readonly link: Link;
  readonly frame: unknown;
  readonly key: Key;
}

/** What a value stands for; undefined where the frame has nothing there. `count` has no value of its own. */
export function resolve(value: Value, scope: Scope): unknown {
  switch (value.kind) {
    case "literal":
      return value.value;
    case "message":
      return lookup(scope.frame, value.pointer);
    case "sender":
      return scope.link.attributes.get(value.attribute);
    case "column":
      return scope.key.get(value.name);
    case "header":
      return scope.link.http?.headers[value.name];
    case "parameter":
      return scope.link.http?.parameters.get(value.name);
    case "count":
      return undefined;
  }
}

/** The key that `where` names. The column `connection` is left out: it is the sender. */
export function resolveKey(where: Where, scope: Scope): Key {
  return new Map(
    [...where].filter(([column]) => column !== "connection").map(([column, value]) => [column, resolve(value, scope)]),
  );
}
