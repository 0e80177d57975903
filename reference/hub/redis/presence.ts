// Which nodes are alive. A node whose heartbeat counter stops is expired by the others, and its connections leave their rooms.
import { createId, type Reply } from "./commands.ts";
import type { Keys } from "./keys.ts";
import type { Shards } from "./shards.ts";

export interface PresenceOptions {
  readonly shards: Shards;
  readonly keys: Keys;
  /** A node without a heartbeat for this long, as another node observed it, is dead. */
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly keepRoomMs: number;
}

const membersPerCall = 200;
const roomsAtOnce = 20;

export class Presence {
  readonly #options: PresenceOptions;
  /** Other nodes, with their last counter and since when it has not changed. */
  #observed = new Map<string, { count: string; sinceMs: number }>();
  #observedAtMs = Number.NEGATIVE_INFINITY;
  readonly #sweeping = new Set<string>();

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Takes the reply of a heartbeat: expires nodes whose counter has stopped, and sweeps those that are expired. */
  onHeartbeat(self: string, reply: Reply): void {
    const { leaseMs, heartbeatMs } = this.#options;
    const live = reply[2] as string[];
    const nowMs = performance.now();
    // While Redis was away no node could renew its lease: start observing again.
    if (nowMs - this.#observedAtMs > 3 * heartbeatMs) this.#observed = new Map();
    this.#observedAtMs = nowMs;
    const observed = new Map<string, { count: string; sinceMs: number }>();
    for (let index = 0; index < live.length; index += 2) {
      const [node, count] = [live[index]!, live[index + 1]!];
      if (node === self) continue;
      const before = this.#observed.get(node);
      const current = before?.count === count ? before : { count, sinceMs: nowMs };
      observed.set(node, current);
      if (nowMs - current.sinceMs >= leaseMs) void this.#expireNode(node, count);
    }
    this.#observed = observed;
    for (const node of reply[3] as string[]) void this.#sweep(node);
  }

  async #expireNode(node: string, count: string): Promise<void> {
    const { shards, keys } = this.#options;
    const reply = await shards.call("expire-node", [keys.live, keys.dead], [node, count]).catch(() => undefined);
    if (reply?.[0] === "ok") await this.#sweep(node);
  }

  /** Removes what is left of a dead node. Several nodes may do this at once, because each member leaves in one atomic call. */
  async #sweep(node: string): Promise<void> {
    if (this.#sweeping.has(node)) return;
    this.#sweeping.add(node);
    try {
      const { shards, keys } = this.#options;
      const rooms = (await shards.send(["SMEMBERS", keys.roomsOf(node)])) as string[];
      let isSwept = true;
      while (rooms.length > 0) {
        // In a Cluster a room whose master is away must not stop the others.
        const outcomes = await Promise.allSettled(rooms.splice(0, roomsAtOnce).map((room) => this.#sweepRoom(node, room)));
        isSwept &&= outcomes.every(({ status }) => status === "fulfilled");
      }
      if (!isSwept) return;
      const clients = Object.entries((await shards.send(["HGETALL", keys.clientsOf(node)])) as Record<string, string>);
      await Promise.all(
        clients.flatMap(([clientId, userId]) => [
          shards.send(["DEL", keys.client(clientId)]),
          shards.send(["HDEL", keys.connections(userId), clientId]),
        ]),
      );
      const inbox = keys.inbox(node);
      await shards.send(["DEL", keys.clientsOf(node), keys.roomsOf(node), inbox.meta, inbox.stream]);
      await shards.send(["SREM", keys.dead, node]);
    } catch {
      // The node stays in the set of dead nodes, so the next heartbeat tries again.
    } finally {
      this.#sweeping.delete(node);
    }
  }

  async #sweepRoom(node: string, room: string): Promise<void> {
    const { shards, keys, keepRoomMs } = this.#options;
    const { meta, stream, members, order, membersOn } = keys.room(room);
    for (;;) {
      const args = [createId(), "d", `${keepRoomMs}`, "", `${membersPerCall}`];
      const reply = await shards.call("leave", [meta, stream, members, order, membersOn(node)], args);
      if (Number(reply.at(-1)) === 0) break;
    }
    await shards.send(["SREM", keys.roomsOf(node), room]);
  }
}
