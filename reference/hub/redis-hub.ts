// The hub on Redis (or Valkey): any number of nodes, one order. A node hands on only what came back from the log.
import {
  type Hub,
  type HubSettings,
  HubUnavailable,
  HubUncertain,
  type Joined,
  type Member,
  type Position,
  type Published,
  type PublishRequest,
  type Refused,
  type Subscriber,
} from "./hub.ts";
import type { Reply } from "./redis/commands.ts";
import type { RoomKeys } from "./redis/keys.ts";
import { eventOf, parseLine } from "./redis/line.ts";
import { RedisLink } from "./redis/link.ts";
import { fillAfterMs, Logs } from "./redis/logs.ts";
import { asUnavailable, Publisher } from "./redis/publisher.ts";
import { type Listener, Room } from "./redis/room.ts";
import type { Concerns } from "./redis/shards.ts";

export interface RedisHubOptions {
  /**
   * `redis://[user:password@]host[:port][/database]`, `rediss://` with TLS, or `unix:///path`. Of a Redis Cluster any node, or several
   * with commas between them.
   */
  readonly url: string;
  readonly settings: HubSettings;
  /** Begins every key. Default `wsproof:`. */
  readonly prefix?: string;
  /** How long a command may take, in ms, before it is answered with UNAVAILABLE and can no longer happen. Default 2000. */
  readonly commandMs?: number;
  /** How long a node may be silent before the others let its connections leave, in ms. Default 10000; at least 3 times commandMs. */
  readonly leaseMs?: number;
  /** How often a node says that it lives, in ms. Default 1000. */
  readonly beatMs?: number;
  /** Told whenever `available` or its reason changes, in words for a log. */
  readonly onStatus?: (isAvailable: boolean, reason: string) => void;
  /** Told of what was ignored or refused: garbage on a channel, foreign data under a key. */
  readonly onTrouble?: (reason: string) => void;
}

/** A connection of this node. */
interface Session {
  readonly subscriber: Subscriber;
  /** The name of this node when it came. */
  readonly node: string;
  /** Those that it is in, or may be in. */
  readonly rooms: Set<string>;
  /** Those of `rooms` whose join has failed in a way that leaves open whether it is in; it is not to be. */
  readonly doubtful: Set<string>;
  /** Its operations, one after the other. */
  tail: Promise<unknown>;
  /** Its leaving, while that is under way. */
  leaving: Promise<void> | undefined;
}

/** An inbox is kept at least so long without a beat. */
const keepInboxMs = 60_000;

export class RedisHub implements Hub {
  readonly #settings: HubSettings;
  readonly #link: RedisLink;
  readonly #logs: Logs;
  readonly #publisher: Publisher;
  readonly #sessions = new Map<Subscriber, Session>();
  readonly #byClientId = new Map<string, Session>();
  /** Those whose leaving Redis has not confirmed. */
  readonly #leaving = new Set<Session>();
  readonly #tend: NodeJS.Timeout;

