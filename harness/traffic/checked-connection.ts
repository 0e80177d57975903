// What `check` remembers of one connection, all of it bounded.
import type { Operation } from "../../spec/contract.ts";
import type { TrafficEvent } from "./traffic-event.ts";

/** A request that waits for its reply, or that was answered a short time ago. */
export interface Pending {
  readonly id: unknown;
  readonly event: TrafficEvent;
  readonly frame: unknown;
  /** Undefined where the frame was malformed. */
  readonly operation: Operation | undefined;
  readonly malformed: boolean;
  /** Among the requests of the connection. */
  readonly number: number;
  readonly promised: boolean;
  /** Another request with the same id waited at the same time. */
  ambiguous: boolean;
  answered: boolean;
  /** A later fence was answered before. */
  overtaken: TrafficEvent | undefined;
}

export type Known = "in" | "out" | "maybe";

/** Where the connection is in a log. */
export interface Cursor {
  epoch: unknown;
  next: number | undefined;
  /** Up to here what was seen may come again. */
  again: number;
  /** Positions of its own events, which may not be sent to it. */
  readonly own: Set<number>;
  /** From here on every position was seen, but for the gaps. */
  from: number;
  readonly gaps: Set<number>;
  /** It caused events whose positions are not known. */
  blind: boolean;
}

const maxRecent = 40;
const maxPending = 10_000;
const maxKeys = 10_000;

export class CheckedConnection {
  readonly id: number;
  /** Empty where it is not known. */
  user: string;
  readonly opened: Extract<TrafficEvent, { kind: "open" }>;
  first: unknown;
  hasFirst = false;
  received = 0;
  requests = 0;
  hungUp = false;
  /** Frames were sent that the history does not have as messages. */
  opaque = false;
  /** The history does not know its state any more: too much of it waits. */
  overflowed = false;
  readonly attributes = new Map<string, unknown>();
  /** Canonical id -> the request. */
  readonly byId = new Map<string, Pending>();
  /** Requests without an answer, oldest first. */
  readonly waiting = new Set<Pending>();
  /** Relation and key -> own state. */
  readonly relations = new Map<string, Known>();
  readonly cursors = new Map<string, Cursor>();
  /** Rate limit -> what is left and when, as the client side counts it. */
  readonly buckets = new Map<string, { left: number; atMs: number }>();
  /** Requests that count against a rate limit. */
  readonly spent = new Map<string, number>();
  readonly #recent: TrafficEvent[] = [];
  #next = 0;

  constructor(id: number, user: string, opened: Extract<TrafficEvent, { kind: "open" }>) {
    this.id = id;
    this.user = user;
    this.opened = opened;
  }

  /** The last events, oldest first. */
  recent(): readonly TrafficEvent[] {
    return [...this.#recent.slice(this.#next), ...this.#recent.slice(0, this.#next)];
  }

  remember(event: TrafficEvent): void {
    this.#recent[this.#next] = event;
    this.#next = (this.#next + 1) % maxRecent;
  }

  ask(pending: Pending, key: string | undefined): void {
    this.waiting.add(pending);
    if (key !== undefined) this.byId.set(key, pending);
    if (this.waiting.size > maxPending) this.overflowed = true;
    for (const [old, one] of this.byId) {
      if (this.byId.size <= maxPending) break;
      this.byId.delete(old);
      this.waiting.delete(one);
    }
    if (this.waiting.size > maxPending) this.waiting.clear();
    if (this.relations.size > maxKeys || this.cursors.size > maxKeys) {
      this.overflowed = true;
      this.relations.clear();
      this.cursors.clear();
    }
  }
}
