// What a rule gets: the contract, the target, fresh users and connections, the clock, and the count of what was judged.
import type { Carrier, Channel, Contract, ErrorValue, Heartbeat, Limit, Message, RateLimit } from "../../spec/contract.ts";
import type { Peer, Received, User, Within } from "../client/peer.ts";
import type { LogHistory } from "../cluster/log-history.ts";
import type { LogRoles } from "../cluster/log-roles.ts";
import type { HistoryEvent } from "../model/history.ts";

/** Monotonic, from the start of the run. */
export interface Clock {
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/** How a credential differs from a good one. Whatever is not named is as the contract wants it. */
export interface CredentialOptions {
  /** Claims to set; undefined leaves the claim out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** From now, default 3600; negative: expired. Whole seconds count. */
  readonly lifetimeSeconds?: number;
  /** From now; positive: not yet valid. */
  readonly notBeforeSeconds?: number;
  /** Another algorithm of JWS, signed with the same secret; `none`: unsigned. */
  readonly algorithm?: string;
  /** `other-key`: signed with another secret. `altered`: a claim was changed after signing. `cut`: the last part is missing. */
  readonly forged?: "other-key" | "altered" | "cut";
}

export interface DialOptions {
  /** Default: a fresh user. */
  readonly user?: User;
  /** Index of the URL, default 0. */
  readonly node?: number;
  /** Default: the user's; null: none. */
  readonly credential?: string | null;
  /** Default: the contract's first. */
  readonly carrier?: Carrier;
  /** More credentials beside it, each by a carrier of its own. */
  readonly also?: readonly { readonly carrier: Carrier; readonly credential: string }[];
  /** Offered ones; default the contract's. A carrier in a subprotocol adds its own. */
  readonly subprotocols?: readonly string[];
  /** Default: the run's `--origin`; null: no Origin header. */
  readonly origin?: string | null;
  /** In place of the URL's path. */
  readonly path?: string;
  /** Set or, by undefined, left out of the request. Names as they shall be written. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Default `GET`. */
  readonly method?: string;
  /** Default `HTTP/1.1`. */
  readonly httpVersion?: string;
  /** Whether to wait for the contract's first message, default true. */
  readonly awaitFirst?: boolean;
  /** Whether to send at once what a limit of kind `first-message` waits for, so that it can stay open idle. Default false. */
  readonly stays?: boolean;
  /** Bytes sent in the same packet as the request. */
  readonly early?: Uint8Array;
}

/** How the target answered a handshake. */
export type Attempt =
  | { readonly kind: "open"; readonly peer: Peer }
  /** Refused in HTTP. Header names in lower case. */
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly headers: ReadonlyMap<string, string>;
      readonly body: string;
      /** The request as it was sent. */
      readonly request: string;
    }
  /** The TCP connection ended without an answer that we could read. */
  | { readonly kind: "dropped"; readonly how: string };

export interface Target {
  /** One per node, with path. */
  readonly urls: readonly string[];
  /** What a picture calls them. Default: `node 0` and so on. */
  readonly places?: readonly string[] | undefined;
  readonly origin: string | undefined;
  /** Of the process, where we started it or were told. */
  readonly pid: number | undefined;
  /** Asks it to stop, as a deploy would; undefined where we were not told how. */
  readonly askToStop: (() => void) | undefined;
  /** The workload of the phase cluster, where the run has faults of its own to plant meanwhile. */
  readonly runCluster?: (context: Context, roles: LogRoles, progress: (text: string) => void) => Promise<LogHistory>;
  /** How the command line names it, in place of URLs, where the run has started more than the one reference server. */
  readonly flags?: string;
  /** True where it is our own reference server, started for this run. */
  readonly embedded: boolean;
}

export interface Context {
  readonly contract: Contract;
  /** The WebSocket channel under test. */
  readonly channel: Channel;
  readonly target: Target;
  readonly clock: Clock;
  /** Of the run; the only source of randomness. */
  readonly seed: number;
  /** How many random cases a phase runs, `--runs`. */
  readonly runs: number;
  /** Default deadline of everything that waits, in ms. */
  readonly timeoutMs: number;
  /** What the `prepare` of the rule's phase has gathered; undefined where it has none. */
  readonly evidence: unknown;

  /** Opens a connection, and waits for the contract's first message. @throws Violation when the target refuses or closes */
  dial(options?: DialOptions): Promise<Peer>;
  /** Opens a connection and says how the target answered. Does not wait for the first message. */
  attempt(options?: DialOptions): Promise<Attempt>;
  /** A fresh user. @throws NotTestable where ready tokens are used up or cannot have these claims */
  user(options?: CredentialOptions): Promise<User>;
  /** A credential for `name` (default fresh). @throws NotTestable where we cannot mint */
  credential(options?: CredentialOptions & { readonly name?: string }): Promise<string>;
  /** A name that is unique in the run, from a counter: `p1-room-17`. Letters, digits and `-` only. @param kind default `n` */
  fresh(kind?: string): string;
  /** An id for a request, unique in the run. */
  id(): string;

  /** The number in force: what the target advertises in its first message, else the document's. */
  effective(limit: Limit): number;
  effective(limit: RateLimit): { readonly burst: number; readonly perSecond: number };
  effective(heartbeat: Heartbeat): { readonly intervalMs: number; readonly timeoutMs: number };

  /** Names the message and says what is wrong with it. Never throws. */
  read(text: string, direction: "fromClient" | "fromServer"): Pick<Received, "name" | "value" | "json" | "wrong">;
  /** Why `value` is not this message; empty where it is. */
  wrongWith(name: string, value: unknown): readonly string[];
  message(name: string): Message;
  /** A valid message of the client that carries nothing of interest: its first example, with a fresh id. */
  example(name: string): unknown;
  /** The error code, where the message is the contract's error reply. */
  errorCode(received: Received): ErrorValue | undefined;

  /** A context of its own for one of many cases: its history holds its own connections alone, and is forgotten when it ends. */
  part(): { readonly context: Context; end(): Promise<void> };

  /** Counts what was observed and judged, beside what Peer counts by itself. @param count default 1 */
  judged(count?: number): void;
  /** A remark for the report: what could not be judged, and why. */
  note(text: string): void;
  /** What the connections of this check did so far. */
  history(): readonly HistoryEvent[];
  /** Waits until `condition` gives a value, looking again at every event of this check. @throws Violation after the deadline */
  until<T>(expected: string, condition: () => T | undefined, within?: Within): Promise<T>;
}
