// The history of a cluster run: publishes with invocation and completion, and the events that each subscription observed.
import type { ErrorValue } from "../../spec/contract.ts";
import type { Violation } from "../schema/errors.ts";

export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** One publish of one client. Its uid is in this message and in no other of the run. */
export interface Publish {
  readonly uid: string;
  readonly client: number;
  readonly node: number;
  readonly key: string;
  /** From the start of the run, monotonic, as all times here. */
  readonly invokedAtMs: number;
  /** When the reply came; undefined for `info`. */
  readonly endedAtMs: number | undefined;
  /** ok: acknowledged. fail: rejected, so it has not happened. info: no reply came, so whether it happened is unknown. */
  readonly outcome: "ok" | "fail" | "info";
  /** The acknowledged position. */
  readonly at: Position | undefined;
  /** The error code of a rejection. */
  readonly code: ErrorValue | undefined;
}

/** One event of the log, as one subscription observed it. */
export interface ObservedEvent {
  readonly at: Position;
  /** The message's name. */
  readonly message: string;
  /** Equal for the same event at all observers: the message without its time. */
  readonly identity: string;
  /** The publish of this run that it delivers. */
  readonly uid: string | undefined;
  /** The count that the event carries, and by how much the event changes it. */
  readonly count: number | undefined;
  readonly changes: -1 | 0 | 1;
  readonly atMs: number;
}

/** One connection in one log, from its join to its end. */
export interface Subscription {
  readonly client: number;
  readonly node: number;
  readonly key: string;
  /** The position of the log at the join; the event of its own join has this position or an earlier one. */
  readonly joinedAt: Position;
  readonly joinedAtMs: number;
  readonly count: number | undefined;
  /** The position that it resumed from; undefined where it joined without one. */
  readonly since: Position | undefined;
  /** Whether the server said that everything after `since` follows. */
  readonly recovered: boolean | undefined;
  readonly seen: readonly ObservedEvent[];
  /** undefined: still open at the end. */
  readonly closeCode: number | undefined;
  readonly endedAtMs: number | undefined;
}

/** One handshake with a credential from a skewed clock. */
export interface SkewedHandshake {
  readonly node: number;
  readonly atMs: number;
  readonly endedAtMs: number;
  /** Which clock it is. */
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
  /** Whether the answer is the declared one; undefined where it says nothing of the credential, as from a node that is down. */
  readonly asDeclared: boolean | undefined;
}

export interface LogHistory {
  readonly publishes: readonly Publish[];
  readonly subscriptions: readonly Subscription[];
  readonly skewedHandshakes: readonly SkewedHandshake[];
  /** Why no client could join, where none could. */
  readonly joinFailure?: Violation | undefined;
  /** The injected faults. */
  readonly faults: readonly {
    readonly what: string;
    readonly node: number | undefined;
    readonly atMs: number;
    readonly endedAtMs: number;
  }[];
  /** What a picture calls the URLs, by index. Default: `node 0` and so on. */
  readonly nodeNames?: readonly string[] | undefined;
  /** Keys of which every open subscription has observed one common sentinel after all faults. */
  readonly settled: ReadonlySet<string>;
}

/** A broken promise, and the publishes and subscriptions that show it. */
export interface Anomaly {
  readonly check: Check;
  readonly expected: string;
  readonly actual: string;
  readonly publishes: readonly Publish[];
  readonly observations: readonly { readonly subscription: Subscription; readonly seen: ObservedEvent | undefined }[];
  readonly handshakes?: readonly SkewedHandshake[];
}

export const checks = [
  "unexpected",
  "lost",
  "duplicated",
  "inconsistent-offset",
  "non-contiguous",
  "sender-order",
  "real-time-order",
  "member-count",
  "membership",
  "convergence",
  "rejected-but-delivered",
  "epoch-change-unsignalled",
  "credential-clock",
] as const;
export type Check = (typeof checks)[number];

/** observed: how many facts the check looked at. 0 proves nothing. */
export interface Verdict {
  readonly observed: number;
  readonly anomalies: readonly Anomaly[];
}
