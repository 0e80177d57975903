// The Contract: everything a document says, as plain data. Generation, docs, lint, diff, harness and load read it; nothing else reads YAML.

/** JSON Schema (draft 07 and AsyncAPI's superset) as it stands in the document. `$ref` is kept, always as `#/definitions/NAME`. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** RFC 6901 pointer into one message, such as `/payload/room`; the empty string is the whole message. */
export type Pointer = string;

/** Fragment that says where in the document a thing stands, such as `#/channels/rooms/x-heartbeat`. */
export type DocumentPointer = string;

export interface Contract {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  /** The document's path as it was given, for messages to people. */
  readonly file: string;
  /** The version the document was written in, such as `3.0.0` or `2.6.0`. */
  readonly asyncapi: string;
  /** Whose `send` and `receive` the document speaks of. The Contract itself always speaks as the server. */
  readonly perspective: "server" | "client";
  readonly servers: readonly Server[];
  readonly channels: readonly Channel[];
  readonly operations: readonly Operation[];
  /** Every message once, in the order of the document. */
  readonly messages: readonly Message[];
  /** What `$ref: "#/definitions/NAME"` means, in the order of the document. */
  readonly definitions: ReadonlyMap<string, JsonSchema>;
  readonly state: State;
  readonly errors: Errors | undefined;
}

export interface Server {
  readonly name: string;
  /** `ws`, `wss`, `http` and so on, as it is written. */
  readonly protocol: string;
  readonly host: string;
  readonly pathname: string;
  readonly description: string;
}

export interface Channel {
  /** The key under `channels`. */
  readonly id: string;
  readonly pointer: DocumentPointer;
  readonly kind: "websocket" | "http" | "other";
  /** The path, with `{parameters}`. `/` where the document has none. */
  readonly address: string;
  readonly title: string;
  readonly description: string;
  readonly parameters: readonly { readonly name: string; readonly description: string; readonly values: readonly string[] }[];
  /** Names of Contract.messages. */
  readonly messages: readonly string[];
  readonly handshake: Handshake | undefined;
  readonly heartbeat: Heartbeat | undefined;
  readonly limits: readonly Limit[];
  readonly rateLimits: readonly RateLimit[];
  readonly closeCodes: readonly CloseCode[];
  readonly delivery: Delivery | undefined;
}

export interface Message {
  /** Unique in the Contract; the key under components/messages where there is one. */
  readonly name: string;
  readonly pointer: DocumentPointer;
  readonly summary: string;
  readonly description: string;
  readonly contentType: string;
  /** What a frame holds. Only `json` messages are judged by their schema. */
  readonly format: "json" | "text" | "binary";
  readonly payload: JsonSchema;
  readonly headers: JsonSchema | undefined;
  /** Where the id stands that ties a reply to its request (`correlationId.location`). */
  readonly correlation: Pointer | undefined;
  /** The constant field that tells this message from the others of its direction. */
  readonly tag: { readonly pointer: Pointer; readonly value: string | number | boolean } | undefined;
  readonly httpStatus: number | undefined;
  readonly examples: readonly Example[];
}

export interface Example {
  readonly name: string;
  readonly summary: string;
  readonly payload: unknown;
  readonly pointer: DocumentPointer;
}

export interface Operation {
  /** The key under `operations`. */
  readonly id: string;
  readonly pointer: DocumentPointer;
  /** `receive`: the client sends it to the server. `send`: the server sends it. */
  readonly action: "receive" | "send";
  /** A channel's id. */
  readonly channel: string;
  readonly summary: string;
  readonly description: string;
  /** Names of Contract.messages. */
  readonly messages: readonly string[];
  /** Names of the messages that may answer, the error among them; undefined where no reply is promised. */
  readonly reply: readonly string[] | undefined;
  readonly httpMethod: string | undefined;
  /** In order: the first that fails decides the refusal. */
  readonly requires: readonly Requirement[];
  /** In order. */
  readonly effects: readonly Effect[];
  /** Whether the document says anything about effects (an empty list says: none). */
  readonly effectsKnown: boolean;
}

// --- what AsyncAPI cannot say ---

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
  | { readonly kind: "count"; readonly relation: string };

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

export interface Errors {
  readonly reply: {
    /** A message's name; undefined where errors are told by close codes alone. */
    readonly message: string | undefined;
    readonly code: Pointer | undefined;
    readonly retryable: Pointer | undefined;
    readonly retryAfterMs: Pointer | undefined;
    readonly pointer: Pointer | undefined;
  };
  readonly codes: readonly ErrorCode[];
}

export interface ErrorCode {
  readonly code: string;
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
  readonly error: string | undefined;
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
    | { readonly kind: "errors"; readonly errors: readonly string[]; readonly windowMs: number }
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
  readonly error: string;
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

export interface Delivery {
  readonly pointer: DocumentPointer;
  /** An operation whose reply comes after the effects of all that the connection sent before. */
  readonly fence: string | undefined;
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

export type Requirement = { readonly pointer: DocumentPointer; readonly else: string } & (
  | { readonly kind: "rate"; readonly limit: string }
  | { readonly kind: "relation"; readonly relation: string; readonly where: Where; readonly present: boolean }
  | { readonly kind: "limit"; readonly limit: string; readonly where: Where }
  /** The sender's own credential has this claim, and it holds the value. */
  | { readonly kind: "claim"; readonly claim: string; readonly contains: unknown }
  /** An open connection has this value as the attribute. */
  | { readonly kind: "connection"; readonly attribute: string; readonly equals: Value }
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

/** One thing found in a document. */
export interface Finding {
  /** error: a mistake that a person can and should fix. warning: works, but less is checked or not as meant. info: good to know. */
  readonly severity: "error" | "warning" | "info";
  /** Whether nothing can be done with the document until it is fixed. */
  readonly blocking?: true;
  /** Permanent id, such as `example-breaks-schema`. */
  readonly id: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly pointer: DocumentPointer;
  readonly expected: string;
  readonly actual: string;
  /** What to do about it. */
  readonly fix: string;
}
