// The hub of a single node: everything in memory, every answer at once.
import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { KeyedLimiter } from "../limiter.ts";
import {
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
  type Place,
} from "./room-frames.ts";
import { RoomLog } from "./room-log.ts";

/** Logs of rooms without members: how many, and how many events in all, before the oldest goes ahead of its time. */
const maxIdleRooms = 10_000;
const maxIdleEvents = 200_000;
/** Keys remembered at once. Beyond it a publish with a key is refused, because the promise of once could not be kept. */
const maxKeys = 500_000;
/** Members named in a `joined_room`. */
const maxNamedMembers = 100;

interface Seat {
  readonly subscriber: Subscriber;
  /** The sequence of its own join. */
  readonly sinceSeq: number;
}

interface Room {
  readonly name: string;
  readonly log: RoomLog;
  /** By clientId, in the order of joining. */
  readonly seats: Map<string, Seat>;
}

export class MemoryHub implements Hub {
  readonly available = true;
  readonly isRateLocal = false;
  readonly #settings: HubSettings;
  readonly #clock: Clock;
  readonly #userLimiter: KeyedLimiter;
  readonly #keys: KeyMemory;
  readonly #subscribers = new Map<string, Subscriber>();
  readonly #connectionsOfUser = new Map<string, number>();
  readonly #rooms = new Map<string, Room>();
  readonly #roomsOfClient = new Map<string, Set<Room>>();
  /** Rooms without members, longest idle first, and since when. */
  readonly #idleSinceMs = new Map<Room, number>();
  #idleEvents = 0;
  readonly #broadcasts: RoomLog;

  constructor(settings: HubSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#userLimiter = new KeyedLimiter(settings.publishUser);
    this.#keys = new KeyMemory(settings.keepKeyMs, maxKeys);
    this.#broadcasts = new RoomLog(createEpoch(), 0);
  }

