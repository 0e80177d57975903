// What a history shows, as data: connections, what each sent and received, and when effects were certain.
import type { ErrorValue, Message, Operation } from "../../spec/contract.ts";
import type { History, HttpCall } from "./history.ts";
import type { Accepts } from "./recognise.ts";

/** A moment is an index into the history. NEVER: it did not happen in this history. */
export const NEVER = Number.POSITIVE_INFINITY;

/** What the harness knows and the history does not say. */
export interface Knowledge {
  /** The claims of the credential that a user of the history connected with. */
  readonly claimsOf: (user: string) => ReadonlyMap<string, unknown>;
  /** Credential as sent -> what it is. A value that is missing here is not checked. */
  readonly credentials: ReadonlyMap<string, CredentialFacts>;
  /** When the credential that the connection opened with expires, in ms of the history; undefined: not within the run. */
  readonly expiryOf?: (connection: number) => number | undefined;
  /** The target was alive then, and all that it had sent is in the history, in ms of the history; default: nothing is known of it. */
  readonly aliveAtMs?: number;
  /** Whether the frame keeps the schema of the message. Without it every frame with a known tag counts as valid. */
  readonly accepts?: Accepts;
  /** How long a promised reply may take where no fence proves it missing, in ms. Default: nothing proves it. */
  readonly replyWithinMs?: number;
  /** Whether something outside of this history may have caused the frame at all connections, such as another case of the run. */
  readonly elsewhere?: (message: string, frame: unknown) => boolean;
  /** Shorter deadline for deliveries than the contract's, in ms; used while shrinking. */
  readonly deadlineMs?: number;
}

export interface CredentialFacts {
  readonly good: boolean;
  readonly claims: ReadonlyMap<string, unknown>;
  /** When it expires, in ms of the history; undefined: not within the run. */
  readonly expiresAtMs?: number;
}

/** One connection. A reconnect is another one. */
export interface Connection {
  readonly id: number;
  readonly node: string;
  readonly user: string;
  readonly openAt: number;
  /** When the handshake's first message came; where there is none, when it opened. */
  readyAt: number;
  first: unknown;
  readonly attributes: Map<string, unknown>;
  /** When we began to close it. What it receives later is not checked: it may or may not reach us. */
  hungUpAt: number;
  closedAt: number;
  closeCode: number | undefined;
  /** The earliest moment at which the server may have ended it; NEVER where nothing ended it. Known once `recordEnds` has run. */
  endFrom: number;
  /** One request over HTTP: it is no connection, has one invocation, and receives nothing but its answer. */
  readonly http: HttpCall | undefined;
  readonly invocations: Invocation[];
  readonly fences: Fence[];
  /** Requests that were answered: the connection was served then. */
  readonly answered: Fence[];
  readonly received: Received[];
}

/** A fence that was answered. It speaks for its own connection alone. */
export interface Fence {
  readonly sentAt: number;
  readonly answeredAt: number;
}

export interface Received {
  readonly at: number;
  readonly frame: unknown;
  readonly message: Message | undefined;
  /** It came as an item of an array. */
  readonly inBatch: boolean;
  /** It answers this invocation, so it is no delivery. */
  readonly invocation: Invocation | undefined;
}

/** One frame that a client sent. */
export interface Invocation {
  readonly number: number;
  readonly connection: Connection;
  readonly sentAt: number;
  readonly frame: unknown;
  readonly message: Message | undefined;
  readonly operation: Operation | undefined;
  /** Why it is no message of the protocol: an ErrorCode's `when`. */
  readonly malformed: "not-json" | "unknown-type" | "not-in-schema" | undefined;
  readonly id: unknown;
  /** Another invocation with the same id waited at the same time, so a reply cannot be told to be its own. */
  ambiguous: boolean;
  /** The array that it was sent in, and its index there. */
  readonly batch: { readonly size: number; readonly index: number } | undefined;
  reply: Reply | undefined;
  /** Further frames that answer it. */
  readonly extraReplies: number[];
  /** Frames that carry its id and are no message of the protocol. */
  readonly unrecognised: number[];
  /** An error without an id was taken to answer it. */
  looseErrorAt: number | undefined;
  outcome: "ok" | "fail" | "info";
  /** From here on its effects are certain: its reply, or where it has none the reply to a later fence of the same connection. */
  settledAt: number;
}

export interface Reply {
  readonly at: number;
  readonly frame: unknown;
  readonly message: Message;
  /** The error code; undefined where the reply is no error. */
  readonly error: ErrorValue | undefined;
  /** The frame is this message as well. */
  readonly both: Message | undefined;
  readonly inBatch: boolean;
}

export interface Trace {
  readonly history: History;
  /** Without requests over HTTP. */
  readonly connections: ReadonlyMap<number, Connection>;
  readonly invocations: readonly Invocation[];
}

/** Whether the document promises a reply to this request. */
export function promisesReply({ operation, id }: Pick<Invocation, "operation" | "id">): boolean {
  const correlated = id !== undefined && id !== null;
  return operation?.reply !== undefined && (operation.replyWhen === "always" || correlated);
}
