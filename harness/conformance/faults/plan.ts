// A planted fault as data: what the proxy does, or a switch of the test server.
import type { DocumentPointer, ErrorValue, Pointer, Refusal } from "../../../spec/contract.ts";
import type { FaultKind } from "../../testbed/nemesis-plan.ts";

export interface Fault {
  /** Permanent; made from the arguments, such as `never-closes/4410`. */
  readonly id: string;
  /** What the server does wrong, in one sentence. */
  readonly breaks: string;
  /** The promise that is broken, where the author names one. */
  readonly pointer?: DocumentPointer;
  readonly how: Plan;
}

/** Which of several messages: with this value at a pointer, or only each n-th, or those from the n-th on, of a connection. Default: all. */
export type Which = Pick<Match, "where" | "everyNth" | "fromNth">;

/**
 * `proxy`: a man in the middle does it, to any server. `server`: a switch of the test server; it says so when it has no such switch.
 * `shapes`: a switch of a server that speaks another protocol, for promises that the reference does not make.
 * `nodes`: a switch of two test servers behind one Redis, and what harm brings it out; that the honest server bears.
 */
export type Plan =
  | {
      readonly by: "proxy";
      readonly transformations: readonly Transformation[];
      /** The switch of the test server behind the proxy; undefined: the honest server. */
      readonly server?: string;
    }
  | { readonly by: "server"; readonly switch: string; readonly argument?: string | number }
  /** A switch of the small servers of other shapes than the reference, in harness/mutation/shapes. */
  | { readonly by: "shapes"; readonly switch: string }
  | NodesPlan;

export interface NodesPlan {
  readonly by: "nodes";
  readonly switch: string;
  /** The node that has it, by index; default both. */
  readonly only?: number;
  readonly harm: readonly FaultKind[];
}

/** What the proxy does to what passes through it. Everything that no transformation matches goes through byte by byte. */
export type Transformation = OnMessage | OnClose | OnControl | OnRequest | OnResponse | OnFrame | OnReplay | OnEnd | OnDeath;

/** Which messages. What is not said is not asked. */
export interface Match {
  /** Its name in the contract. The direction follows from it, else from `answers`; else it is `fromServer`. */
  readonly message?: string;
  /** The value at this pointer, or the number of code points of the text there. */
  readonly where?: { readonly pointer: Pointer } & ({ readonly equals: unknown } | { readonly length: number });
  /** Replies to this operation, found by the correlation id. */
  readonly answers?: string;
  /** With `answers`: only successes, or only errors. */
  readonly outcome?: "success" | "error";
  /** The contract's error reply with this code. */
  readonly errorCode?: ErrorValue;
  /** Frames of the client that the contract refuses: not JSON, of no known message, or not in the schema. */
  readonly malformed?: "not-json" | "unknown-type" | "not-in-schema" | "any";
  /** Only each n-th of those that match on a connection: 1, the default, is each; 2 the second, the fourth and so on. */
  readonly everyNth?: number;
  /** Only the n-th and those after it, counted in the same way. */
  readonly fromNth?: number;
}

export interface OnMessage {
  readonly on: "message";
  readonly match: Match;
  readonly act: MessageAct;
}

export type MessageAct =
  | { readonly do: "drop" }
  | { readonly do: "repeat" }
  /** Goes out after the next message of this direction of the connection, or `same` name (or after 1 s, where none comes). */
  | { readonly do: "swap-with-next"; readonly same?: boolean }
  /** `overtaken`: later messages do not wait for it. */
  | { readonly do: "hold"; readonly ms: number; readonly overtaken: boolean }
  | { readonly do: "set"; readonly pointer: Pointer; readonly value: unknown }
  /** To a number; to a timestamp, in ms. */
  | { readonly do: "add"; readonly pointer: Pointer; readonly by: number }
  | { readonly do: "remove"; readonly pointer: Pointer }
  /** Puts a value of another JSON type there. */
  | { readonly do: "retype"; readonly pointer: Pointer }
  /** Puts another value of the same JSON type there: a text with another last character, a number one higher, the other boolean. */
  | { readonly do: "alter"; readonly pointer: Pointer }
  /** Another text in its place. */
  | { readonly do: "replace"; readonly text: string }
  /** The same bytes in a binary frame. */
  | { readonly do: "binary" }
  /** The contract's error reply in its place. On a request: the server never sees it. */
  | { readonly do: "refuse"; readonly errorCode: ErrorValue }
  /** The operation's success in its place, made from its example and bindings. On a request: the server never sees it. */
  | { readonly do: "accept" }
  /** A valid message in place of a malformed one, so that the server takes it. */
  | { readonly do: "repair" }
  /** Closes the connection in its place (`after`: behind it). undefined: ends TCP without a close frame. */
  | { readonly do: "close"; readonly code: number | undefined; readonly after?: boolean }
  /**
   * Also goes to one more connection: `stranger`, the oldest that never had to do with the stream's key; `sender`, the one whose unique
   * attribute stands in it; `former`, each that had the success of `operation` for the key.
   */
  | { readonly do: "copy-to"; readonly whom: "stranger" | "sender" | "former"; readonly operation?: string }
  /** Drops it where the receiver is the connection that it speaks of. */
  | { readonly do: "hide-from-sender" }
  /**
   * Sends what the operation would deliver, made from examples and bindings, to its sender and all who had to do with the key.
   * `onlyRepeated`: where the connection's last success for the key was the same operation.
   */
  | { readonly do: "deliver"; readonly operation: string; readonly onlyRepeated?: boolean };

