// Publishing: appends messages to rooms, to the broadcast log, and direct messages to the inbox of a node.
import { KeyedLimiter } from "../../limiter.ts";
import {
  type HubSettings,
  HubUnavailable,
  HubUncertain,
  type Member,
  type Published,
  type PublishRequest,
  type Refused,
} from "../hub.ts";
import { AppendBatches } from "./append-batches.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { callOnce, type Reply } from "./commands.ts";
import type { RoomKeys } from "./keys.ts";
import type { LogReader } from "./log-reader.ts";
import { type Logs, type Room, refillNotice } from "./logs.ts";

export interface Append {
  /** null: the broadcast log, or an inbox. */
  readonly room: string | null;
  readonly keys: RoomKeys;
  readonly userId: string;
  /** m message, i direct message in an inbox. */
  readonly kind: "m" | "i";
  /** JSON. */
  readonly body: string;
  /** The connection that must be a member, or the empty string. */
  readonly member: string;
  readonly idempotencyKey: string | undefined;
  /** How long a log without members is kept, in ms; 0: for ever. */
  readonly keepMs: number;
  /** Whether the user's rate was consumed before. */
  readonly isRated: boolean;
}

/** Events that the broadcast log and inboxes keep at least, to refill after a reconnect. Clients cannot ask for these with `since`. */
const minLogLength = 1_000;
/** How long an inbox is kept without a heartbeat of its node. */
export const keepInboxMs = 60_000;

export class Publisher {
  readonly #node: ClusterNode;
  readonly #logs: Logs;
  readonly #settings: HubSettings;
  readonly #batches: AppendBatches;
  /** Counts while Redis is away. */
  readonly #localLimiter: KeyedLimiter;

  constructor(node: ClusterNode, logs: Logs, settings: HubSettings) {
    this.#node = node;
    this.#logs = logs;
    this.#settings = settings;
    this.#batches = new AppendBatches(node.shards, settings.publishUser);
    this.#localLimiter = new KeyedLimiter(settings.publishUser);
  }

  get isRateLocal(): boolean {
    const { all } = this.#node.shards;
    return all.length === 0 || all.some(({ isConnected }) => !isConnected);
  }

