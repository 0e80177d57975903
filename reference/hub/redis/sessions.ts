// The connections of this node: how they attach, how their operations are serialised, and how they detach.
import { type HubSettings, HubUnavailable, type Joined, type Position, type Refused, type Subscriber } from "../hub.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { Reply } from "./commands.ts";
import type { RoomKeys } from "./keys.ts";
import type { Listener, Logs } from "./logs.ts";
import { type HubSession, Memberships } from "./memberships.ts";
import { asUnavailable } from "./publisher.ts";

export class Sessions {
  readonly #node: ClusterNode;
  readonly #logs: Logs;
  readonly #memberships: Memberships;
  readonly #settings: HubSettings;
  readonly #attached = new Map<Subscriber, HubSession>();
  readonly #byClientId = new Map<string, HubSession>();
  /** Those whose removal Redis has not confirmed. */
  readonly #leaving = new Set<HubSession>();

  constructor(node: ClusterNode, logs: Logs, settings: HubSettings) {
    this.#node = node;
    this.#logs = logs;
    this.#memberships = new Memberships(node, logs, settings);
    this.#settings = settings;
  }

  /** The connection with this id, where it is attached to this node. */
  find(clientId: string): Subscriber | undefined {
    return this.#byClientId.get(clientId)?.subscriber;
  }

  /** Tells these connections that events may be missing. */
  loseState(isLost: (session: HubSession) => boolean): void {
    for (const session of this.#attached.values()) if (isLost(session)) session.subscriber.onStateLost(null);
  }

  /** As Hub.join. */
  join(
    subscriber: Subscriber,
    name: string,
    since: Position | undefined,
    onJoined: (joined: Joined) => void,
  ): Promise<Refused | undefined> {
    return this.#serialize(subscriber, (session) => this.#memberships.join(session, name, since, onJoined));
  }

  /** As Hub.leave. */
  leave(subscriber: Subscriber, name: string, onLeft: () => void): Promise<void> {
    return this.#serialize(subscriber, async (session) => {
      if (session.rooms.has(name)) await this.#memberships.leave(session, name, "l");
      onLeft();
    });
  }

  /** Runs the operation after all earlier ones of the connection. */
  #serialize<T>(subscriber: Subscriber, operation: (session: HubSession) => Promise<T>): Promise<T> {
    const session = this.#attached.get(subscriber);
    if (session === undefined) return Promise.reject(new HubUnavailable("the connection is not attached"));
    const result = session.tail.catch(() => {}).then(() => operation(session));
    session.tail = result;
    return result;
  }

  /** Ends memberships of which it is unknown whether they have begun. */
  resolveJoins(): void {
    for (const { subscriber, unresolvedJoins } of this.#attached.values()) {
      for (const name of unresolvedJoins) {
        this.#serialize(subscriber, (session) => this.#memberships.resolveJoin(session, name)).catch(() => {});
      }
    }
  }

  async attach(subscriber: Subscriber): Promise<"attached" | "too-many"> {
    const nodeName = this.#node.name;
    this.#node.checkLease(nodeName);
    const session: HubSession = {
      subscriber,
      nodeName,
      rooms: new Set(),
      unresolvedJoins: new Set(),
      tail: Promise.resolve(),
      leaving: undefined,
    };
    const listener = this.#logs.broadcast.buffer(subscriber);
    try {
      const result = await asUnavailable(this.#register(session, listener));
      if (result === "too-many") this.#undoAttach(session, listener);
      return result;
    } catch (error) {
      this.#undoAttach(session, listener);
      throw error;
    }
  }

  async #register(session: HubSession, listener: Listener): Promise<"attached" | "too-many"> {
    const { subscriber, nodeName } = session;
    const { clientId, userId } = subscriber.member;
    const { shards, keys } = this.#node;
    const { broadcast, inbox } = this.#logs;
    await Promise.all([this.#logs.subscribed(broadcast.keys), this.#logs.subscribed(inbox.keys)]);
    // Listed before anything else, so that a sweep of this node finds everything that follows.
    await shards.send(["HSET", keys.clientsOf(nodeName), clientId, userId]);
    const position = (log: RoomKeys): Promise<Reply> => shards.call("read", [log.meta, log.stream], ["", "0", "0"]);
    const [counted, , at, inboxAt] = await Promise.all([
      shards.call("attach", [keys.connections(userId)], [clientId, nodeName, `${this.#settings.connectionsPerUser}`]),
      shards.send(["SET", keys.client(clientId), nodeName]),
      position(broadcast.keys),
      inbox.reader.position === undefined ? position(inbox.keys) : undefined,
    ]);
    if (counted[0] === "too-many") return "too-many";
    this.#node.checkLease(nodeName);
    if (inboxAt !== undefined && inbox.reader.position === undefined) {
      inbox.reader.startAfter(String(inboxAt[1]), Number(inboxAt[2]), 0);
    }
    this.#attached.set(subscriber, session);
    this.#byClientId.set(clientId, session);
    await broadcast.follow(listener, String(at[1]), Number(at[2]), 0);
    broadcast.release(listener);
    return "attached";
  }

  /** Removes whatever a failed attach may have left behind. */
  #undoAttach(session: HubSession, listener: Listener): void {
    const { clientId } = session.subscriber.member;
    const { listeners } = this.#logs.broadcast;
    if (listeners.get(clientId) === listener) listeners.delete(clientId);
    this.#attached.delete(session.subscriber);
    if (this.#byClientId.get(clientId) === session) this.#byClientId.delete(clientId);
    this.#leaving.add(session);
    void this.finishLeaving();
  }

  async detach(subscriber: Subscriber): Promise<void> {
    const session = this.#attached.get(subscriber);
    if (session === undefined) return;
    const { clientId } = subscriber.member;
    this.#attached.delete(subscriber);
    this.#byClientId.delete(clientId);
    this.#logs.broadcast.listeners.delete(clientId);
    await session.tail.catch(() => {});
    for (const name of session.rooms) this.#logs.room(name)?.listeners.delete(clientId);
    this.#leaving.add(session);
    await this.#remove(session);
  }

  /** Retries removals that Redis has not confirmed; resolves when each has been tried. */
  async finishLeaving(): Promise<void> {
    await Promise.all([...this.#leaving].map((session) => this.#remove(session)));
  }

  /** Never rejects: the next heartbeat retries what failed. */
  #remove(session: HubSession): Promise<void> {
    session.leaving ??= this.#tryToRemove(session).finally(() => {
      session.leaving = undefined;
    });
    return session.leaving;
  }

  async #tryToRemove(session: HubSession): Promise<void> {
    const { clientId, userId } = session.subscriber.member;
    const { shards, keys } = this.#node;
    const removeClient = async (): Promise<void> => {
      await Promise.all([shards.send(["HDEL", keys.connections(userId), clientId]), shards.send(["DEL", keys.client(clientId)])]);
      // Last, because a sweep of this node reads this list.
      await shards.send(["HDEL", keys.clientsOf(session.nodeName), clientId]);
    };
    // Each room by itself: in a Cluster the master of one may be away.
    const rooms = [...session.rooms].map((name) => this.#memberships.leave(session, name, "d"));
    const outcomes = await Promise.allSettled([removeClient(), ...rooms]);
    if (outcomes.every(({ status }) => status === "fulfilled")) this.#leaving.delete(session);
  }
}
