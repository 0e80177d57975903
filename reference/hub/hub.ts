// The hub: who is in which room, and the one log of each room. Memory and Redis implement this one interface; one contract suite runs on both.

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

/** A place in the log of one room. Positions of different epochs cannot be compared. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** One event of a room's log, ready for the wire. The same object goes to every local subscriber, so that it is framed once. */
export interface LogEvent extends Position {
  /** null: the log of all connections (broadcast). */
  readonly room: string | null;
  /** The JSON text of the frame (`message`, `user_joined` or `user_left`). */
  readonly text: string;
  /** The connection that must not receive it (its own join or leave); null where everyone does. */
  readonly except: string | null;
}

/** A frame outside any log: a direct message, or typing. */
export interface LooseEvent {
  readonly text: string;
}

/** One connection of this node, as the hub sees it. No method may throw or wait. */
export interface Subscriber {
  readonly member: Member;
  /** An event of a room that it has joined, in the order of the log, without gap or repetition. */
  event(event: LogEvent): void;
  loose(event: LooseEvent): void;
  /** It cannot be shown that no event of the room (null: of the broadcasts) was missed: close it with STATE_LOST. */
  lost(room: string | null): void;
}

export interface Joined extends Position {
  readonly memberCount: number;
  /** At most 100, itself among them. */
  readonly members: readonly Member[];
  /** Whether all after `since` follows; undefined where there was no `since`. */
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
  /** Idempotency key, of this user alone. */
  readonly key: string | undefined;
  /** Whether `from.clientId` must be a member of the room. */
  readonly needsMembership: boolean;
}

/** Where a message stands: for a repeated `key`, where it stood the first time (the room then, too). */
export interface Published extends Position {
  readonly room: string | null;
}

/** What the server decides for its hub. */
export interface HubSettings {
  readonly membersPerRoom: number;
  readonly connectionsPerUser: number;
  /** Publishing of one user, over all connections, nodes and HTTP. */
  readonly publishUser: { readonly burst: number; readonly perSecond: number };
  /** Events of one room kept for `since`. */
  readonly eventsPerRoom: number;
  /** How long a log outlives the last member of its room, in ms. Then its epoch ends. */
  readonly keepRoomMs: number;
  /** How long a key is known, in ms. */
  readonly keepKeyMs: number;
}

/** The hub cannot keep its promises now; nothing was accepted. Becomes the error UNAVAILABLE. */
export class HubUnavailable extends Error {
  override readonly name = "HubUnavailable";
}

/** The backend was lost while it worked: whether the operation took effect cannot be known. Becomes the error INTERNAL. */
export class HubUncertain extends Error {
  override readonly name = "HubUncertain";
}

/**
 * Requirements are checked in the order of the document: the user's rate, then the recipient or the membership, then idempotency.
 * The calls for one subscriber come one after another, `attach` first and `detach` last.
 * Every method that returns a promise may reject with HubUnavailable or HubUncertain, and with nothing else that is not a bug.
 */
export interface Hub {
  /** False while it cannot keep its promises; readiness follows it. */
  readonly available: boolean;
  /** Whether each node counts its users' publishing alone, because the backend is away. */
  readonly isRateLocal: boolean;
  /** Makes the connection known to direct messages and broadcasts. `too-many`: its user holds connectionsPerUser already. */
  attach(subscriber: Subscriber): Promise<"attached" | "too-many">;
  /** Ends the connection's memberships, each with a `user_left` of reason `disconnect`. Safe to call twice; never rejects. */
  detach(subscriber: Subscriber): Promise<void>;
  /**
   * Makes the connection a member; a second join changes and announces nothing.
   * With `since`, a second join replays nothing: `recovered` says whether its membership began at or before that position.
   * `onJoined` is called exactly once on success, before any event of the room reaches the subscriber; missed events follow it in the same turn.
   */
  join(
    subscriber: Subscriber,
    room: string,
    since: Position | undefined,
    onJoined: (joined: Joined) => void,
  ): Promise<Refused | undefined>;
  /** `onLeft` is called exactly once on success; no event of the room reaches the subscriber after it. */
  leave(subscriber: Subscriber, room: string, onLeft: () => void): Promise<void>;
  /** Appends to the log. Resolves when the event has its place; the delivery follows on its own. */
  publish(request: PublishRequest): Promise<Published | Refused>;
  /** Takes one publish from the user's allowance without publishing, for what is refused after it. */
  spend(userId: string): Promise<Refused | undefined>;
  direct(from: Member, to: string, content: string): Promise<"sent" | Refused>;
  /** Best effort, to the other members. */
  typing(from: Member, room: string, active: boolean): void;
  /** Ends within 5 s, whatever the backend does. */
  close(): Promise<void>;
}
