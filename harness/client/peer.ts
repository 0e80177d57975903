// What a rule holds in its hand: one connection to the target. Everything it says about messages comes from the contract.
import type { FrameToEncode } from "./wire/frame.ts";
import type { WireSocket } from "./wire/socket.ts";

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

/**
 * One open connection. Methods that wait count as an observation when they return or throw Violation.
 * Every message from the target is judged against its schema as it comes; the first that breaks it is thrown by the next waiting method.
 */
export interface Peer {
  /** Its number in the history. */
  readonly connection: number;
  readonly user: User;
  /** Index of the URL that it is connected to. */
  readonly node: number;
  /** What the server chose; empty where it chose none. */
  readonly subprotocol: string;
  /** Of the 101 response, names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The handshake's first message, where the contract has one and `dial` waited for it. */
  readonly first: Received | undefined;
  /** x-state's connection attributes, read from `first`. */
  readonly attributes: ReadonlyMap<string, unknown>;
  readonly closed: Closed | undefined;

  /** Sends a message of the contract. It is validated first: an invalid one is our own bug, so send those with `sendText`. */
  send(message: unknown): void;
  sendText(text: string): void;
  /** Any frame, legal or not, or bytes as they are. A frame without `maskKey` is masked; `maskKey: "none"` leaves it unmasked. */
  sendRaw(frame: RawFrame | Uint8Array): void;
  /** Sends with a fresh id where the message wants one and has none; the reply to it, a refusal too (see Context.errorCode). */
  request(message: unknown, within?: Within): Promise<Received>;

  /** The next message that fits and was not taken yet; what came before it stays for later calls. */
  receive(wanted: Wanted, within?: Within): Promise<Received>;
  /** The very next message, which must fit. */
  receiveNext(wanted: Wanted, within?: Within): Promise<Received>;
  /** The reply to a message that was sent as it stands: by its id, or, where it has none, the next of its operation's replies. */
  replyTo(message: unknown, within?: Within): Promise<Received>;
  /** The reply that carries this id. */
  reply(id: unknown, within?: Within): Promise<Received>;
  /**
   * Waits until the target has dealt with all that was sent before, by the contract's fence operation; where there is none, by a
   * silence of `quietMs`. Returns the messages that came and were not taken yet, in order, without taking them.
   */
  fence(within?: Within): Promise<readonly Received[]>;
  /** Fences, then demands that every message was taken (except those that `ignore` lets through). */
  nothingElse(ignore?: (received: Received) => boolean): Promise<void>;
  /** Takes all that came so far. */
  takeAll(): readonly Received[];
  /** Waits for the end of the connection and demands the code (one or several) where one is given. */
  closes(expected?: { readonly code?: number | readonly number[] } & Within): Promise<Closed>;

  /** Waits until the target has ended TCP, which a server does after its close frame. */
  endsTcp(within?: Within): Promise<void>;

  /** Sends a WebSocket ping and waits for the pong with the same payload. */
  ping(payload?: Uint8Array | string, within?: Within): Promise<void>;
  /** Whether pings of the target are answered. Default true. */
  answerPings: boolean;
  /** Stops reading from the socket, so that the target's buffers fill. */
  pause(): void;
  resume(): void;
  /** Closes politely and waits for the end, at most 2 s. @param code default 1000; null: a close frame without a code */
  hangUp(code?: number | null, reason?: string): Promise<void>;
  /** Ends the TCP connection at once with a reset, without goodbye. */
  reset(): void;
  /** Ends our sending side of TCP only. */
  endTcp(): void;
  /**
   * Gives the open connection away, with what came and was not taken, to one who reads its bytes: see WireSocket.takeBytes.
   * For this peer it has ended.
   */
  handOver(): { readonly socket: WireSocket; readonly waiting: readonly Received[] };
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
