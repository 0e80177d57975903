// The hub of a single node: everything is in memory, and every reply is immediate.
import type { Clock } from "../clock.ts";
import { KeyedLimiter } from "../limiter.ts";
import { randomId } from "../random-id.ts";
import { type Audience, PlainAudience } from "./audience.ts";
import {
  type Attached,
  type Hub,
  type HubSettings,
  HubUnavailable,
  type Joined,
  type LogEvent,
  type Member,
  type Position,
  type Published,
  type PublishRequest,
  type Refused,
  type Subscriber,
} from "./hub.ts";
import { KeyMemory } from "./key-memory.ts";
import {
  encodeDirectMessage,
  encodeMessage,
  encodeUserJoined,
  encodeUserLeft,
  encodeUserTyping,
  type LogPosition,
} from "./room-frames.ts";
import { RoomLog } from "./room-log.ts";

/** Bounds of the logs of rooms without members. Beyond them the longest idle log is dropped early. */
const maxIdleRooms = 10_000;
const maxIdleEvents = 200_000;
/** Idempotency keys remembered at once. Beyond it a publish with a key is rejected, because a repetition would not be recognised. */
const maxKeys = 500_000;
/** Members listed in a `joined_room`. */
const maxNamedMembers = 100;

interface Membership {
  readonly subscriber: Subscriber;
  /** The seq of its join. */
  readonly joinedSeq: number;
}

interface Room {
  readonly name: string;
  readonly log: RoomLog;
  /** By clientId, in the order of joining. */
  readonly memberships: Map<string, Membership>;
  /** The same members. */
  readonly audience: Audience;
}

export class MemoryHub implements Hub {
  readonly available = true;
  readonly isRateLocal = false;
  readonly #settings: HubSettings;
  readonly #clock: Clock;
  readonly #createAudience: () => Audience;
  readonly #userLimiter: KeyedLimiter;
  readonly #keys: KeyMemory;
  readonly #subscribers = new Map<string, Subscriber>();
  readonly #connectionsOfUser = new Map<string, number>();
  readonly #rooms = new Map<string, Room>();
  readonly #roomsOfClient = new Map<string, Set<Room>>();
  /** Rooms without members and since when, longest idle first. */
  readonly #idleSinceMs = new Map<Room, number>();
  #idleEvents = 0;
  readonly #broadcasts: RoomLog;

  constructor(settings: HubSettings, clock: Clock, createAudience: () => Audience = () => new PlainAudience()) {
    this.#settings = settings;
    this.#clock = clock;
    this.#createAudience = createAudience;
    this.#userLimiter = new KeyedLimiter(settings.publishUser);
    this.#keys = new KeyMemory(settings.keepKeyMs, maxKeys);
    this.#broadcasts = new RoomLog(randomId(), 0);
  }

