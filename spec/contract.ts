// The Contract: everything a document says, as plain data. Generation, docs, lint, diff, harness and load read it; nothing else reads YAML.
import type { DocumentPointer, Pointer } from "./pointer.ts";
import type { JsonSchema } from "./schema-walk.ts";
import type {
  Batch,
  Bindings,
  CloseCode,
  Delivery,
  Effect,
  Errors,
  Handshake,
  Heartbeat,
  Limit,
  RateLimit,
  Requirement,
  State,
} from "./vocabulary.ts";

// The whole Contract is imported from here: what the x- keys say stands in a file of its own only for its length.
export type { DocumentPointer, Pointer } from "./pointer.ts";
export type { JsonSchema } from "./schema-walk.ts";
export * from "./vocabulary.ts";

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
  /** What stands in braces in host and pathname. */
  readonly variables: readonly Parameter[];
  /** `protocol://host/pathname` with every variable replaced by its value; no slash at the end. */
  readonly url: string;
}

/** What stands in braces: a variable of a server, or a parameter of an address. */
export interface Parameter {
  readonly name: string;
  readonly description: string;
  /** The values allowed; empty where any is. */
  readonly values: readonly string[];
  /** What goes into a URL: as given with --var, else the default, the first value, the first example; undefined where the document has none. */
  readonly value: string | undefined;
  /** Type and bounds, which only AsyncAPI 2 can say; undefined where there are none. */
  readonly schema: JsonSchema | undefined;
}

export interface Channel {
  /** The key under `channels`. */
  readonly id: string;
  readonly pointer: DocumentPointer;
  readonly kind: "websocket" | "http" | "other";
  /** The path, with `{parameters}` and perhaps a query; begins with a slash. `/` where the document has none. */
  readonly address: string;
  /** The address is a name without a slash before it: it may be a topic of one socket at the server's own URL. */
  readonly isTopic: boolean;
  /** `x-endpoint`: channels that share it are topics of one socket, whose path it is; undefined where the address is the path. */
  readonly endpoint: string | undefined;
  readonly title: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  /** Names of the servers that have the channel. */
  readonly servers: readonly string[];
  /** Names of Contract.messages. */
  readonly messages: readonly string[];
  readonly handshake: Handshake | undefined;
  readonly heartbeat: Heartbeat | undefined;
  readonly limits: readonly Limit[];
  readonly rateLimits: readonly RateLimit[];
  readonly closeCodes: readonly CloseCode[];
  readonly delivery: Delivery | undefined;
  /** Whether a frame may be an array of messages. */
  readonly batch: Batch | undefined;
  /** Whether the server may send several messages together as one array. */
  readonly joinsMessages: boolean;
}

export interface Message {
  /** Unique in the Contract; the key under components/messages where there is one. */
  readonly name: string;
  readonly pointer: DocumentPointer;
  readonly summary: string;
  readonly description: string;
  readonly contentType: string;
  /** What a frame holds. Only `json` messages are checked against their schema. */
  readonly format: "json" | "text" | "binary";
  readonly payload: JsonSchema;
  /** The JSON Schema draft that the payload is written in. AsyncAPI's own superset is draft 07. */
  readonly draft: "07" | "2020-12";
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
  /** `when-correlated`: a request without an id gets no reply. */
  readonly replyWhen: "always" | "when-correlated";
  /** Whether a harness may send it: never, only its examples, or anything that its schema allows. */
  readonly exercise: "never" | "examples" | "full";
  /** Fields of the request whose values come from the state, such as `/gid` from `$relation.download.gid`. */
  readonly bindings: Bindings;
  /** In order: the first that fails decides the error. */
  readonly requires: readonly Requirement[];
  /** In order. */
  readonly effects: readonly Effect[];
  /** Whether the document says anything about effects (an empty list says: none). */
  readonly effectsKnown: boolean;
}

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

/** Whether the heartbeat is a WebSocket ping: not where a message answers it, even if the message that asks is called `ping`. */
export function isWebSocketPing({ frame, answer }: Pick<Heartbeat, "frame" | "answer">): boolean {
  return frame === "ping" && answer === undefined;
}
