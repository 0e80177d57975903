// The hub on Redis (or Valkey): any number of nodes, one order. A node hands on only what came back from the log.
import {
  type Hub,
  type HubSettings,
  HubUnavailable,
  type Joined,
  type Member,
  type Position,
  type Published,
  type PublishRequest,
  type Refused,
  type Subscriber,
} from "./hub.ts";
import { RedisLink } from "./redis/link.ts";
import { fillAfterMs, Logs } from "./redis/logs.ts";
import { Memberships } from "./redis/memberships.ts";
import { asUnavailable, Publisher } from "./redis/publisher.ts";
import { Room } from "./redis/room.ts";
import { Sessions } from "./redis/sessions.ts";
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

/** An inbox is kept at least so long without a beat. */
const keepInboxMs = 60_000;

export class RedisHub implements Hub {
  readonly #settings: HubSettings;
  readonly #link: RedisLink;
  readonly #logs: Logs;
  readonly #publisher: Publisher;
  readonly #memberships: Memberships;
  readonly #sessions: Sessions;
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
        void this.#sessions.finishLeaving();
      },
      beaten: () => this.#beaten(),
      forgotten: () => this.#forgotten(),
      lost: (concerns) => this.#lost(concerns),
    });
    this.#logs = new Logs({
      link: this.#link,
      commandMs,
      deliver: (clientId, text) => this.#sessions.find(clientId)?.loose({ text }),
      inboxLost: (node) => this.#sessions.lose((session) => session.node === node),
    });
    this.#memberships = new Memberships(this.#link, this.#logs, settings);
    this.#sessions = new Sessions({ link: this.#link, logs: this.#logs, memberships: this.#memberships, settings });
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
    void this.#sessions.finishLeaving();
    this.#sessions.endDoubts();
    const { meta, stream } = this.#logs.inbox.keys;
    for (const key of [meta, stream]) this.#link.commands.send(["PEXPIRE", key, `${keepInboxMs}`]).catch(() => {});
  }

  /** Its connections have been announced as gone, or their rooms are: none of them can go on. */
  #forgotten(): void {
    this.#logs.loseAll();
    this.#sessions.lose((session) => session.node !== this.#link.node);
  }

  /** Who or how many they are may be known to nobody any more. */
  #lost(concerns: Concerns): void {
    const { keys } = this.#link;
    this.#sessions.lose(({ subscriber: { member } }) =>
      [keys.client(member.clientId), keys.connections(member.userId)].some(concerns),
    );
  }

  attach(subscriber: Subscriber): Promise<"attached" | "too-many"> {
    return this.#sessions.attach(subscriber);
  }

  detach(subscriber: Subscriber): Promise<void> {
    return this.#sessions.detach(subscriber);
  }

  join(
    subscriber: Subscriber,
    name: string,
    since: Position | undefined,
    onJoined: (joined: Joined) => void,
  ): Promise<Refused | undefined> {
    return this.#sessions.inTurn(subscriber, (session) => this.#memberships.join(session, name, since, onJoined));
  }

  leave(subscriber: Subscriber, name: string, onLeft: () => void): Promise<void> {
    return this.#sessions.inTurn(subscriber, async (session) => {
      if (session.rooms.has(name)) await this.#memberships.leave(session, name, "l");
      onLeft();
    });
  }

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

  async close(): Promise<void> {
    if (this.#link.isClosed) return;
    const goodbye = Promise.allSettled([this.#sessions.finishLeaving(), this.#link.resign()]);
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
}