  attach(subscriber: Subscriber): Attached | Promise<Attached> {
    const { clientId, userId } = subscriber.member;
    const held = this.#connectionsOfUser.get(userId) ?? 0;
    if (held >= this.#settings.connectionsPerUser) return "too-many";
    this.#connectionsOfUser.set(userId, held + 1);
    this.#subscribers.set(clientId, subscriber);
    return "attached";
  }

  async detach(subscriber: Subscriber): Promise<void> {
    const { clientId, userId } = subscriber.member;
    if (this.#subscribers.get(clientId) !== subscriber) return;
    this.#subscribers.delete(clientId);
    const held = (this.#connectionsOfUser.get(userId) ?? 1) - 1;
    if (held === 0) this.#connectionsOfUser.delete(userId);
    else this.#connectionsOfUser.set(userId, held);
    for (const room of this.#roomsOfClient.get(clientId) ?? []) this.#removeMember(room, subscriber, "disconnect");
    this.#roomsOfClient.delete(clientId);
  }

  async join(
    subscriber: Subscriber,
    name: string,
    since: Position | undefined,
    onJoined: (joined: Joined) => void,
  ): Promise<Refused | undefined> {
    const { member } = subscriber;
    const known = this.#rooms.get(name)?.memberships.get(member.clientId);
    if (known) {
      const room = this.#rooms.get(name)!;
      onJoined(describe(room, member, since && since.epoch === room.log.epoch && isWithin(since, known, room)));
      return undefined;
    }
    if ((this.#rooms.get(name)?.memberships.size ?? 0) >= this.#settings.membersPerRoom) return { refused: "ROOM_FULL" };

    const room = this.#openRoom(name);
    const missed = since && room.log.after(since);
    room.memberships.set(member.clientId, { subscriber, joinedSeq: room.log.position.seq + 1 });
    this.#addRoom(member.clientId, room);
    const event = this.#append(room.log, name, member.clientId, (position) =>
      encodeUserJoined(position, member, room.memberships.size),
    );
    room.audience.send(event);

    onJoined(describe(room, member, since && missed !== undefined));
    for (const one of missed ?? []) if (one.excludeClientId !== member.clientId) subscriber.onEvent(one);
    room.audience.add(subscriber);
    return undefined;
  }

  async leave(subscriber: Subscriber, name: string, onLeft: () => void): Promise<void> {
    const room = this.#rooms.get(name);
    onLeft();
    if (!room?.memberships.has(subscriber.member.clientId)) return;
    this.#roomsOfClient.get(subscriber.member.clientId)?.delete(room);
    this.#removeMember(room, subscriber, "leave");
  }

  publish(request: PublishRequest): Published | Refused | Promise<Published | Refused> {
    const { room: name, from, content, key } = request;
    const nowMs = this.#clock.monotonicMs();
    const retryAfterMs = this.#userLimiter.take(from.userId, nowMs);
    if (retryAfterMs !== undefined) return { refused: "RATE_LIMITED", retryAfterMs };
    if (request.needsMembership && !this.#isMember(name, from.clientId)) return { refused: "NOT_IN_ROOM" };

    if (key !== undefined) {
      const before = this.#keys.find(from.userId, key, nowMs);
      if (before) return before;
      if (this.#keys.isFull) return Promise.reject(new HubUnavailable("too many idempotency keys within their lifetime"));
    }
    const room = name === null ? undefined : this.#openRoom(name);
    const event = this.#append(room?.log ?? this.#broadcasts, name, null, (position) => encodeMessage(position, from, content));
    const published: Published = { room: name, epoch: event.epoch, seq: event.seq };
    if (key !== undefined) this.#keys.add(from.userId, key, published, nowMs);

    if (room === undefined) for (const subscriber of this.#subscribers.values()) subscriber.onEvent(event);
    else {
      room.audience.send(event);
      if (room.memberships.size === 0) this.#setIdle(room);
    }
    return published;
  }

  async consumeRate(userId: string): Promise<Refused | undefined> {
    const retryAfterMs = this.#userLimiter.take(userId, this.#clock.monotonicMs());
    return retryAfterMs === undefined ? undefined : { refused: "RATE_LIMITED", retryAfterMs };
  }

  async direct(from: Member, to: string, content: string): Promise<"sent" | Refused> {
    const refused = await this.consumeRate(from.userId);
    if (refused) return refused;
    const subscriber = this.#subscribers.get(to);
    if (!subscriber) return { refused: "RECIPIENT_NOT_FOUND" };
    subscriber.onEphemeral({ text: encodeDirectMessage(from, content, this.#clock.dateMs()) });
    return "sent";
  }

  typing(from: Member, name: string, active: boolean): void {
    const room = this.#rooms.get(name);
    if (!room || room.memberships.size < 2) return;
    const event = { text: encodeUserTyping(name, from, active, this.#clock.dateMs()) };
    for (const [clientId, membership] of room.memberships)
      if (clientId !== from.clientId) membership.subscriber.onEphemeral(event);
  }

  async close(): Promise<void> {}

  #isMember(name: string | null, clientId: string | null): boolean {
    return name !== null && clientId !== null && this.#rooms.get(name)?.memberships.has(clientId) === true;
  }

  #append(
    log: RoomLog,
    room: string | null,
    excludeClientId: string | null,
    encode: (position: LogPosition) => string,
  ): LogEvent {
    return log.append(({ epoch, seq }) => {
      const text = encode({ room, epoch, seq, dateMs: this.#clock.dateMs() });
      return { room, epoch, seq, text, excludeClientId };
    });
  }

  #addRoom(clientId: string, room: Room): void {
    const rooms = this.#roomsOfClient.get(clientId);
    if (rooms) rooms.add(room);
    else this.#roomsOfClient.set(clientId, new Set([room]));
  }

  #removeMember(room: Room, subscriber: Subscriber, reason: "leave" | "disconnect"): void {
    const { member } = subscriber;
    room.memberships.delete(member.clientId);
    room.audience.delete(subscriber);
    const event = this.#append(room.log, room.name, member.clientId, (position) =>
      encodeUserLeft(position, member, room.memberships.size, reason),
    );
    room.audience.send(event);
    if (room.memberships.size === 0) this.#setIdle(room);
  }

  /** The room, with its earlier log where that is still kept. */
  #openRoom(name: string): Room {
    this.#endIdleRooms();
    let room = this.#rooms.get(name);
    if (!room) {
      const log = new RoomLog(randomId(), this.#settings.eventsPerRoom);
      room = { name, log, memberships: new Map(), audience: this.#createAudience() };
      this.#rooms.set(name, room);
    }
    if (this.#idleSinceMs.delete(room)) this.#idleEvents -= room.log.size;
    return room;
  }

  #setIdle(room: Room): void {
    this.#idleSinceMs.set(room, this.#clock.monotonicMs());
    this.#idleEvents += room.log.size;
    this.#endIdleRooms();
  }

  /** O(1) when nothing is dropped, because the longest idle room comes first. */
  #endIdleRooms(): void {
    const endMs = this.#clock.monotonicMs() - this.#settings.keepRoomMs;
    for (const [room, sinceMs] of this.#idleSinceMs) {
      if (sinceMs > endMs && this.#idleSinceMs.size <= maxIdleRooms && this.#idleEvents <= maxIdleEvents) return;
      this.#idleSinceMs.delete(room);
      this.#idleEvents -= room.log.size;
      this.#rooms.delete(room.name);
    }
  }
}

function isWithin(since: Position, membership: Membership, room: Room): boolean {
  return since.seq >= membership.joinedSeq && since.seq <= room.log.position.seq;
}

function describe(room: Room, self: Member, recovered: boolean | undefined): Joined {
  const members: Member[] = [];
  for (const membership of room.memberships.values()) {
    if (members.length === maxNamedMembers) break;
    members.push(membership.subscriber.member);
  }
  if (!members.includes(self)) members[maxNamedMembers - 1] = self;
  return { ...room.log.position, memberCount: room.memberships.size, members, recovered };
}
