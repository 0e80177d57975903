// A node beats so that others know that it lives. Who stops is buried by the others, and its connections leave their rooms.
import type { Reply } from "./commands.ts";
import type { Keys } from "./keys.ts";
import type { Shards } from "./shards.ts";

export interface PresenceOptions {
  readonly commands: Shards;
  readonly keys: Keys;
  /** Without a beat for so long, as others have watched it, a node is dead. */
  readonly leaseMs: number;
  readonly beatMs: number;
  readonly keepRoomMs: number;
  createOp(): string;
  now(): number;
}

const membersPerSweep = 200;
const roomsAtOnce = 20;

export class Presence {
  readonly #options: PresenceOptions;
  /** Others, and how long their count has stood still while we were watching. */
  #seen = new Map<string, { count: string; sinceMs: number }>();
  #watchedAt = Number.NEGATIVE_INFINITY;
  readonly #sweeping = new Set<string>();

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Takes what a beat has told: buries who stands still, sweeps who is buried. */
  heard(self: string, reply: Reply): void {
    const { now, leaseMs, beatMs } = this.#options;
    const live = reply[2] as string[];
    const nowMs = now();
    // While Redis was away nobody could beat: watch everyone afresh.
    if (nowMs - this.#watchedAt > 3 * beatMs) this.#seen = new Map();
    this.#watchedAt = nowMs;
    const seen = new Map<string, { count: string; sinceMs: number }>();
    for (let at = 0; at < live.length; at += 2) {
      const [node, count] = [live[at]!, live[at + 1]!];
      if (node === self) continue;
      const before = this.#seen.get(node);
      const watched = before?.count === count ? before : { count, sinceMs: nowMs };
      seen.set(node, watched);
      if (nowMs - watched.sinceMs >= leaseMs) void this.#bury(node, count);
    }
    this.#seen = seen;
    for (const node of reply[3] as string[]) void this.#sweep(node);
  }

  async #bury(node: string, count: string): Promise<void> {
    const { commands, keys } = this.#options;
    const reply = await commands.call("bury", [keys.live, keys.dead], [node, count]).catch(() => undefined);
    if (reply?.[0] === "ok") await this.#sweep(node);
  }

  /** Any number of nodes may do this at once: each member leaves in one atomic call. */
  async #sweep(node: string): Promise<void> {
    if (this.#sweeping.has(node)) return;
    this.#sweeping.add(node);
    try {
      const { commands, keys } = this.#options;
      const rooms = (await commands.send(["SMEMBERS", keys.roomsOf(node)])) as string[];
      let isSwept = true;
      while (rooms.length > 0) {
        // In a Cluster some may have to wait for their master: the others do not.
        const outcomes = await Promise.allSettled(rooms.splice(0, roomsAtOnce).map((room) => this.#sweepRoom(node, room)));
        isSwept &&= outcomes.every(({ status }) => status === "fulfilled");
      }
      if (!isSwept) return;
      const clients = Object.entries((await commands.send(["HGETALL", keys.clientsOf(node)])) as Record<string, string>);
      await Promise.all(
        clients.flatMap(([clientId, userId]) => [
          commands.send(["DEL", keys.client(clientId)]),
          commands.send(["HDEL", keys.connections(userId), clientId]),
        ]),
      );
      const inbox = keys.inbox(node);
      await commands.send(["DEL", keys.clientsOf(node), keys.roomsOf(node), inbox.meta, inbox.stream]);
      await commands.send(["SREM", keys.dead, node]);
    } catch {
      // It stays on the list of the dead; the next beat tries again.
    } finally {
      this.#sweeping.delete(node);
    }
  }

  async #sweepRoom(node: string, room: string): Promise<void> {
    const { commands, keys, createOp, keepRoomMs } = this.#options;
    const { meta, stream, members, order, at } = keys.room(room);
    for (;;) {
      const args = [createOp(), "d", `${keepRoomMs}`, "", `${membersPerSweep}`];
      const reply = await commands.call("leave", [meta, stream, members, order, at(node)], args);
      if (Number(reply.at(-1)) === 0) break;
    }
    await commands.send(["SREM", keys.roomsOf(node), room]);
  }
}
