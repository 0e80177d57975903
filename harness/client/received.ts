// What passes on one connection: messages that came, frames to send, how it ended, and who is connected.
import type { Operation } from "../../spec/contract.ts";
import type { FrameToEncode } from "./wire/frame.ts";

/** One message from the target. */
export interface Received {
  /** The message's name in the contract; undefined where no message of the server fits. */
  readonly name: string | undefined;
  /** The parsed JSON; the text where it is not JSON; hex digits for a binary frame. */
  readonly value: unknown;
  readonly json: boolean;
  readonly binary: boolean;
  readonly text: string;
  /** Why it breaks its schema; empty where it keeps it. */
  readonly wrong: readonly string[];
  /** Since the run began, monotonic. */
  readonly atMs: number;
  /** The request of this connection whose id it carries; undefined where it carries none that was sent. */
  readonly request?: SentRequest | undefined;
  /** The items of the array in which it came; undefined where it was a frame of its own. */
  readonly batch?: { readonly size: number } | undefined;
}

/** A message that was sent with an id. */
export interface SentRequest {
  readonly id: unknown;
  /** Undefined where the message was malformed. */
  readonly operation: Operation | undefined;
  readonly atMs: number;
}

/** A message's name (one or several), or a condition. */
export type Wanted = string | readonly string[] | ((received: Received) => boolean);

export interface Within {
  /** Deadline from now in ms. Default: the run's `--timeout`, 5000. */
  readonly withinMs?: number;
}

/** How a connection ended. */
export interface Closed {
  /** The target's close code, 1005 where its close frame had none, 1006 where there was no close frame. */
  readonly code: number;
  readonly reason: string;
  readonly atMs: number;
}

export interface RawFrame extends Omit<FrameToEncode, "maskKey"> {
  readonly maskKey?: number | "none";
}

/** Someone who may connect. */
export interface User {
  /** From the run's counter, unique in the run; the subject of the credential where we mint it. */
  readonly name: string;
  /** Undefined where the contract asks for no credential. */
  readonly credential: string | undefined;
  /** The claims of the credential where we minted it. */
  readonly claims: ReadonlyMap<string, unknown>;
}

export interface OpenedConnection {
  /** Its number in the history. */
  readonly connection: number;
  readonly user: User;
  /** Index of the URL that it is connected to. */
  readonly node: number;
  /** What the server chose; empty where it chose none. */
  readonly subprotocol: string;
  /** Of the 101 response, names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}