export interface OnClose {
  readonly on: "close";
  /** The server's close code; undefined: each. */
  readonly code: number | undefined;
  readonly act:
    | { readonly do: "change"; readonly code: number | undefined }
    /** The connection stays, and stays silent. */
    | { readonly do: "drop" }
    /** TCP ends without a close frame. */
    | { readonly do: "cut" }
    | { readonly do: "hold"; readonly ms: number }
    | { readonly do: "reason"; readonly reason: string };
}

/** Control frames: WebSocket ping and pong, and the close frame of the client. */
export interface OnControl {
  readonly on: "control";
  readonly frame: "server-ping" | "client-ping" | "server-pong" | "client-close";
  /** A dropped `server-ping` is answered in the client's place, a dropped `client-ping` never. */
  readonly act: { readonly do: "drop" } | { readonly do: "payload"; readonly payload: string } | { readonly do: "repeat" };
}

/** The client's handshake request, before the server sees it. */
export interface OnRequest {
  readonly on: "request";
  readonly act: /** Mends what this refusal is for, so that the server accepts it. */
    | { readonly do: "fix"; readonly when: Refusal["when"]; readonly claim?: string }
    /** Takes the credential out of this carrier, by its place in the contract. `contested`: only where another one holds one too. */
    | { readonly do: "drop-carrier"; readonly carrier: number; readonly contested?: boolean }
    | { readonly do: "set-header"; readonly name: string; readonly value: string | undefined };
}

/** The server's answer to the handshake, or to another request. */
export interface OnResponse {
  readonly on: "response";
  /** Only answers with this status; undefined: each. */
  readonly status: number | undefined;
  readonly act:
    | { readonly do: "status"; readonly to: number }
    /** undefined: taken out. */
    | { readonly do: "header"; readonly name: string; readonly value: string | undefined }
    /** The whole request, credential and all, comes back in a header of its own. */
    | { readonly do: "repeat-request" }
    /** ASCII, in place of the body. */
    | { readonly do: "body"; readonly text: string }
    /** TCP ends in its place. */
    | { readonly do: "cut" };
}

/** What is wrong with a client's frame or fragmented message in the sense of RFC 6455. */
export const frameDefects = [
  "unmasked",
  "reserved-bit",
  "reserved-opcode",
  "control-fragmented",
  "control-too-long",
  "continuation-without-start",
  "start-inside-fragments",
  "not-utf8",
  "close-code-invalid",
  "close-payload-one-byte",
  "close-reason-not-utf8",
  "length-not-shortest",
  "binary",
  "too-big",
  "compressed",
] as const;
export type FrameDefect = (typeof frameDefects)[number];

export interface OnFrame {
  readonly on: "frame";
  readonly act: /** Keeps client frames with this defect from the server, as if it took no notice. */
    | { readonly do: "tolerate"; readonly defect: FrameDefect }
    /** Each data frame of the server is sent so. */
    | { readonly do: "send"; readonly as: "masked" | "reserved-bit" | "fragmented" | "length-not-shortest" };
}

/** What follows the success of an operation that replays a stream. */
export interface OnReplay {
  readonly on: "replay";
  readonly operation: string;
  readonly act: "drop-first" | "repeat-first";
}

/** What one client does that ends the whole server. */
export const deathCauses = [
  "illegal-frame",
  "malformed-text",
  "binary-frame",
  "reset-during-upgrade",
  "reset-after-upgrade",
  "reset-inside-frame",
  "half-close",
  "flood",
] as const;
export type DeathCause = (typeof deathCauses)[number];

/** All connections are reset, and no new one is accepted. */
export interface OnDeath {
  readonly on: "death";
  readonly cause: DeathCause;
}

/** The server does not see that a client went. */
export interface OnEnd {
  readonly on: "end";
}
