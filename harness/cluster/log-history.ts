// The history of a cluster run, in Jepsen's words: operations with invocation and completion, and what each session saw of a log.
import type { ErrorValue } from "../../spec/contract.ts";

export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** One publish of one client. Its uid stands in the message and nowhere else in the run. */
export interface Publish {
  readonly uid: string;
  readonly client: number;
  readonly node: number;
  readonly key: string;
  /** From the start of the run, monotonic, as all times here. */
  readonly invokedAtMs: number;
  /** When the reply came; undefined for `info`. */
  readonly endedAtMs: number | undefined;
  /** ok: acknowledged. fail: refused, so it has not happened. info: no reply came; whether it happened is unknown. */
  readonly outcome: "ok" | "fail" | "info";
  /** Where the reply says it stands. */
  readonly at: Position | undefined;
  /** Of a refusal. */
  readonly code: ErrorValue | undefined;
}

/** One event of the log, as one session saw it. */
export interface Seen {
  readonly at: Position;
  /** The message's name. */
  readonly message: string;
  /** What makes it this event and no other: all of the message but its time. */
  readonly identity: string;
  /** Of a publish of this run. */
  readonly uid: string | undefined;
  /** What a relation's count is after it, where it says so, and by how much the event changes it. */
  readonly count: number | undefined;
  readonly changes: -1 | 0 | 1;
  readonly atMs: number;
}

/** One membership of one connection: from its join to its end. */
export interface Session {
  readonly client: number;
  readonly node: number;
  readonly key: string;
  /** Where the log stood at the join; its own join is the event at that place, or before it. */
  readonly joinedAt: Position;
  readonly joinedAtMs: number;
  readonly count: number | undefined;
  /** The position that it came back with; undefined where it began anew. */
  readonly since: Position | undefined;
  /** Whether the server said that all after `since` follows. */
  readonly recovered: boolean | undefined;
  readonly seen: readonly Seen[];
  /** undefined: still open at the end. */
  readonly closeCode: number | undefined;
  readonly endedAtMs: number | undefined;
}

/** One handshake with a credential whose issuer's clock is off. */
export interface ClockDial {
  readonly node: number;
  readonly atMs: number;
  readonly endedAtMs: number;
  /** Which clock it is. */
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
  /** undefined: the answer says nothing of the credential, as that of a node which is down. */
  readonly kept: boolean | undefined;
}

export interface LogHistory {
  readonly publishes: readonly Publish[];
  readonly sessions: readonly Session[];
  readonly clockDials: readonly ClockDial[];
  /** What was done to the cluster. */
  readonly faults: readonly {
    readonly what: string;
    readonly node: number | undefined;
    readonly atMs: number;
    readonly endedAtMs: number;
  }[];
  /** What a picture calls the URLs, by index. Default: `node 0` and so on. */
  readonly nodeNames?: readonly string[] | undefined;
  /** Keys whose every open session was seen to reach one common sentinel after all faults. */
  readonly settled: ReadonlySet<string>;
}

/** What breaks a promise, and the operations and sessions that show it. */
export interface Anomaly {
  readonly check: Check;
  readonly expected: string;
  readonly actual: string;
  readonly publishes: readonly Publish[];
  readonly sights: readonly { readonly session: Session; readonly seen: Seen | undefined }[];
  readonly dials?: readonly ClockDial[];
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

/** observed: how many facts the check looked at; 0 proves nothing. */
export interface Verdict {
  readonly observed: number;
  readonly anomalies: readonly Anomaly[];
}