  /**
   * Connects in the background: the hub is unavailable until Redis answers.
   * @throws Error that names REDIS_URL, where the URL is none
   */
  constructor(options: RedisHubOptions) {
    const { url, settings, prefix = "wsproof:", commandMs = 2_000, leaseMs = 10_000, beatMs = 1_000 } = options;
    this.#settings = settings;
    this.#link = new RedisLink({
      url,
      prefix,
      commandMs,
      leaseMs,
      beatMs,
      logLength: settings.eventsPerRoom,
      keepRoomMs: settings.keepRoomMs,
      onStatus: options.onStatus,
      onTrouble: options.onTrouble,
      restored: () => {
        this.#logs.fill();
        this.#finishLeaving();
      },
      beaten: () => this.#beaten(),
      forgotten: () => this.#forgotten(),
      lost: (concerns) => this.#lost(concerns),
    });
    this.#logs = new Logs({
      link: this.#link,
      commandMs,
      deliver: (clientId, text) => this.#byClientId.get(clientId)?.subscriber.loose({ text }),
      inboxLost: (node) => this.#loseSessions((session) => session.node === node),
    });
    this.#publisher = new Publisher(this.#link, settings);
    this.#tend = setInterval(() => this.#logs.tend(), fillAfterMs);
    this.#link.open();
  }

  get available(): boolean {
    return this.#link.status.isAvailable;
  }

  get isRateLocal(): boolean {
    return this.#publisher.isRateLocal;
  }

  /** Why it is not available; "ok" where it is. */
  get reason(): string {
    return this.#link.status.reason;
  }

  /** This node's name among the others, until it has been taken for dead. */
  get name(): string {
    return this.#link.node;
  }

  #beaten(): void {
    this.#finishLeaving();
    for (const session of this.#sessions.values()) {
      for (const name of session.doubtful) this.#inTurn(session.subscriber, () => this.#endDoubt(session, name)).catch(() => {});
    }
    const { meta, stream } = this.#logs.inbox.keys;
    for (const key of [meta, stream]) this.#link.commands.send(["PEXPIRE", key, `${keepInboxMs}`]).catch(() => {});
  }

  /** Its connections have been announced as gone, or their rooms are: none of them can go on. */
  #forgotten(): void {
    this.#logs.loseAll();
    this.#loseSessions((session) => session.node !== this.#link.node);
  }

  /** Who or how many they are may be known to nobody any more. */
  #lost(concerns: Concerns): void {
    const { keys } = this.#link;
    this.#loseSessions(({ subscriber: { member } }) =>
      [keys.client(member.clientId), keys.connections(member.userId)].some(concerns),
    );
  }

  #loseSessions(isLost: (session: Session) => boolean): void {
    for (const session of this.#sessions.values()) if (isLost(session)) session.subscriber.lost(null);
  }

  // --- connections ---

  async attach(subscriber: Subscriber): Promise<"attached" | "too-many"> {
    const { node } = this.#link;
    this.#link.checkLease(node);
    const session: Session = {
      subscriber,
      node,
      rooms: new Set(),
      doubtful: new Set(),
      tail: Promise.resolve(),
      leaving: undefined,
    };
    const listener = this.#logs.broadcast.hold(subscriber);
    try {
      const result = await asUnavailable(this.#enter(session, listener));
      if (result === "too-many") this.#takeBack(session, listener);
      return result;
    } catch (error) {
      // What it may have left behind is taken away again.
      this.#takeBack(session, listener);
      throw error;
    }
  }

  async #enter(session: Session, listener: Listener): Promise<"attached" | "too-many"> {
    const { subscriber, node } = session;
    const { clientId, userId } = subscriber.member;
    const { commands, keys } = this.#link;
    const { broadcast, inbox } = this.#logs;
    await Promise.all([this.#logs.heard(broadcast.keys), this.#logs.heard(inbox.keys)]);
    // Listed first, so that a sweep finds whatever comes after.
    await commands.send(["HSET", keys.clientsOf(node), clientId, userId]);
    const position = (log: RoomKeys): Promise<Reply> => commands.call("read", [log.meta, log.stream], ["", "0", "0"]);
    const [counted, , at, inboxAt] = await Promise.all([
      commands.call("attach", [keys.connections(userId)], [clientId, node, `${this.#settings.connectionsPerUser}`]),
      commands.send(["SET", keys.client(clientId), node]),
      position(broadcast.keys),
      inbox.reader.position === undefined ? position(inbox.keys) : undefined,
    ]);
    if (counted[0] === "too-many") return "too-many";
    this.#link.checkLease(node);
    if (inboxAt !== undefined && inbox.reader.position === undefined) {
      inbox.reader.anchor(String(inboxAt[1]), Number(inboxAt[2]), 0);
    }
    this.#sessions.set(subscriber, session);
    this.#byClientId.set(clientId, session);
    await this.#follow(broadcast, listener, String(at[1]), Number(at[2]), 0);
    broadcast.release(listener);
    return "attached";
  }

  #takeBack(session: Session, listener: Listener): void {
    const { clientId } = session.subscriber.member;
    const { listeners } = this.#logs.broadcast;
    if (listeners.get(clientId) === listener) listeners.delete(clientId);
    this.#sessions.delete(session.subscriber);
    if (this.#byClientId.get(clientId) === session) this.#byClientId.delete(clientId);
    this.#leaving.add(session);
    this.#finishLeaving();
  }

  async detach(subscriber: Subscriber): Promise<void> {
    const session = this.#sessions.get(subscriber);
    if (session === undefined) return;
    const { clientId } = subscriber.member;
    this.#sessions.delete(subscriber);
    this.#byClientId.delete(clientId);
    this.#logs.broadcast.listeners.delete(clientId);
    await session.tail.catch(() => {});
    for (const name of session.rooms) this.#logs.room(name)?.listeners.delete(clientId);
    this.#leaving.add(session);
    await this.#leaveAll(session);
  }

  #finishLeaving(): void {
    for (const session of this.#leaving) void this.#leaveAll(session);
  }

  /** Never rejects: what fails is tried again with the next beat. */
  #leaveAll(session: Session): Promise<void> {
    session.leaving ??= this.#tryToLeave(session).finally(() => {
      session.leaving = undefined;
    });
    return session.leaving;
  }

  async #tryToLeave(session: Session): Promise<void> {
    const { clientId, userId } = session.subscriber.member;
    const { commands, keys } = this.#link;
    try {
      await Promise.all([...session.rooms].map((name) => this.#leaveRoom(session, name, "d")));
      await Promise.all([
        commands.send(["HDEL", keys.connections(userId), clientId]),
        commands.send(["DEL", keys.client(clientId)]),
        commands.send(["HDEL", keys.clientsOf(session.node), clientId]),
      ]);
      this.#leaving.delete(session);
    } catch {
      // It stays in #leaving.
    }
  }

  // --- rooms ---

  async join(
    subscriber: Subscriber,
    name: string,
    since: Position | undefined,
    onJoined: (joined: Joined) => void,
  ): Promise<Refused | undefined> {
    return this.#inTurn(subscriber, async (session) => {
      this.#link.checkLease(session.node);
      await this.#endDoubt(session, name);
      const room = this.#logs.open(name);
      const before = room.listeners.get(subscriber.member.clientId);
      const listener = before ?? room.hold(subscriber);
      try {
        await this.#logs.list(room, session.node);
        session.rooms.add(name);
        const reply = await this.#callJoin(session, room, since);
        if (reply[0] === "full") {
          session.rooms.delete(name);
          this.#logs.close(name, listener);
          return { refused: "ROOM_FULL" };
        }
        const [, epoch, seq, memberCount, members, recovered, missed] = reply as JoinReply;
        await this.#follow(room, listener, epoch, seq, memberCount);
        // A second join is told as of the event that it has seen last, which may be later.
        const at = room.reader.position;
        const isLater = listener === before && at?.epoch === epoch;
        onJoined({
          epoch,
          seq: isLater ? at.seq : seq,
          memberCount: isLater ? room.reader.memberCount : memberCount,
          members: members.filter((member) => member !== null).map((member) => JSON.parse(member) as Member),
          recovered: recovered === "" ? undefined : recovered === "1",
        });
        for (const text of missed) sendAgain(subscriber, name, text);
        if (listener.held !== undefined) room.release(listener);
        return undefined;
      } catch (error) {
        if (listener !== before) {
          this.#logs.close(name, listener);
          if (error instanceof HubUncertain) session.doubtful.add(name);
          else session.rooms.delete(name);
        }
        throw error;
      }
    });
  }

  #callJoin({ subscriber, node }: Session, { keys }: Room, since: Position | undefined): Promise<Reply> {
    const { clientId, userId, username } = subscriber.member;
    const scriptKeys = [keys.meta, keys.stream, keys.members, keys.order, keys.at(node)];
    const json = JSON.stringify({ clientId, userId, username });
    const args = [
      this.#link.createOp(),
      json,
      clientId,
      `${this.#settings.membersPerRoom}`,
      since?.epoch ?? "",
      `${since?.seq ?? ""}`,
    ];
    return this.#link.commands.callOnce(() => this.#link.commands.call("join", scriptKeys, args));
  }

  /** The listener gets what comes after the position; resolves once this node has seen all up to it. */
  async #follow({ reader }: Room, listener: Listener, epoch: string, seq: number, memberCount: number): Promise<void> {
    // Others follow an epoch that has ended: they are told, then all go on in the new one.
    if (reader.position !== undefined && reader.position.epoch !== epoch) reader.lose();
    listener.from ??= seq;
    if (reader.position === undefined) reader.anchor(epoch, seq, memberCount);
    else await reader.reached(seq);
  }

  async leave(subscriber: Subscriber, name: string, onLeft: () => void): Promise<void> {
    return this.#inTurn(subscriber, async (session) => {
      if (session.rooms.has(name)) await this.#leaveRoom(session, name, "l");
      onLeft();
    });
  }

  /** Ends the membership, once the connection has been handed all that was said before. */
  async #leaveRoom(session: Session, name: string, kind: "l" | "d"): Promise<void> {
    const { clientId } = session.subscriber.member;
    const { commands, keys } = this.#link;
    const { meta, stream, members, order, at } = keys.room(name);
    const args = [this.#link.createOp(), kind, `${this.#settings.keepRoomMs}`, clientId, "1"];
    const scriptKeys = [meta, stream, members, order, at(session.node)];
    const [word, epoch, seq] = await commands.callOnce(() => commands.call("leave", scriptKeys, args));
    const room = this.#logs.room(name);
    if (word === "ok" && room !== undefined && room.reader.position?.epoch === epoch) await room.reader.reached(Number(seq));
    // The first try had got through.
    else await room?.reader.fill();
    session.rooms.delete(name);
    session.doubtful.delete(name);
    this.#logs.close(name, room?.listeners.get(clientId));
  }

  /** Ends the membership that a failed join may have begun. */
  async #endDoubt(session: Session, name: string): Promise<void> {
    if (session.doubtful.has(name)) await this.#leaveRoom(session, name, "d");
  }

  // --- messages ---

  async publish(request: PublishRequest): Promise<Published | Refused> {
    const { room: name, from, content, key, needsMembership } = request;
    const { clientId, userId, username } = from;
    const refused = this.#publisher.countHere(userId);
    if (refused !== undefined) return refused;
    const { keys } = this.#link;
    const reply = await this.#publisher.append({
      room: name,
      keys: name === null ? keys.broadcast : keys.room(name),
      userId,
      kind: "m",
      body: JSON.stringify({ from: { clientId, userId, username }, content }),
      member: needsMembership ? (clientId ?? "") : "",
      key,
      // 0 would mean for ever.
      keepMs: name === null ? 0 : Math.max(1, this.#settings.keepRoomMs),
      isRated: false,
    });
    if (reply[0] === "rate") return { refused: "RATE_LIMITED", retryAfterMs: Number(reply[1]) };
    const room = name === null ? this.#logs.broadcast : this.#logs.room(name);
    if (reply[0] === "not-member") {
      if (room?.listeners.has(clientId ?? "") !== true) return { refused: "NOT_IN_ROOM" };
      // It is a member, only Redis does not know it any more: the beat will show why.
      void this.#link.beat();
      throw new HubUnavailable("Redis has lost the room");
    }
    const [word, epoch, seq, first] = reply as [string, string, number, string];
    if (word === "before") return { room: first === "" ? null : first, epoch, seq };
    // Answered when this node has handed it on, so that what the sender asks next is answered after it.
    if (room?.reader.position?.epoch === epoch) await room.reader.reached(seq);
    return { room: name, epoch, seq };
  }

  spend(userId: string): Promise<Refused | undefined> {
    return this.#publisher.spend(userId);
  }

  async direct(from: Member, to: string, content: string): Promise<"sent" | Refused> {
    const { clientId, userId, username } = from;
    const { commands, keys } = this.#link;
    const refused = this.#publisher.countHere(userId);
    if (refused !== undefined) return refused;
    // Asked at the same moment, so that messages keep their order; looked at only where the rate allows.
    const [overRate, node] = await asUnavailable(Promise.all([this.spend(userId), commands.send(["GET", keys.client(to)])]));
    if (overRate !== undefined) return overRate;
    if (typeof node !== "string") return { refused: "RECIPIENT_NOT_FOUND" };
    const reply = await this.#publisher.append({
      room: null,
      keys: keys.inbox(node),
      userId,
      kind: "i",
      body: JSON.stringify({ to, from: { clientId, userId, username }, content }),
      member: "",
      key: undefined,
      keepMs: keepInboxMs,
      isRated: true,
    });
    const { inbox } = this.#logs;
    if (inbox.node === node && inbox.reader.position?.epoch === reply[1]) await inbox.reader.reached(Number(reply[2]));
    return "sent";
  }

  typing(from: Member, name: string, active: boolean): void {
    const { clientId, userId, username } = from;
    const text = Room.typing({ room: name, clientId, userId, username, active, atMs: Date.now() });
    this.#link.commands.send(["SPUBLISH", this.#link.keys.room(name).stream, text]).catch(() => {});
  }

  // --- the end ---

  async close(): Promise<void> {
    if (this.#link.isClosed) return;
    const goodbye = Promise.allSettled([...[...this.#leaving].map((session) => this.#leaveAll(session)), this.#link.resign()]);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, 1_000);
    });
    await Promise.race([goodbye, late]);
    clearTimeout(timer);
    this.abandon();
  }

  /** Ends as a crash would: without a word to Redis. */
  abandon(): void {
    clearInterval(this.#tend);
    this.#link.abandon();
    this.#logs.release();
  }

  #inTurn<T>(subscriber: Subscriber, act: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#sessions.get(subscriber);
    if (session === undefined) return Promise.reject(new HubUnavailable("the connection is not attached"));
    const turn = session.tail.catch(() => {}).then(() => act(session));
    session.tail = turn;
    return turn;
  }
}

/** What join.lua gives. */
type JoinReply = [
  word: string,
  epoch: string,
  seq: number,
  memberCount: number,
  members: (string | null)[],
  recovered: string,
  missed: string[],
];

function sendAgain(subscriber: Subscriber, name: string, text: string): void {
  const line = parseLine(text);
  if (line === undefined) return;
  const event = eventOf(name, line);
  if (event.except !== subscriber.member.clientId) subscriber.event(event);
}