  async attach(subscriber: Subscriber): Promise<"attached" | "too-many"> {
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
    for (const room of this.#roomsOfClient.get(clientId) ?? []) this.#unseat(room, subscriber.member, "disconnect");
    this.#roomsOfClient.delete(clientId);
  }

  async join(
    subscriber: Subscriber,
    name: string,
    since: Position | undefined,
    onJoined: (joined: Joined) => void,
  ): Promise<Refused | undefined> {
    const { member } = subscriber;
    const known = this.#rooms.get(name)?.seats.get(member.clientId);
    if (known) {
      const room = this.#rooms.get(name)!;
      onJoined(describe(room, member, since && since.epoch === room.log.epoch && isWithin(since, known, room)));
      return undefined;
    }
    if ((this.#rooms.get(name)?.seats.size ?? 0) >= this.#settings.membersPerRoom) return { refused: "ROOM_FULL" };

    const room = this.#openRoom(name);
    const missed = since && room.log.after(since);
    const others = [...room.seats.values()];
    room.seats.set(member.clientId, { subscriber, sinceSeq: room.log.position.seq + 1 });
    this.#remember(member.clientId, room);
    const event = this.#append(room.log, name, member.clientId, (place) => encodeUserJoined(place, member, room.seats.size));

    onJoined(describe(room, member, since && missed !== undefined));
    for (const one of missed ?? []) if (one.except !== member.clientId) subscriber.event(one);
    for (const other of others) other.subscriber.event(event);
    return undefined;
  }

  async leave(subscriber: Subscriber, name: string, onLeft: () => void): Promise<void> {
    const room = this.#rooms.get(name);
    onLeft();
    if (!room?.seats.has(subscriber.member.clientId)) return;
    this.#roomsOfClient.get(subscriber.member.clientId)?.delete(room);
    this.#unseat(room, subscriber.member, "leave");
  }

  async publish(request: PublishRequest): Promise<Published | Refused> {
    const { room: name, from, content, key } = request;
    const nowMs = this.#clock.monotonicMs();
    const retryAfterMs = this.#userLimiter.take(from.userId, nowMs);
    if (retryAfterMs !== undefined) return { refused: "RATE_LIMITED", retryAfterMs };
    if (request.needsMembership && !this.#isMember(name, from.clientId)) return { refused: "NOT_IN_ROOM" };

    if (key !== undefined) {
      const before = this.#keys.find(from.userId, key, nowMs);
      if (before) return before;
      if (this.#keys.isFull) throw new HubUnavailable("too many idempotency keys within their lifetime");
    }
    const room = name === null ? undefined : this.#openRoom(name);
    const event = this.#append(room?.log ?? this.#broadcasts, name, null, (place) => encodeMessage(place, from, content));
    const published: Published = { room: name, epoch: event.epoch, seq: event.seq };
    if (key !== undefined) this.#keys.add(from.userId, key, published, nowMs);

    if (room === undefined) for (const subscriber of this.#subscribers.values()) subscriber.event(event);
    else {
      for (const seat of room.seats.values()) seat.subscriber.event(event);
      if (room.seats.size === 0) this.#setIdle(room);
    }
    return published;
  }

  async spend(userId: string): Promise<Refused | undefined> {
    const retryAfterMs = this.#userLimiter.take(userId, this.#clock.monotonicMs());
    return retryAfterMs === undefined ? undefined : { refused: "RATE_LIMITED", retryAfterMs };
  }

  async direct(from: Member, to: string, content: string): Promise<"sent" | Refused> {
    const refused = await this.spend(from.userId);
    if (refused) return refused;
    const subscriber = this.#subscribers.get(to);
    if (!subscriber) return { refused: "RECIPIENT_NOT_FOUND" };
    subscriber.loose({ text: encodeDirectMessage(from, content, this.#clock.dateMs()) });
    return "sent";
  }

  typing(from: Member, name: string, active: boolean): void {
    const room = this.#rooms.get(name);
    if (!room || room.seats.size < 2) return;
    const event = { text: encodeUserTyping(name, from, active, this.#clock.dateMs()) };
    for (const [clientId, seat] of room.seats) if (clientId !== from.clientId) seat.subscriber.loose(event);
  }

  async close(): Promise<void> {}

  #isMember(name: string | null, clientId: string | null): boolean {
    return name !== null && clientId !== null && this.#rooms.get(name)?.seats.has(clientId) === true;
  }

  #append(log: RoomLog, room: string | null, except: string | null, encode: (place: Place) => string): LogEvent {
    return log.append(({ epoch, seq }) => {
      const text = encode({ room, epoch, seq, dateMs: this.#clock.dateMs() });
      return { room, epoch, seq, text, except };
    });
  }

  #remember(clientId: string, room: Room): void {
    const rooms = this.#roomsOfClient.get(clientId);
    if (rooms) rooms.add(room);
    else this.#roomsOfClient.set(clientId, new Set([room]));
  }

  #unseat(room: Room, member: Member, reason: "leave" | "disconnect"): void {
    room.seats.delete(member.clientId);
    const event = this.#append(room.log, room.name, member.clientId, (place) =>
      encodeUserLeft(place, member, room.seats.size, reason),
    );
    for (const seat of room.seats.values()) seat.subscriber.event(event);
    if (room.seats.size === 0) this.#setIdle(room);
  }

  /** The room, with the log of its last life where that is still kept. */
  #openRoom(name: string): Room {
    this.#endIdleRooms();
    let room = this.#rooms.get(name);
    if (!room) {
      room = { name, log: new RoomLog(createEpoch(), this.#settings.eventsPerRoom), seats: new Map() };
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

  /** Costs O(1) where nothing ends, because the longest idle comes first. */
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

function isWithin(since: Position, seat: Seat, room: Room): boolean {
  return since.seq >= seat.sinceSeq && since.seq <= room.log.position.seq;
}

function describe(room: Room, self: Member, recovered: boolean | undefined): Joined {
  const members: Member[] = [];
  for (const seat of room.seats.values()) {
    if (members.length === maxNamedMembers) break;
    members.push(seat.subscriber.member);
  }
  if (!members.includes(self)) members[maxNamedMembers - 1] = self;
  return { ...room.log.position, memberCount: room.seats.size, members, recovered };
}

function createEpoch(): string {
  return randomBytes(9).toString("base64url");
}
