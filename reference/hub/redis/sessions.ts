// The connections of this node: how they come, how each does one thing after the other, and how they go.
import { type HubSettings, HubUnavailable, type Subscriber } from "../hub.ts";
import type { Reply } from "./commands.ts";
import type { RoomKeys } from "./keys.ts";
import type { RedisLink } from "./link.ts";
import type { Logs } from "./logs.ts";
import type { Memberships } from "./memberships.ts";
import { asUnavailable } from "./publisher.ts";
import type { Listener } from "./room.ts";

export interface Session {
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

export interface SessionsOptions {
  readonly link: RedisLink;
  readonly logs: Logs;
  readonly memberships: Memberships;
  readonly settings: HubSettings;
}

export class Sessions {
  readonly #link: RedisLink;
  readonly #logs: Logs;
  readonly #memberships: Memberships;
  readonly #settings: HubSettings;
  readonly #present = new Map<Subscriber, Session>();
  readonly #byClientId = new Map<string, Session>();
  /** Those whose leaving Redis has not confirmed. */
  readonly #leaving = new Set<Session>();

  constructor({ link, logs, memberships, settings }: SessionsOptions) {
    this.#link = link;
    this.#logs = logs;
    this.#memberships = memberships;
    this.#settings = settings;
  }

  /** The connection with this id, where it is here. */
  find(clientId: string): Subscriber | undefined {
    return this.#byClientId.get(clientId)?.subscriber;
  }

  /** Tells those that cannot go on. */
  lose(isLost: (session: Session) => boolean): void {
    for (const session of this.#present.values()) if (isLost(session)) session.subscriber.lost(null);
  }

  /** Acts for the connection, after all that it has asked for before. */
  inTurn<T>(subscriber: Subscriber, act: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#present.get(subscriber);
    if (session === undefined) return Promise.reject(new HubUnavailable("the connection is not attached"));
    const turn = session.tail.catch(() => {}).then(() => act(session));
    session.tail = turn;
    return turn;
  }

  /** Ends memberships of which nobody knows whether they have begun. */
  endDoubts(): void {
    for (const { subscriber, doubtful } of this.#present.values()) {
      for (const name of doubtful)
        this.inTurn(subscriber, (session) => this.#memberships.endDoubt(session, name)).catch(() => {});
    }
  }

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
    this.#present.set(subscriber, session);
    this.#byClientId.set(clientId, session);
    await broadcast.follow(listener, String(at[1]), Number(at[2]), 0);
    broadcast.release(listener);
    return "attached";
  }

  #takeBack(session: Session, listener: Listener): void {
    const { clientId } = session.subscriber.member;
    const { listeners } = this.#logs.broadcast;
    if (listeners.get(clientId) === listener) listeners.delete(clientId);
    this.#present.delete(session.subscriber);
    if (this.#byClientId.get(clientId) === session) this.#byClientId.delete(clientId);
    this.#leaving.add(session);
    void this.finishLeaving();
  }

  async detach(subscriber: Subscriber): Promise<void> {
    const session = this.#present.get(subscriber);
    if (session === undefined) return;
    const { clientId } = subscriber.member;
    this.#present.delete(subscriber);
    this.#byClientId.delete(clientId);
    this.#logs.broadcast.listeners.delete(clientId);
    await session.tail.catch(() => {});
    for (const name of session.rooms) this.#logs.room(name)?.listeners.delete(clientId);
    this.#leaving.add(session);
    await this.#leaveAll(session);
  }

  /** Tries again where Redis has not confirmed a leaving; resolves when all have been tried. */
  async finishLeaving(): Promise<void> {
    await Promise.all([...this.#leaving].map((session) => this.#leaveAll(session)));
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
    const release = async (): Promise<void> => {
      await Promise.all([
        commands.send(["HDEL", keys.connections(userId), clientId]),
        commands.send(["DEL", keys.client(clientId)]),
      ]);
      // Last, because a sweep looks here for what is left.
      await commands.send(["HDEL", keys.clientsOf(session.node), clientId]);
    };
    // Each by itself: in a Cluster one may have to wait for its master.
    const rooms = [...session.rooms].map((name) => this.#memberships.leave(session, name, "d"));
    const outcomes = await Promise.allSettled([release(), ...rooms]);
    if (outcomes.every(({ status }) => status === "fulfilled")) this.#leaving.delete(session);
  }
}