  /** As Hub.publish. */
  async publish(request: PublishRequest): Promise<Published | Refused> {
    const { room: name, from, content, key, needsMembership } = request;
    const { clientId, userId, username } = from;
    const refused = this.#checkLocalRate(userId);
    if (refused !== undefined) return refused;
    const { keys } = this.#node;
    const reply = await this.append({
      room: name,
      keys: name === null ? keys.broadcast : keys.room(name),
      userId,
      kind: "m",
      body: JSON.stringify({ from: { clientId, userId, username }, content }),
      member: needsMembership ? (clientId ?? "") : "",
      idempotencyKey: key,
      // 0 would mean for ever.
      keepMs: name === null ? 0 : Math.max(1, this.#settings.keepRoomMs),
      isRated: false,
    });
    if (reply[0] === "rate") return { refused: "RATE_LIMITED", retryAfterMs: Number(reply[1]) };
    const room = name === null ? this.#logs.broadcast : this.#logs.room(name);
    if (reply[0] === "not-member") {
      if (room?.listeners.has(clientId ?? "") !== true) return { refused: "NOT_IN_ROOM" };
      // This node knows the membership and Redis does not. Either the heartbeat finds out why, or somebody removed keys of the room.
      void this.#startOver(room, this.#node.name);
      throw new HubUnavailable("Redis has lost the room");
    }
    const [status, epoch, seq, firstRoom] = reply as [string, string, number, string];
    if (status === "before") return { room: firstRoom === "" ? null : firstRoom, epoch, seq };
    await delivered(room?.reader, epoch, seq);
    return { room: name, epoch, seq };
  }

  /** Ends the epoch of a room whose members are gone from Redis, so that every node tells its connections to join again. */
  async #startOver(room: Room, nodeName: string): Promise<void> {
    await this.#node.heartbeat();
    // Redis has lost more than the room, or is away: then all connections are told.
    if (this.#node.name !== nodeName || !this.#node.status.isAvailable) return;
    const { meta, stream } = room.keys;
    await this.#node.shards.send(["DEL", meta]).catch(() => {});
    await this.#node.shards.send(["SPUBLISH", stream, refillNotice]).catch(() => {});
    room.reader.markLost();
  }

  /** As Hub.direct. */
  async direct(from: Member, to: string, content: string): Promise<"sent" | Refused> {
    const { clientId, userId, username } = from;
    const { shards, keys } = this.#node;
    const refused = this.#checkLocalRate(userId);
    if (refused !== undefined) return refused;
    // Both are sent at once, so that messages of a connection keep their order. The rate decides first.
    const [overRate, nodeName] = await asUnavailable(
      Promise.all([this.consumeRate(userId), shards.send(["GET", keys.client(to)])]),
    );
    if (overRate !== undefined) return overRate;
    if (typeof nodeName !== "string") return { refused: "RECIPIENT_NOT_FOUND" };
    const reply = await this.append({
      room: null,
      keys: keys.inbox(nodeName),
      userId,
      kind: "i",
      body: JSON.stringify({ to, from: { clientId, userId, username }, content }),
      member: "",
      idempotencyKey: undefined,
      keepMs: keepInboxMs,
      isRated: true,
    });
    const { inbox } = this.#logs;
    if (inbox.node === nodeName) await delivered(inbox.reader, String(reply[1]), Number(reply[2]));
    return "sent";
  }

  /** As Hub.consumeRate. */
  async consumeRate(userId: string): Promise<Refused | undefined> {
    const refused = this.#checkLocalRate(userId);
    if (refused !== undefined) return refused;
    const reply = await asUnavailable(this.#checkUser(userId));
    return reply[0] === "rate" ? { refused: "RATE_LIMITED", retryAfterMs: Number(reply[1]) } : undefined;
  }

  /** While the user's Redis is away nothing is accepted, but a user who asks too often is still told so. */
  #checkLocalRate(userId: string): Refused | undefined {
    const { shards, keys } = this.#node;
    if (shards.of(keys.rate(userId))?.isConnected) return undefined;
    const retryAfterMs = this.#localLimiter.take(userId, performance.now());
    return retryAfterMs === undefined ? undefined : { refused: "RATE_LIMITED", retryAfterMs };
  }

  /**
   * Appends in a call that also checks the user's rate, the membership and the idempotency key. Returns the message's reply of publish.lua.
   * @throws HubUnavailable or HubUncertain
   */
  async append({ room, keys, userId, kind, body, member, idempotencyKey, keepMs, isRated }: Append): Promise<Reply> {
    const { shards, keys: names } = this.#node;
    const { keepKeyMs, eventsPerRoom } = this.#settings;
    const { isCluster } = shards;
    if (isCluster && !isRated) {
      const refused = await callOnce(() => this.#checkSender(userId, keys, member, idempotencyKey));
      if (refused !== undefined) return refused;
    }
    const length = room === null ? Math.max(minLogLength, eventsPerRoom) : eventsPerRoom;
    const reply = await this.#batches.append(
      { room, keys, kind, keepMs, length },
      {
        body,
        member,
        keyName: (isCluster ? keys : names).idempotency(userId, idempotencyKey ?? ""),
        keepKeyMs: idempotencyKey === undefined ? 0 : keepKeyMs,
        rateName: isCluster || isRated ? undefined : names.rate(userId),
      },
    );
    if (isCluster && idempotencyKey !== undefined && reply[0] === "ok") {
      const position = `${reply[1]} ${reply[2]} ${room ?? ""}`;
      const set = ["SET", names.idempotency(userId, idempotencyKey), position, "NX", "PX", `${keepKeyMs}`];
      await callOnce(() => shards.send(set)).catch((error: Error) => {
        throw new HubUncertain(error.message);
      });
    }
    return reply;
  }

  /** In a Cluster, where the user's keys are in another slot than the log. @returns undefined where the message may be appended */
  async #checkSender(
    userId: string,
    keys: RoomKeys,
    member: string,
    idempotencyKey: string | undefined,
  ): Promise<Reply | undefined> {
    const reply = await this.#checkUser(userId, idempotencyKey);
    // The document checks membership before the key, but the membership is on another process.
    const isMember =
      reply[0] !== "before" || member === "" || Number(await this.#node.shards.send(["HEXISTS", keys.members, member])) === 1;
    if (!isMember) return ["not-member"];
    return reply[0] === "ok" ? undefined : reply;
  }

  /** Consumes the user's rate; with a key, also looks up the key. */
  #checkUser(userId: string, idempotencyKey?: string): Promise<Reply> {
    const { burst, perSecond } = this.#settings.publishUser;
    const { rate, idempotency } = this.#node.keys;
    const keys = [rate(userId), ...(idempotencyKey === undefined ? [] : [idempotency(userId, idempotencyKey)])];
    return this.#node.shards.call("check-user", keys, [`${burst}`, `${perSecond}`]);
  }
}

/** Resolves when this node has delivered the entry, so that what the sender asks next is answered after it. */
async function delivered(reader: LogReader | undefined, epoch: string, seq: number): Promise<void> {
  if (reader?.position?.epoch === epoch) await reader.reached(seq);
}

/** For operations without an effect that anybody sees: an unknown outcome is then as good as a rejection. */
export async function asUnavailable<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw error instanceof HubUncertain ? new HubUnavailable(error.message) : error;
  }
}
