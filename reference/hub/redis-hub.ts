// The hub on Redis (or Valkey): any number of nodes, one order. A node hands on only what came back from the log.
import { randomBytes } from "node:crypto";
import { KeyedLimiter } from "../limiter.ts";
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
import { Commands, type Reply, run } from "./redis/commands.ts";
import { RedisConnection } from "./redis/connection.ts";
import { createKeys, type Keys, type RoomKeys } from "./redis/keys.ts";
import { eventOf, parseLine } from "./redis/line.ts";
import { LogReader } from "./redis/log-reader.ts";
import { Presence } from "./redis/presence.ts";
import { type Listener, Room } from "./redis/room.ts";
import { scripts } from "./redis/scripts.ts";
import { type Client, explainRedisError, inspectServer, parseRedisUrl } from "./redis/server.ts";
import { Subscriptions } from "./redis/subscriptions.ts";
import { encodeDirectMessage } from "./room-frames.ts";

export interface RedisHubOptions {
  /** `redis://[user:password@]host[:port][/database]`, `rediss://` with TLS, or `unix:///path`. */
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
  /** Told whenever `available` changes, with the reason in words for a log. */
  onStatus?(isAvailable: boolean, reason: string): void;
  /** Told of what was ignored or refused: garbage on a channel, foreign data under a key. */
  onTrouble?(reason: string): void;
}

/** A connection of this node. */
interface Session {
  readonly subscriber: Subscriber;
  /** The name of this node when it came. */
  readonly node: string;
  readonly rooms: Set<string>;
  /** Its operations, one after the other. */
  tail: Promise<unknown>;
  hasLeft: boolean;
}

interface Append {
  readonly room: string | null;
  readonly keys: RoomKeys;
  readonly userId: string;
  readonly kind: "m" | "i";
  /** JSON. */
  readonly body: string;
  /** The connection that must be a member, or the empty string. */
  readonly member: string;
  readonly key: string | undefined;
  /** How long the log is kept where nobody is in the room, in ms; 0: for ever. */
  readonly keepMs: number;
  /** The user's rate has been asked already. */
  readonly isRated: boolean;
}

const fillAfterMs = 250;
const linesPerRead = 500;

export class RedisHub implements Hub {
  readonly #url: string;
  readonly #options: Required<Omit<RedisHubOptions, "onStatus" | "onTrouble">> & RedisHubOptions;
  readonly #keys: Keys;
  readonly #commands: Commands;
  readonly #connection: RedisConnection;
  readonly #listening: RedisConnection;
  readonly #subscriptions = new Subscriptions();
  readonly #presence: Presence;
  readonly #sessions = new Map<Subscriber, Session>();
  readonly #byClientId = new Map<string, Session>();
  readonly #limiter: KeyedLimiter;
  /** Those whose leaving Redis has not confirmed. */
  readonly #leaving = new Set<Session>();
  readonly #rooms = new Map<string, Room>();
  readonly #broadcast: Room;
  #inbox: { readonly node: string; readonly keys: RoomKeys; readonly reader: LogReader };
  /** This life of the node: a new one begins when others have buried it, or Redis has forgotten it. */
  #node = randomName();
  #isKnown = false;
  #leaseUntilMs = Number.NEGATIVE_INFINITY;
  #isListening = false;
  #refusal: string | undefined;
  #status: { isAvailable: boolean; reason: string } = { isAvailable: false, reason: "not connected yet" };
  #isClosed = false;
  #ops = 0;
  readonly #opPrefix = randomName();
  readonly #beat: NodeJS.Timeout;
  readonly #tend: NodeJS.Timeout;

