// What the x- keys of a document say and AsyncAPI cannot: state, errors, handshake, heartbeat, limits, close codes, delivery, effects.
import type { DocumentPointer, Pointer } from "./pointer.ts";
import type { JsonSchema } from "./schema-walk.ts";

/** A value in an effect or requirement, written as a literal or as a string that begins with `$`. */
export type Value =
  | { readonly kind: "literal"; readonly value: unknown }
  /** `$message.payload#/payload/room` */
  | { readonly kind: "message"; readonly pointer: Pointer }
  /** `$message.header#/Idempotency-Key` */
  | { readonly kind: "header"; readonly name: string }
  /** `$sender.clientId`: an attribute (State.attributes) of the connection that acts. */
  | { readonly kind: "sender"; readonly attribute: string }
  /** `$channel.room`: a parameter of the channel's address. */
  | { readonly kind: "parameter"; readonly name: string }
  /** `$column.room`: in onDisconnect, the column of the tuple that goes. */
  | { readonly kind: "column"; readonly name: string }
  /** `$count.member`: tuples of the relation that share the key of the effect, after it. */
  | { readonly kind: "count"; readonly relation: string }
  /** `$reply#/result`: a value that the server made and said in its reply. */
  | { readonly kind: "reply"; readonly pointer: Pointer }
  /** `$relation.download.gid`: this column of any tuple that the relation holds for the sender. */
  | { readonly kind: "relation"; readonly relation: string; readonly column: string }
  /**
   * `$list.member` or `$list.member.userId`: every tuple of the relation that shares the key of the effect, after it, compared as a set.
   * An item is an object of attributes and columns by name; with `item`, that attribute or column alone.
   */
  | { readonly kind: "list"; readonly relation: string; readonly item: string | undefined };

/** Column name -> value. The column `connection` is the sender where it is not named. */
export type Where = ReadonlyMap<string, Value>;

/** Pointer in the outgoing message -> what stands there. */
export type Bindings = ReadonlyMap<Pointer, Value>;

export interface State {
  /** What identifies a connection, read from the handshake's first message. */
  readonly attributes: readonly Attribute[];
  readonly relations: readonly Relation[];
}

export interface Attribute {
  readonly name: string;
  readonly description: string;
  /** Where the first message says it. */
  readonly at: Pointer;
  /** Whether no two connections share a value. */
  readonly unique: boolean;
  /** The credential's claim that it comes from. */
  readonly claim: string | undefined;
}

export interface Relation {
  readonly name: string;
  readonly pointer: DocumentPointer;
  readonly description: string;
  /** `connection` first, then free names such as `room`. */
  readonly columns: readonly string[];
  /** What happens to each tuple of a connection that ends. */
  readonly onDisconnect: readonly Effect[];
}

/** An error code as it stands in a message. Equal by type and value: 1 is not "1". */
export type ErrorValue = string | number | boolean;

export function isErrorValue(value: unknown): value is ErrorValue {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

export interface Errors {
  /** The first of `replies`; without a message where errors are told by close codes alone. */
  readonly reply: ErrorReply;
  /** Every message that carries errors. Empty where errors are told by close codes alone. */
  readonly replies: readonly (ErrorReply & { readonly message: string; readonly from: DocumentPointer })[];
  readonly codes: readonly ErrorCode[];
}

export interface ErrorReply {
  /** A message's name. */
  readonly message: string | undefined;
  /** Where the error code stands in it. */
  readonly code: Pointer | undefined;
  readonly retryable: Pointer | undefined;
  readonly retryAfterMs: Pointer | undefined;
  /** Where it says which part of the refused message is wrong. */
  readonly pointer: Pointer | undefined;
}

export interface ErrorCode {
  readonly code: ErrorValue;
  /** The name in types and docs; the code itself where the document gives none. */
  readonly name: string;
  readonly pointer: DocumentPointer;
  readonly description: string;
  /** `required`: where a requirement names it. The others: for every operation. */
  readonly when: "not-json" | "not-in-schema" | "unknown-type" | "required" | "unavailable" | "internal";
  readonly retryable: boolean;
  /** The close code that the error is, or that follows its message. */
  readonly close: number | undefined;
  readonly http: number | undefined;
}

export interface Handshake {
  readonly pointer: DocumentPointer;
  /** The message that always comes first. */
  readonly first: string | undefined;
  /** Accepted ones, best first; empty where none is needed. */
  readonly subprotocols: readonly string[];
  readonly credentials: Credentials | undefined;
  readonly refusals: readonly Refusal[];
  /** The query of the URL, as the ws binding and the address say. */
  readonly query: readonly HandshakeField[];
  /** Request headers, as the ws binding says. */
  readonly headers: readonly HandshakeField[];
}

/** A query parameter or header of the handshake. */
export interface HandshakeField {
  readonly name: string;
  readonly pointer: DocumentPointer;
  readonly description: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
  /** What to send: the const, default, first example or first enum value of its schema; undefined where there is none. */
  readonly value: string | undefined;
}

export interface Credentials {
  /** `jwt` can be minted by the harness from a shared secret; `opaque` must be given. */
  readonly scheme: "jwt" | "opaque";
  readonly algorithms: readonly string[];
  readonly claims: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly value: unknown;
    readonly description: string;
  }[];
  /** In the order in which the server looks. */
  readonly carriers: readonly Carrier[];
}

