// The client's public types: options, events and methods.
import type { Connected, JoinedRoom, ServerMessage } from "../../generated/types.gen.ts";
import type { ClientDependencies } from "./dependencies.ts";
import type { Gap, Position } from "./room-order.ts";
import type { OpenSocket } from "./socket.ts";

export interface IterationOptions {
  /** Ends the iteration with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Values that may wait to be read, default 1000. One more ends the iteration with QUEUE_FULL. */
  readonly limit?: number;
}

export type State = "closed" | "connecting" | "connected" | "waiting";

export interface ClientOptions {
  /** An absolute URL, `ws:` or `wss:`. */
  readonly url: string;
  /** Returns a token. Called before the first connection, before the token expires, and after the server rejected it. */
  readonly token: () => string | Promise<string>;
  /** Requests that may wait, default 1000. */
  readonly outboxSize?: number;
  /** Deadline for the upgrade, and again for the first message after it. In ms, default 10000. */
  readonly connectTimeoutMs?: number;
  /** Default: the platform's WebSocket, or the package ws. */
  readonly openSocket?: OpenSocket;
  readonly dependencies?: ClientDependencies;
}

export interface ClientEvents {
  state: State;
  /** The client reconnects in `delayMs`. `code`: why the last connection ended. */
  waiting: { readonly delayMs: number; readonly code: number };
  /** Every message of the server except replies. Room events come in order and once. */
  message: ServerMessage;
  /** After each join: members and position. */
  joined: JoinedRoom["payload"];
  /** Events of a room were missed and cannot be replayed. */
  gap: { readonly room: string } & Gap;
  /** The server refused to let the client rejoin a room. The client has left it. `code`: the error code. */
  lost: { readonly room: string; readonly code: string };
  /** The client gave up and does not reconnect by itself. `code`: the close code; undefined if no connection could be tried. */
  stopped: { readonly code: number | undefined; readonly reason: string };
  /** A frame that is not a message of the protocol, or not one that may come now. It was dropped. */
  invalid: { readonly text: string; readonly reason: string };
  /** The token function, a listener or the socket threw. The client goes on. */
  problem: { readonly source: "token" | "listener" | "socket"; readonly error: unknown };
  /** Each text frame, for debugging. */
  frame: { readonly direction: "in" | "out"; readonly text: string };
}

export interface CallOptions {
  /** Rejects the call with the signal's reason. A request that was sent may still take effect. */
  readonly signal?: AbortSignal | undefined;
}

export interface RoomsClient {
  readonly state: State;
  /** What `connected` said; undefined while not connected. */
  readonly identity: Connected["payload"] | undefined;
  readonly rooms: readonly string[];
  connect(): void;
  /** Ends the connection. Waiting requests fail with CLOSED, iterations end, and the client does not reconnect. */
  close(): void;
  /** Reconnects now instead of at the end of the wait, but at most twice a second. Does nothing in other states. */
  retryNow(): void;
  /** Stays joined across reconnects until `leave`. Without a connection it resolves at once. @throws RequestFailed */
  join(room: string, options?: CallOptions): Promise<void>;
  /** @throws RequestFailed */
  leave(room: string, options?: CallOptions): Promise<void>;
  /** Published at most once, because it carries an idempotency key. @returns its position @throws RequestFailed */
  chat(room: string, content: string, options?: CallOptions): Promise<Position>;
  /** @throws RequestFailed */
  direct(to: string, content: string, options?: CallOptions): Promise<void>;
  /** @throws RequestFailed */
  broadcast(content: string, options?: CallOptions): Promise<void>;
  /** Best effort: dropped without a connection and beyond the rate limit. */
  typing(room: string, active: boolean): void;
  /** @throws RequestFailed */
  ping(payload: unknown, options?: CallOptions): Promise<void>;
  /** @returns a function that removes the listener */
  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => unknown): () => void;
  /** The event's values from now on, until `close()` or `stopped`. @throws RequestFailed QUEUE_FULL, or the signal's reason */
  events<E extends keyof ClientEvents>(event: E, options?: IterationOptions): AsyncIterableIterator<ClientEvents[E]>;
}
