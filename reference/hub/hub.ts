// The hub: the members of each room, and the log of each room. The memory hub and the Redis hub implement it, and one contract suite tests both.
import type { Outbox } from "../outbox.ts";

export interface Member {
  readonly clientId: string;
  readonly userId: string;
  readonly username: string;
}

/** Who publishes: a connection, or (clientId null) a user over HTTP. */
export interface Publisher {
  readonly clientId: string | null;
  readonly userId: string;
  readonly username: string;
}

/** A position in the log of one room. Positions of different epochs cannot be compared. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** One event of a room's log, ready to send. Every local subscriber gets the same object, so that it is encoded once. */
export interface LogEvent extends Position {
  /** null: the log of all connections (broadcast). */
  readonly room: string | null;
  /** The JSON text of the frame (`message`, `user_joined` or `user_left`). */
  readonly text: string;
  /** The connection that must not receive it, because it is its own join or leave; null: every member receives it. */
  readonly excludeClientId: string | null;
}

/** A frame that is in no log: a direct message, or typing. */
export interface EphemeralEvent {
  readonly text: string;
}

/** One connection of this node. No method may throw or wait. */
export interface Subscriber {
  readonly member: Member;
  /** Where an audience may write events that `onEvent` would only pass on. */
  readonly outbox?: Outbox | undefined;
  /** An event of a joined room: in the order of the log, without gap or repetition. */
  onEvent(event: LogEvent): void;
  onEphemeral(event: EphemeralEvent): void;
  /** Events of the room (null: broadcasts) may have been missed. The connection must be closed with STATE_LOST. */
  onStateLost(room: string | null): void;
}

export interface Joined extends Position {
  readonly memberCount: number;
  /** At most 100, the new member among them. */
  readonly members: readonly Member[];
  /** Whether every event after `since` follows; undefined without `since`. */
  readonly recovered: boolean | undefined;
}

export type Refused =
  | { readonly refused: "RATE_LIMITED"; readonly retryAfterMs: number }
  | { readonly refused: "NOT_IN_ROOM" | "ROOM_FULL" | "RECIPIENT_NOT_FOUND" };

export interface PublishRequest {
  /** null: to every connection. */
  readonly room: string | null;
  readonly from: Publisher;
  readonly content: string;
  /** Idempotency key, separate for each user. */
  readonly key: string | undefined;
  /** Whether `from.clientId` must be a member of the room. */
  readonly needsMembership: boolean;
}

/** Position of a message. For a repeated `key`: the position and the room of the first one. */
export interface Published extends Position {
  readonly room: string | null;
}

/** Settings that every hub takes. */
export interface HubSettings {
  readonly membersPerRoom: number;
  readonly connectionsPerUser: number;
  /** Rate of one user, over all connections, nodes and HTTP. */
  readonly publishUser: { readonly burst: number; readonly perSecond: number };
  /** Events of one room kept for `since`. */
  readonly eventsPerRoom: number;
  /** How long a log is kept after the last member has left, in ms. Then its epoch ends. */
  readonly keepRoomMs: number;
  /** How long an idempotency key is remembered, in ms. */
  readonly keepKeyMs: number;
}

/** The hub cannot do it now, and nothing was accepted. Becomes the error UNAVAILABLE. */
export class HubUnavailable extends Error {
  override readonly name = "HubUnavailable";
}

/** The backend was lost during the operation, whose outcome is unknown. Becomes the error INTERNAL. */
export class HubUncertain extends Error {
  override readonly name = "HubUncertain";
}

export type Attached = "attached" | "too-many";

/**
 * Requirements are checked in the order of the document: the user's rate, the recipient or the membership, the idempotency key.
 * The caller makes one call at a time for a subscriber, `attach` first and `detach` last.
 * A promise may reject with HubUnavailable or HubUncertain; any other error is a bug.
 */
export interface Hub {
  /** False while it cannot accept anything. Readiness depends on it. */
  readonly available: boolean;
  /** Whether each node counts the rate of users by itself, because the backend is away. */
  readonly isRateLocal: boolean;
  /**
   * Registers the connection for direct messages and broadcasts. `too-many`: its user already holds connectionsPerUser.
   * A hub that knows the answer at once gives it without a promise, so that accepting a connection costs no further microtask.
   */
  attach(subscriber: Subscriber): Attached | Promise<Attached>;
  /** Ends every membership of the connection with a `user_left` of reason `disconnect`. May be called twice; never rejects. */
  detach(subscriber: Subscriber): Promise<void>;
  /**
   * Makes the connection a member. A second join changes and announces nothing.
   * With `since`, a second join replays nothing: `recovered` is true when the membership began at or before that position.
   * On success `onJoined` is called exactly once, before any event of the room is delivered; missed events follow it synchronously.
   */
  join(
    subscriber: Subscriber,
    room: string,
    since: Position | undefined,
    onJoined: (joined: Joined) => void,
  ): Promise<Refused | undefined>;
  /** On success `onLeft` is called exactly once; no event of the room is delivered after it. */
  leave(subscriber: Subscriber, room: string, onLeft: () => void): Promise<void>;
  /** Appends to the log. Answers when the event has its position: at once, where the hub knows it; delivery is independent of that. */
  publish(request: PublishRequest): Published | Refused | Promise<Published | Refused>;
  /** Consumes one publish of the user's rate without publishing, for a message that is rejected after the rate check. */
  consumeRate(userId: string): Promise<Refused | undefined>;
  direct(from: Member, to: string, content: string): Promise<"sent" | Refused>;
  /** Notifies the other members, best effort. */
  typing(from: Member, room: string, active: boolean): void;
  /** Resolves within 5 s, whatever the backend does. */
  close(): Promise<void>;
}