export type Carrier =
  /** A cookie is the header `Cookie` with the prefix `NAME=`. */
  | { readonly in: "header"; readonly name: string; readonly prefix: string }
  | { readonly in: "subprotocol"; readonly prefix: string; readonly encoding: "plain" | "base64url" }
  | { readonly in: "query"; readonly name: string };

export const refusalTriggers = [
  "path-unknown",
  "not-an-upgrade",
  "origin-not-allowed",
  "draining",
  "subprotocol-not-acceptable",
  "credential-missing",
  "credential-invalid",
  "credential-expired",
  "claim",
  "too-many-connections",
] as const;

export interface Refusal {
  readonly pointer: DocumentPointer;
  readonly when: (typeof refusalTriggers)[number];
  /** With `when: claim`: refused where this claim holds `contains`. */
  readonly claim: string | undefined;
  readonly contains: unknown;
  /** Refused before the upgrade with this status, or after it with this close code. */
  readonly outcome: { readonly http: number; readonly headers: readonly string[] } | { readonly close: number };
}

export interface Heartbeat {
  readonly pointer: DocumentPointer;
  readonly by: "server" | "client";
  /** `ping`: WebSocket ping frames; otherwise a message's name. */
  readonly frame: string;
  readonly intervalMs: number;
  /** Each interval is shorter by up to this share, 0 to 1. */
  readonly jitter: number;
  readonly timeoutMs: number;
  readonly answeredBy: "pong" | "any-frame";
  /** The message that answers `frame`; undefined where a WebSocket pong or any frame does. */
  readonly answer: string | undefined;
  readonly close: number | undefined;
  /** Where the first message says the values in force. */
  readonly advertised: { readonly intervalMs: Pointer | undefined; readonly timeoutMs: Pointer | undefined };
}

interface LimitBase {
  /** The key under x-limits. */
  readonly name: string;
  readonly pointer: DocumentPointer;
  readonly description: string;
  readonly value: number;
  /** What happens beyond it. */
  readonly error: ErrorValue | undefined;
  readonly close: number | undefined;
  /** Where the first message says the value in force. */
  readonly advertised: Pointer | undefined;
}

export type Limit = LimitBase &
  (
    | { readonly kind: "message-bytes" }
    /** At most `value` tuples of the relation that share the column `per`. */
    | { readonly kind: "relation"; readonly relation: string; readonly per: string }
    /** At most `value` connections that share the attribute `per`. */
    | { readonly kind: "connections"; readonly per: string }
    /** At most `value` replies with one of these codes to one connection in any `windowMs`. */
    | { readonly kind: "errors"; readonly errors: readonly ErrorValue[]; readonly windowMs: number }
    | { readonly kind: "queued-bytes"; readonly forMs: number }
    /** ms after the credential's expiry. */
    | { readonly kind: "credential-grace" }
    /** ms in which the message must come after the upgrade. */
    | { readonly kind: "first-message"; readonly message: string }
  );

export interface RateLimit {
  readonly name: string;
  readonly pointer: DocumentPointer;
  readonly description: string;
  /** `connection`, or an attribute that connections may share. */
  readonly scope: string;
  readonly burst: number;
  readonly perSecond: number;
  readonly error: ErrorValue;
  readonly advertised: { readonly burst: Pointer | undefined; readonly perSecond: Pointer | undefined };
}

