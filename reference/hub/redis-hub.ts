// The hub on Redis or Valkey: any number of nodes, one order. A node delivers only what came back from the log.
import type { Hub, HubSettings, Joined, Member, Position, Published, PublishRequest, Refused, Subscriber } from "./hub.ts";
import { ClusterNode } from "./redis/cluster-node.ts";
import { encodeTyping, Logs, refillAfterMs } from "./redis/logs.ts";
import { keepInboxMs, Publisher } from "./redis/publisher.ts";
import { Sessions } from "./redis/sessions.ts";
import type { IsAffected } from "./redis/shards.ts";

export interface RedisHubOptions {
  /**
   * `redis://[user:password@]host[:port][/database]`, `rediss://` with TLS, or `unix:///path`. For a Redis Cluster any node, or several
   * separated by commas.
   */
  readonly url: string;
  readonly settings: HubSettings;
  /** Begins every key. Default `wsproof:`. */
  readonly prefix?: string;
  /** How long a command may take, in ms. After that it is answered with UNAVAILABLE and cannot take effect any more. Default 2000. */
  readonly commandMs?: number;
  /** How long a node may be silent before the others remove its connections, in ms. Default 10000; at least 3 times commandMs. */
  readonly leaseMs?: number;
  /** Time between heartbeats of the node, in ms. Default 1000. */
  readonly heartbeatMs?: number;
  /** Called when `available` or its reason changes. The reason is text for a log. */
  readonly onStatus?: (isAvailable: boolean, reason: string) => void;
  /** Called with what was ignored or rejected: garbage on a channel, foreign data under a key. */
  readonly onWarning?: (reason: string) => void;
}

/** How long `close` waits for Redis. */
const goodbyeMs = 1_000;

export class RedisHub implements Hub {
  readonly #node: ClusterNode;
  readonly #logs: Logs;
  readonly #publisher: Publisher;
  readonly #sessions: Sessions;
  readonly #timer: NodeJS.Timeout;

  /**
   * Connects in the background: the hub is unavailable until Redis answers.
   * @throws Error that names REDIS_URL, where the URL cannot be used
   */
  constructor(options: RedisHubOptions) {
    const { url, settings, prefix = "wsproof:", commandMs = 2_000, leaseMs = 10_000, heartbeatMs = 1_000 } = options;
    this.#node = new ClusterNode({
      url,
      prefix,
      commandMs,
      leaseMs,
      heartbeatMs,
      logLength: settings.eventsPerRoom,
      keepRoomMs: settings.keepRoomMs,
      onStatus: options.onStatus,
      onWarning: options.onWarning,
      onRestored: () => {
        this.#logs.refill();
        void this.#sessions.finishLeaving();
      },
      onHeartbeatOk: () => this.#onHeartbeatOk(),
      onNodeExpired: () => this.#onNodeExpired(),
      onDataLost: (isAffected) => this.#onDataLost(isAffected),
    });
    this.#logs = new Logs({
      node: this.#node,
      commandMs,
      deliverDirect: (clientId, text) => this.#sessions.find(clientId)?.onEphemeral({ text }),
      onInboxLost: (nodeName) => this.#sessions.loseState((session) => session.nodeName === nodeName),
    });
    this.#sessions = new Sessions(this.#node, this.#logs, settings);
    this.#publisher = new Publisher(this.#node, this.#logs, settings);
    this.#timer = setInterval(() => this.#logs.checkWaiters(), refillAfterMs);
    this.#node.open();
  }

  get available(): boolean {
    return this.#node.status.isAvailable;
  }

  get isRateLocal(): boolean {
    return this.#publisher.isRateLocal;
  }

  /** Why it is not available; "ok" while it is. */
  get reason(): string {
    return this.#node.status.reason;
  }

  /** This node's name among the others. It changes when they have expired it. */
  get nodeName(): string {
    return this.#node.name;
  }

  #onHeartbeatOk(): void {
    void this.#sessions.finishLeaving();
    this.#sessions.resolveJoins();
    const { meta, stream } = this.#logs.inbox.keys;
    for (const key of [meta, stream]) this.#node.shards.send(["PEXPIRE", key, `${keepInboxMs}`]).catch(() => {});
  }

  /** The other nodes have announced that its connections left, or its rooms are lost: no connection can go on. */
  #onNodeExpired(): void {
    this.#logs.markAllLost();
    this.#sessions.loseState((session) => session.nodeName !== this.#node.name);
  }

  /** Closes the connections whose own keys may be lost, because direct messages and limits would miss them. */
  #onDataLost(isAffected: IsAffected): void {
    const { keys } = this.#node;
    this.#sessions.loseState(({ subscriber: { member } }) =>
      [keys.client(member.clientId), keys.connections(member.userId)].some(isAffected),
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
    return this.#sessions.join(subscriber, name, since, onJoined);
  }

  leave(subscriber: Subscriber, name: string, onLeft: () => void): Promise<void> {
    return this.#sessions.leave(subscriber, name, onLeft);
  }

  publish(request: PublishRequest): Promise<Published | Refused> {
    return this.#publisher.publish(request);
  }

  consumeRate(userId: string): Promise<Refused | undefined> {
    return this.#publisher.consumeRate(userId);
  }

  direct(from: Member, to: string, content: string): Promise<"sent" | Refused> {
    return this.#publisher.direct(from, to, content);
  }

  typing(from: Member, name: string, active: boolean): void {
    const { clientId, userId, username } = from;
    const text = encodeTyping({ room: name, clientId, userId, username, active, atMs: Date.now() });
    this.#node.shards.send(["SPUBLISH", this.#node.keys.room(name).stream, text]).catch(() => {});
  }

  async close(): Promise<void> {
    if (this.#node.isClosed) return;
    const goodbye = Promise.allSettled([this.#sessions.finishLeaving(), this.#node.resign()]);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise((resolve) => {
      timer = setTimeout(resolve, goodbyeMs);
    });
    await Promise.race([goodbye, timeout]);
    clearTimeout(timer);
    this.destroy();
  }

  /** Stops as a crash would, without telling Redis. */
  destroy(): void {
    clearInterval(this.#timer);
    this.#node.destroy();
    this.#logs.releaseWaiters();
  }
}
