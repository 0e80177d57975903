// Joins and leaves of one connection. The calls for a connection come one after the other.
import {
  type HubSettings,
  HubUncertain,
  type Joined,
  type Member,
  type Position,
  type Refused,
  type Subscriber,
} from "../hub.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { callOnce, createId, type Reply } from "./commands.ts";
import { eventOf, parseEntry } from "./log-reader.ts";
import type { Logs, Room } from "./logs.ts";

/** One connection of this node, as the hub keeps it. */
export interface HubSession {
  readonly subscriber: Subscriber;
  /** This node's name when the connection attached. */
  readonly nodeName: string;
  /** Rooms of which it is, or may be, a member. */
  readonly rooms: Set<string>;
  /** Those of `rooms` whose join failed with an unknown outcome. The membership must end. */
  readonly unresolvedJoins: Set<string>;
  /** Its last operation. */
  tail: Promise<unknown>;
  /** Its removal from Redis, while that is under way. */
  leaving: Promise<void> | undefined;
}

/** What join.lua returns. */
type JoinReply = [
  status: string,
  epoch: string,
  seq: number,
  memberCount: number,
  members: (string | null)[],
  recovered: string,
  missed: string[],
];

export class Memberships {
  readonly #node: ClusterNode;
  readonly #logs: Logs;
  readonly #settings: HubSettings;

  constructor(node: ClusterNode, logs: Logs, settings: HubSettings) {
    this.#node = node;
    this.#logs = logs;
    this.#settings = settings;
  }

  /** As Hub.join. */
  async join(
    session: HubSession,
    name: string,
    since: Position | undefined,
    onJoined: (joined: Joined) => void,
  ): Promise<Refused | undefined> {
    const { subscriber } = session;
    this.#node.checkLease(session.nodeName);
    await this.resolveJoin(session, name);
    const room = this.#logs.open(name);
    const before = room.listeners.get(subscriber.member.clientId);
    const listener = before ?? room.buffer(subscriber);
    try {
      await this.#logs.prepare(room, session.nodeName);
      session.rooms.add(name);
      const reply = await this.#callJoin(session, room, since);
      if (reply[0] === "full") {
        session.rooms.delete(name);
        this.#logs.close(name, listener);
        return { refused: "ROOM_FULL" };
      }
      const [, epoch, seq, memberCount, members, recovered, missed] = reply as JoinReply;
      await room.follow(listener, epoch, seq, memberCount);
      // The reply to a second join gives the position of the last event that it received, which may be later.
      const at = room.reader.position;
      const isLater = listener === before && at?.epoch === epoch;
      onJoined({
        epoch,
        seq: isLater ? at.seq : seq,
        memberCount: isLater ? room.reader.memberCount : memberCount,
        members: members.filter((member) => member !== null).map((member) => JSON.parse(member) as Member),
        recovered: recovered === "" ? undefined : recovered === "1",
      });
      for (const text of missed) replay(subscriber, name, text);
      if (listener.buffered !== undefined) room.release(listener);
      return undefined;
    } catch (error) {
      if (listener !== before) {
        this.#logs.close(name, listener);
        if (error instanceof HubUncertain) session.unresolvedJoins.add(name);
        else session.rooms.delete(name);
      }
      throw error;
    }
  }

  #callJoin({ subscriber, nodeName }: HubSession, { keys }: Room, since: Position | undefined): Promise<Reply> {
    const { clientId, userId, username } = subscriber.member;
    const scriptKeys = [keys.meta, keys.stream, keys.members, keys.order, keys.membersOn(nodeName)];
    const json = JSON.stringify({ clientId, userId, username });
    const position = [since?.epoch ?? "", `${since?.seq ?? ""}`];
    const args = [createId(), json, clientId, `${this.#settings.membersPerRoom}`, ...position];
    return callOnce(() => this.#node.shards.call("join", scriptKeys, args));
  }

  /**
   * Ends the membership, after every earlier event of the room has been delivered to the connection.
   * @param kind l: the client leaves; d: the connection has ended
   */
  async leave(session: HubSession, name: string, kind: "l" | "d"): Promise<void> {
    const { clientId } = session.subscriber.member;
    const { shards, keys } = this.#node;
    const { meta, stream, members, order, membersOn } = keys.room(name);
    const args = [createId(), kind, `${this.#settings.keepRoomMs}`, clientId, "1"];
    const scriptKeys = [meta, stream, members, order, membersOn(session.nodeName)];
    const [status, epoch, seq] = await callOnce(() => shards.call("leave", scriptKeys, args));
    const room = this.#logs.room(name);
    if (status === "ok" && room !== undefined && room.reader.position?.epoch === epoch) await room.reader.reached(Number(seq));
    // The first attempt took effect, and its answer was lost.
    else await room?.reader.refill();
    session.rooms.delete(name);
    session.unresolvedJoins.delete(name);
    this.#logs.close(name, room?.listeners.get(clientId));
  }

  /** Ends the membership that a failed join may have begun. */
  async resolveJoin(session: HubSession, name: string): Promise<void> {
    if (session.unresolvedJoins.has(name)) await this.leave(session, name, "d");
  }
}

function replay(subscriber: Subscriber, name: string, text: string): void {
  const entry = parseEntry(text);
  if (entry === undefined) return;
  const event = eventOf(name, entry);
  if (event.excludeClientId !== subscriber.member.clientId) subscriber.onEvent(event);
}