  /**
   * Connects in the background: the hub is unavailable until Redis answers.
   * @throws Error that names REDIS_URL, where the URL is none
   */
  constructor(options: RedisHubOptions) {
    this.#url = options.url;
    this.#options = {
      prefix: "wsproof:",
      commandMs: 2_000,
      leaseMs: 10_000,
      beatMs: 1_000,
      ...options,
    };
    const { url, commandMs, leaseMs, beatMs, prefix, settings } = this.#options;
    // Channels know no databases, so keys and channels of all but the first carry the number.
    const database = parseRedisUrl(url);
    this.#keys = createKeys(database === 0 ? prefix : `${prefix}${database}:`);
    const now = (): number => performance.now();
    const createOp = (): string => this.#nextOp();
    this.#connection = new RedisConnection({
      url,
      connectMs: 2 * commandMs,
      prepare: (client) => this.#prepare(client),
      up: () => this.#up(),
      down: (error) => this.#down(error),
    });
    this.#listening = new RedisConnection({
      url,
      connectMs: 2 * commandMs,
      prepare: (client) => this.#subscriptions.prepare(client),
      up: () => this.#heard(),
      down: (error) => this.#deaf(error),
    });
    this.#commands = new Commands({
      connection: this.#connection,
      url,
      commandMs,
      logLength: settings.eventsPerRoom,
      now,
      createEpoch: randomName,
      refused: (reason) => this.#options.onTrouble?.(reason),
    });
    this.#presence = new Presence({
      commands: this.#commands,
      keys: this.#keys,
      leaseMs,
      beatMs,
      keepRoomMs: settings.keepRoomMs,
      createOp,
      now,
    });
    this.#limiter = new KeyedLimiter(settings.publishUser);
    this.#broadcast = this.#createRoom(null, this.#keys.broadcast);
    this.#subscriptions.add(this.#broadcast.keys.stream, (text) => this.#broadcast.hear(text));
    this.#inbox = this.#openInbox();
    this.#beat = setInterval(() => void this.#beatNow(), beatMs);
    this.#tend = setInterval(() => this.#tendReaders(), fillAfterMs);
    this.#connection.open();
    this.#listening.open();
  }

  get available(): boolean {
    return this.#status.isAvailable;
  }

  get isRateLocal(): boolean {
    return this.#commands.server === undefined;
  }

  /** Why it is not available; "ok" where it is. */
  get reason(): string {
    return this.#status.reason;
  }

  /** This node's name among the others, until it has been taken for dead. */
  get name(): string {
    return this.#node;
  }

  // --- the connection to Redis ---

  async #prepare(client: Client): Promise<void> {
    const server = await inspectServer(client, this.#keys.format);
    await Promise.all(Object.values(scripts).map(({ text }) => client.sendCommand(["SCRIPT", "LOAD", text])));
    const beat = async (isNew: boolean): Promise<Reply> => {
      const rest = [
        "2",
        this.#keys.live,
        this.#keys.dead,
        "9007199254740991",
        server.runId,
        "0",
        "",
        "0",
        this.#node,
        isNew ? "1" : "0",
      ];
      return run(client, "beat", rest);
    };
    const sentAt = performance.now();
    let reply = await beat(!this.#isKnown);
    if (reply[0] === "gone") {
      this.#beginAnew("Redis has forgotten this node");
      reply = await beat(true);
    }
    this.#isKnown = true;
    this.#leaseUntilMs = sentAt + this.#options.leaseMs;
    this.#commands.use(client, server, Number(reply[1]));
    this.#presence.heard(this.#node, reply);
  }

  #up(): void {
    this.#refusal = undefined;
    this.#updateStatus();
    this.#commands.announce();
    this.#fillReaders();
    this.#finishLeaving();
  }

  #down(error: unknown): void {
    this.#commands.drop();
    this.#refusal = explainRedisError(error, this.#url);
    this.#updateStatus();
  }

  #heard(): void {
    this.#isListening = true;
    this.#updateStatus();
    // What was published while we were deaf is in the streams.
    this.#fillReaders();
  }

  #deaf(error: unknown): void {
    this.#isListening = false;
    this.#subscriptions.down();
    if (!this.#isClosed) this.#updateStatus(explainRedisError(error, this.#url));
  }

  #updateStatus(listeningTrouble = "not listening to Redis yet"): void {
    const reason =
      this.#refusal ?? (this.#commands.server === undefined ? "not connected yet" : this.#isListening ? "ok" : listeningTrouble);
    const isAvailable = reason === "ok" && !this.#isClosed;
    if (isAvailable === this.#status.isAvailable && reason === this.#status.reason) return;
    this.#status = { isAvailable, reason };
    this.#options.onStatus?.(isAvailable, reason);
  }

  async #beatNow(): Promise<void> {
    const { commandMs, leaseMs } = this.#options;
    // Nothing is lost where the ping fails: the connection is made anew.
    const listening = this.#listening.client;
    if (listening !== undefined) {
      const timer = setTimeout(() => {
        if (this.#listening.client === listening) this.#listening.replace("Redis does not answer");
      }, 2 * commandMs);
      listening.ping().then(
        () => clearTimeout(timer),
        () => clearTimeout(timer),
      );
    }
    const sentAt = performance.now();
    try {
      const reply = await this.#commands.call("beat", [this.#keys.live, this.#keys.dead], [this.#node, "0"]);
      if (this.#isClosed) return;
      if (reply[0] === "gone") {
        // Its connections have been announced as gone, or their rooms are: none of them can go on.
        this.#isKnown = false;
        this.#connection.replace("Redis has forgotten this node");
        this.#beginAnew("Redis has forgotten this node");
        return;
      }
      this.#leaseUntilMs = sentAt + leaseMs;
      this.#commands.tune(Number(reply[1]));
      this.#presence.heard(this.#node, reply);
      this.#refusal = undefined;
      this.#finishLeaving();
      const inbox = this.#inbox.keys;
      for (const key of [inbox.meta, inbox.stream]) {
        this.#commands.send(["PEXPIRE", key, `${this.#options.settings.keepRoomMs}`]).catch(() => {});
      }
    } catch (error) {
      this.#refusal = (error as Error).message;
    }
    this.#updateStatus();
  }

  /** Everything that this node told Redis is gone: a new life, with no connections of the old one. */
  #beginAnew(reason: string): void {
    this.#node = randomName();
    this.#isKnown = false;
    this.#leaseUntilMs = Number.NEGATIVE_INFINITY;
    this.#options.onTrouble?.(reason);
    this.#inbox.reader.lose();
    this.#subscriptions.remove(this.#inbox.keys.stream);
    this.#inbox = this.#openInbox();
    for (const room of this.#rooms.values()) room.reader.lose();
    this.#broadcast.reader.lose();
    for (const session of this.#sessions.values()) if (session.node !== this.#node) session.subscriber.lost(null);
  }

  // --- logs ---

  #createRoom(name: string | null, keys: RoomKeys): Room {
    return new Room({ name, keys, read: this.#readerOf(keys), garbage: () => this.#garbage(keys), now: () => performance.now() });
  }

  #openInbox(): { readonly node: string; readonly keys: RoomKeys; readonly reader: LogReader } {
    const node = this.#node;
    const keys = this.#keys.inbox(node);
    const reader = new LogReader({
      read: this.#readerOf(keys),
      garbage: () => this.#garbage(keys),
      now: () => performance.now(),
      deliver: (line) =>
        this.#byClientId.get(String(line.body.to))?.subscriber.loose({
          text: encodeDirectMessage(line.body.from as Member, line.body.content as string, line.atMs),
        }),
      lost: () => {
        for (const session of this.#sessions.values()) if (session.node === node) session.subscriber.lost(null);
      },
    });
    this.#subscriptions.add(keys.stream, (text) => reader.hear(text));
    return { node, keys, reader };
  }

  #readerOf(keys: RoomKeys) {
    return async (epoch: string, seq: number): Promise<{ seq: number; lines: string[] } | "gone"> => {
      const reply = await this.#commands.call("read", [keys.meta, keys.stream], [epoch, `${seq}`, `${linesPerRead}`]);
      return reply[0] === "gone" ? "gone" : { seq: Number(reply[2]), lines: reply[3] as string[] };
    };
  }

  #garbage(keys: RoomKeys): void {
    this.#options.onTrouble?.(`garbage on the channel or in the stream ${keys.stream}: somebody else writes there`);
  }

  #readers(): LogReader[] {
    return [this.#broadcast.reader, this.#inbox.reader, ...[...this.#rooms.values()].map((room) => room.reader)];
  }

  #fillReaders(): void {
    for (const reader of this.#readers()) void reader.fill();
  }

  #tendReaders(): void {
    for (const reader of this.#readers()) reader.tend(fillAfterMs, this.#options.commandMs);
  }

  // --- connections ---

  async attach(subscriber: Subscriber): Promise<"attached" | "too-many"> {
    // What a failed one may have left behind is taken away again.
    return asUnavailable(this.#attach(subscriber));
  }

  async #attach(subscriber: Subscriber): Promise<"attached" | "too-many"> {
    this.#mayJoin();
    const { clientId, userId } = subscriber.member;
    const node = this.#node;
    const inbox = this.#inbox;
    const room = this.#broadcast;
    const { connectionsPerUser } = this.#options.settings;
    const listener = room.hold(subscriber);
    const session: Session = { subscriber, node, rooms: new Set(), tail: Promise.resolve(), hasLeft: false };
    try {
      await Promise.all([this.#subscribed(room.keys), this.#subscribed(inbox.keys)]);
      // Listed first, so that a sweep finds whatever comes after.
      await this.#commands.send(["HSET", this.#keys.clientsOf(node), clientId, userId]);
      const position = (keys: RoomKeys): Promise<Reply> => this.#commands.call("read", [keys.meta, keys.stream], ["", "0", "0"]);
      const [counted, , at, inboxAt] = await Promise.all([
        this.#commands.call("attach", [this.#keys.connections(userId)], [clientId, node, `${connectionsPerUser}`]),
        this.#commands.send(["SET", this.#keys.client(clientId), node]),
        position(room.keys),
        inbox.reader.position === undefined ? position(inbox.keys) : undefined,
      ]);
      if (counted[0] === "too-many") {
        this.#forget(session, listener);
        return "too-many";
      }
      if (this.#node !== node) throw new HubUnavailable("this node was taken for dead");
      if (inboxAt !== undefined && inbox.reader.position === undefined)
        inbox.reader.anchor(String(inboxAt[1]), Number(inboxAt[2]), 0);
      this.#sessions.set(subscriber, session);
      this.#byClientId.set(clientId, session);
      await this.#follow(room, listener, String(at[1]), Number(at[2]), 0);
      room.release(listener);
      return "attached";
    } catch (error) {
      this.#sessions.delete(subscriber);
      this.#forget(session, listener);
      throw error;
    }
  }

  #forget(session: Session, listener: Listener): void {
    const { clientId } = session.subscriber.member;
    if (this.#broadcast.listeners.get(clientId) === listener) this.#broadcast.listeners.delete(clientId);
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
    this.#broadcast.listeners.delete(clientId);
    session.hasLeft = true;
    for (const name of session.rooms) this.#rooms.get(name)?.listeners.delete(clientId);
    // A join that is under way ends first.
    await session.tail.catch(() => {});
    this.#leaving.add(session);
    await this.#leaveAll(session);
  }

  #finishLeaving(): void {
    for (const session of this.#leaving) void this.#leaveAll(session);
  }

  /** Never rejects: what fails is tried again with the next beat. */
  async #leaveAll(session: Session): Promise<void> {
    const { clientId, userId } = session.subscriber.member;
    try {
      await Promise.all(
        [...session.rooms].map(async (name) => {
          const position = await this.#leaveRoom(session, this.#keys.room(name), clientId, "d");
          session.rooms.delete(name);
          const room = this.#rooms.get(name);
          if (position !== undefined && room?.reader.position?.epoch === position.epoch) await room.reader.reached(position.seq);
          this.#closeRoom(name);
        }),
      );
      await Promise.all([
        this.#commands.send(["HDEL", this.#keys.connections(userId), clientId]),
        this.#commands.send(["DEL", this.#keys.client(clientId)]),
        this.#commands.send(["HDEL", this.#keys.clientsOf(session.node), clientId]),
      ]);
      this.#leaving.delete(session);
    } catch {
      // It stays in #leaving.
    }
  }

  async #leaveRoom(session: Session, keys: RoomKeys, clientId: string, kind: "l" | "d"): Promise<Position | undefined> {
    const op = this.#nextOp();
    const reply = await this.#commands.callOnce(() =>
      this.#commands.call(
        "leave",
        [keys.meta, keys.stream, keys.members, keys.order, keys.at(session.node)],
        [op, kind, `${this.#options.settings.keepRoomMs}`, clientId, "1"],
      ),
    );
    return reply[0] === "ok" ? { epoch: String(reply[1]), seq: Number(reply[2]) } : undefined;
  }

  // --- rooms ---

  async join(
    subscriber: Subscriber,
    name: string,
    since: Position | undefined,
    onJoined: (joined: Joined) => void,
  ): Promise<Refused | undefined> {
    return this.#inTurn(subscriber, async (session) => {
      this.#mayJoin();
      const { clientId, userId, username } = subscriber.member;
      const room = this.#hostRoom(name);
      const before = room.listeners.get(clientId);
      const listener = before ?? room.hold(subscriber);
      try {
        await this.#listRoom(room, session.node);
        const { keys } = room;
        const args = [
          this.#nextOp(),
          JSON.stringify({ clientId, userId, username }),
          clientId,
          `${this.#options.settings.membersPerRoom}`,
        ];
        session.rooms.add(name);
        const reply = await this.#commands.callOnce(() =>
          this.#commands.call(
            "join",
            [keys.meta, keys.stream, keys.members, keys.order, keys.at(session.node)],
            [...args, since?.epoch ?? "", `${since?.seq ?? ""}`],
          ),
        );
        if (reply[0] === "full") {
          session.rooms.delete(name);
          this.#closeRoom(name, listener);
          return { refused: "ROOM_FULL" };
        }
        const [, epoch, seq, , memberCount, members, recovered, missed] = reply as [
          string,
          string,
          number,
          number,
          number,
          string[],
          string,
          string[],
        ];
        const joined = (position: Position, count: number): Joined => ({
          ...position,
          memberCount: count,
          members: members.filter((member) => member !== null).map((member) => JSON.parse(member) as Member),
          recovered: recovered === "" ? undefined : recovered === "1",
        });
        await this.#follow(room, listener, epoch, seq, memberCount);
        if (session.hasLeft) return undefined;
        // A second join is told as of the event that it has seen last, which may be later.
        const at = room.reader.position;
        if (listener === before && at?.epoch === epoch) onJoined(joined({ epoch, seq: at.seq }, room.reader.memberCount));
        else onJoined(joined({ epoch, seq }, memberCount));
        for (const text of missed) this.#again(subscriber, name, text);
        if (listener.held !== undefined) room.release(listener);
        return undefined;
      } catch (error) {
        // Whether it is a member now may be unknown: then it is not to be one.
        if (listener !== before) {
          this.#closeRoom(name, listener);
          if (session.rooms.delete(name)) this.#leaveLater(session, name);
        }
        throw error;
      }
    });
  }

  /** Undoes a membership that may have come about although its join has failed. */
  #leaveLater(session: Session, name: string): void {
    const ghost: Session = { ...session, rooms: new Set([name]), hasLeft: true };
    const undo = async (): Promise<void> => {
      await this.#leaveRoom(ghost, this.#keys.room(name), session.subscriber.member.clientId, "d");
    };
    undo().catch(() => {
      if (!this.#isClosed) setTimeout(() => this.#leaveLater(session, name), this.#options.beatMs).unref();
    });
  }

  #again(subscriber: Subscriber, name: string, text: string): void {
    const line = parseLine(text);
    if (line === undefined) return;
    const event = eventOf(name, line);
    if (event.except !== subscriber.member.clientId) subscriber.event(event);
  }

  /** The listener gets what comes after the position; resolves once this node has seen all up to it. */
  async #follow(room: Room, listener: Listener, epoch: string, seq: number, memberCount: number): Promise<void> {
    const { reader } = room;
    // Others follow an epoch that has ended: they are told, then all go on in the new one.
    if (reader.position !== undefined && reader.position.epoch !== epoch) reader.lose();
    listener.from ??= seq;
    if (reader.position === undefined) reader.anchor(epoch, seq, memberCount);
    else await reader.reached(seq);
  }

  async leave(subscriber: Subscriber, name: string, onLeft: () => void): Promise<void> {
    return this.#inTurn(subscriber, async (session) => {
      const room = this.#rooms.get(name);
      const listener = room?.listeners.get(subscriber.member.clientId);
      if (room === undefined || listener === undefined || !session.rooms.has(name)) return onLeft();
      const position = await this.#leaveRoom(session, room.keys, subscriber.member.clientId, "l");
      // What was said before it left is still for it.
      if (position !== undefined && room.reader.position?.epoch === position.epoch) await room.reader.reached(position.seq);
      session.rooms.delete(name);
      this.#closeRoom(name, listener);
      onLeft();
    });
  }

  #hostRoom(name: string): Room {
    let room = this.#rooms.get(name);
    if (room === undefined) {
      const created = this.#createRoom(name, this.#keys.room(name));
      room = created;
      this.#rooms.set(name, created);
      this.#subscriptions.add(created.keys.stream, (text) => created.hear(text));
    }
    return room;
  }

  /** Heard, and listed for the sweep, before anybody is in it. */
  async #listRoom(room: Room, node: string): Promise<void> {
    const isListed = room.listedFor === node;
    await Promise.all([
      this.#subscribed(room.keys),
      isListed ? undefined : this.#commands.send(["SADD", this.#keys.roomsOf(node), room.name ?? ""]),
    ]);
    room.listedFor = node;
  }

  /** Stops following where nobody here is in it any more. */
  #closeRoom(name: string, listener?: Listener): void {
    const room = this.#rooms.get(name);
    if (room === undefined) return;
    const clientId = listener?.subscriber.member.clientId ?? "";
    if (room.listeners.get(clientId) === listener) room.listeners.delete(clientId);
    if (room.listeners.size > 0) return;
    this.#rooms.delete(name);
    this.#subscriptions.remove(room.keys.stream);
    if (room.listedFor !== undefined) this.#commands.send(["SREM", this.#keys.roomsOf(room.listedFor), name]).catch(() => {});
  }

  #subscribed(keys: RoomKeys): Promise<void> {
    return this.#subscriptions.ready(keys.stream, this.#options.commandMs);
  }

  // --- messages ---

  async publish(request: PublishRequest): Promise<Published | Refused> {
    const { room: name, from, content, key, needsMembership } = request;
    const { clientId, userId, username } = from;
    const refused = this.#countHere(userId);
    if (refused !== undefined) return refused;
    const reply = await this.#append({
      room: name,
      keys: name === null ? this.#keys.broadcast : this.#keys.room(name),
      userId,
      kind: "m",
      body: JSON.stringify({ from: { clientId, userId, username }, content }),
      member: needsMembership ? (clientId ?? "") : "",
      key,
      keepMs: name === null ? 0 : this.#options.settings.keepRoomMs,
      isRated: false,
    });
    if (reply[0] === "rate") return { refused: "RATE_LIMITED", retryAfterMs: Number(reply[1]) };
    if (reply[0] === "not-member") {
      if (name === null || clientId === null || this.#byClientId.get(clientId)?.rooms.has(name) !== true)
        return { refused: "NOT_IN_ROOM" };
      // It is a member, only Redis does not know it any more.
      void this.#beatNow();
      throw new HubUnavailable("Redis has lost the room");
    }
    const [word, epoch, seq, first] = reply as [string, string, number, string];
    if (word === "before") return { room: first === "" ? null : first, epoch, seq };
    const { reader } = (name === null ? this.#broadcast : this.#rooms.get(name)) ?? {};
    if (reader?.position?.epoch === epoch) await reader.reached(seq);
    return { room: name, epoch, seq };
  }

  /** While Redis is away nothing is accepted, but who asks too often is still told so. */
  #countHere(userId: string): Refused | undefined {
    if (!this.isRateLocal) return undefined;
    const retryAfterMs = this.#limiter.take(userId, performance.now());
    return retryAfterMs === undefined ? undefined : { refused: "RATE_LIMITED", retryAfterMs };
  }

  async #append(append: Append): Promise<Reply> {
    const { room, keys, userId, kind, body, member, key, keepMs } = append;
    const { publishUser, keepKeyMs } = this.#options.settings;
    const op = this.#nextOp();
    let { isRated } = append;
    return this.#commands.callOnce(async (isRetry) => {
      const isCluster = this.#commands.server?.isCluster === true;
      if (isCluster && !isRated) {
        const answer = await this.#askUser(userId, key);
        if (answer[0] !== "ok") return answer;
        isRated = true;
      }
      const once = isCluster ? keys.once(userId, key ?? "") : this.#keys.once(userId, key ?? "");
      const scriptKeys = [keys.meta, keys.stream, keys.members, once, ...(isRated ? [] : [this.#keys.rate(userId)])];
      const window = key === undefined ? "0" : `${keepKeyMs}`;
      const rate = [`${publishUser.burst}`, `${publishUser.perSecond}`];
      const args = [op, body, member, window, ...rate, isRetry ? "1" : "0", `${keepMs}`, kind, room ?? ""];
      const reply = await this.#commands.call("publish", scriptKeys, args);
      if (isCluster && key !== undefined && reply[0] === "ok") {
        await this.#commands.send([
          "SET",
          this.#keys.once(userId, key),
          `${reply[1]} ${reply[2]} ${room ?? ""}`,
          "NX",
          "PX",
          window,
        ]);
      }
      return reply;
    });
  }

  /** Counts a publish of the user, in a call of its own; with a key also looks for what it stood for before. */
  #askUser(userId: string, key?: string): Promise<Reply> {
    const { burst, perSecond } = this.#options.settings.publishUser;
    const keys = [this.#keys.rate(userId), ...(key === undefined ? [] : [this.#keys.once(userId, key)])];
    return this.#commands.call("user", keys, [`${burst}`, `${perSecond}`]);
  }

  async spend(userId: string): Promise<Refused | undefined> {
    const refused = this.#countHere(userId);
    if (refused !== undefined) return refused;
    const counted = await asUnavailable(this.#askUser(userId));
    return counted[0] === "rate" ? { refused: "RATE_LIMITED", retryAfterMs: Number(counted[1]) } : undefined;
  }

  async direct(from: Member, to: string, content: string): Promise<"sent" | Refused> {
    const { clientId, userId, username } = from;
    // Asked at the same moment, so that messages keep their order; looked at only where the rate allows.
    const asked = Promise.all([this.spend(userId), this.#commands.send(["GET", this.#keys.client(to)])]);
    const [refused, node] = await asUnavailable(asked);
    if (refused !== undefined) return refused;
    if (typeof node !== "string") return { refused: "RECIPIENT_NOT_FOUND" };
    const keys = this.#keys.inbox(node);
    const body = JSON.stringify({ to, from: { clientId, userId, username }, content });
    const keepMs = this.#options.settings.keepRoomMs;
    const reply = await this.#append({
      room: null,
      keys,
      userId,
      kind: "i",
      body,
      member: "",
      key: undefined,
      keepMs,
      isRated: true,
    });
    if (this.#inbox.node === node && this.#inbox.reader.position?.epoch === reply[1])
      await this.#inbox.reader.reached(Number(reply[2]));
    return "sent";
  }

  typing(from: Member, name: string, active: boolean): void {
    const { clientId, userId, username } = from;
    const text = Room.typing({ room: name, clientId, userId, username, active, atMs: Date.now() });
    this.#commands.send(["SPUBLISH", this.#keys.room(name).stream, text]).catch(() => {});
  }

  // --- ends ---

  async close(): Promise<void> {
    if (this.#isClosed) return;
    clearInterval(this.#beat);
    clearInterval(this.#tend);
    // The others sweep what is left here at once instead of after the lease.
    const goodbye = Promise.allSettled([
      ...[...this.#leaving].map((session) => this.#leaveAll(session)),
      this.#commands
        .send(["SADD", this.#keys.dead, this.#node])
        .then(() => this.#commands.send(["HDEL", this.#keys.live, this.#node])),
    ]);
    await Promise.race([goodbye, new Promise((resolve) => setTimeout(resolve, 1_000))]);
    this.abandon();
  }

  /** Ends as a crash would: without a word to Redis. */
  abandon(): void {
    clearInterval(this.#beat);
    clearInterval(this.#tend);
    this.#isClosed = true;
    this.#commands.close();
    this.#connection.close();
    this.#listening.close();
    for (const reader of this.#readers()) reader.tend(0, -1);
  }

  #inTurn<T>(subscriber: Subscriber, act: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#sessions.get(subscriber);
    if (session === undefined) return Promise.reject(new HubUnavailable("the connection is not attached"));
    const turn = session.tail.catch(() => {}).then(() => act(session));
    session.tail = turn;
    return turn;
  }

  /** A new presence is only promised while others surely think that this node lives. */
  #mayJoin(): void {
    if (performance.now() + this.#options.commandMs > this.#leaseUntilMs) throw new HubUnavailable(this.#status.reason);
  }

  #nextOp(): string {
    return `${this.#opPrefix}.${(this.#ops++).toString(36)}`;
  }
}

/** For what takes no effect that anybody would see: then an answer that was lost is as good as a refusal. */
async function asUnavailable<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw error instanceof HubUncertain ? new HubUnavailable(error.message) : error;
  }
}

function randomName(): string {
  return randomBytes(9).toString("base64url");
}