export const reconnectClasses = ["stop", "at-once", "back-off", "spread", "fresh-token", "rejoin"] as const;

export interface CloseCode {
  readonly code: number;
  readonly name: string;
  readonly pointer: DocumentPointer;
  readonly by: "server" | "client" | "either";
  /** What the client should do. */
  readonly reconnect: (typeof reconnectClasses)[number];
  readonly minDelayMs: number | undefined;
  /** With `spread`: where the message before the close says the time to spread over. */
  readonly spreadMsAt: Pointer | undefined;
  readonly when: string;
}

/** A frame that is an array of requests is answered by an array of their replies. */
export interface Batch {
  readonly pointer: DocumentPointer;
  /** Requests in one array; undefined where there is no limit. */
  readonly maxItems: number | undefined;
  /** The order of the replies in the array. */
  readonly replies: "in-order" | "any-order";
  /** The error code that answers an empty array, or one beyond maxItems. */
  readonly error: ErrorValue | undefined;
}

export interface Delivery {
  readonly pointer: DocumentPointer;
  /** An operation whose reply comes after the effects of all that the connection sent before. */
  readonly fence: string | undefined;
  /** Whether replies come in the order of their requests. */
  readonly replies: "in-order" | "any-order";
  readonly streams: readonly Stream[];
}

export interface Stream {
  readonly name: string;
  readonly pointer: DocumentPointer;
  readonly description: string;
  readonly messages: readonly string[];
  /** Replies that carry a position in the stream. */
  readonly replies: readonly string[];
  readonly order: "none" | "sender" | "total";
  /** What tells one log of the stream from another. */
  readonly key: Pointer | undefined;
  readonly epoch: Pointer | undefined;
  readonly seq: Pointer | undefined;
  readonly guarantee: "exactly-once" | "best-effort";
  /** How long a delivery may take where no fence closes the question, in ms. */
  readonly withinMs: number;
}

export type Requirement = { readonly pointer: DocumentPointer; readonly else: ErrorValue } & (
  | { readonly kind: "rate"; readonly limit: string }
  | { readonly kind: "relation"; readonly relation: string; readonly where: Where; readonly present: boolean }
  | { readonly kind: "limit"; readonly limit: string; readonly where: Where }
  /** The sender's own credential has this claim, and it holds the value. */
  | { readonly kind: "claim"; readonly claim: string; readonly contains: unknown }
  /** An open connection has this value as the attribute. */
  | { readonly kind: "connection"; readonly attribute: string; readonly equals: Value }
  /** The server may refuse with one of these codes for reasons that the document cannot express; `else` is the first. */
  | { readonly kind: "may"; readonly codes: readonly ErrorValue[] }
  /** The value is a good credential; of the same attribute as the sender's; without that in its claim. */
  | {
      readonly kind: "credential";
      readonly value: Value;
      readonly same: string | undefined;
      readonly lacks: { readonly claim: string; readonly value: unknown } | undefined;
    }
);

export type Audience =
  | { readonly kind: "relation"; readonly relation: string; readonly where: Where }
  | { readonly kind: "connection"; readonly attribute: string; readonly equals: Value }
  | { readonly kind: "all" };

export type Effect = {
  readonly pointer: DocumentPointer;
} /** What follows happens once per key; a repetition gets the same reply. */ & (
  | { readonly kind: "once"; readonly key: Value; readonly per: string; readonly withinMs: number }
  | { readonly kind: "add" | "remove"; readonly relation: string; readonly where: Where }
  | { readonly kind: "reply"; readonly message: string; readonly bindings: Bindings }
  | {
      readonly kind: "deliver";
      readonly message: string;
      readonly to: Audience;
      readonly sender: "included" | "excluded";
      /** `changed`: only where the add or remove before it changed something. */
      readonly when: "always" | "changed";
      readonly bindings: Bindings;
    }
  /** Sends again what the stream has after the position, or says in the reply that it cannot. */
  | { readonly kind: "replay"; readonly stream: string; readonly since: Value; readonly recovered: Pointer | undefined }
  /** The value becomes the connection's credential. */
  | { readonly kind: "renew"; readonly credential: Value }
  | { readonly kind: "close"; readonly code: number }
);
