// Who of this node is in which room. The calls for one connection come one after the other.
import {
  type HubSettings,
  HubUncertain,
  type Joined,
  type Member,
  type Position,
  type Refused,
  type Subscriber,
} from "../hub.ts";
import type { Reply } from "./commands.ts";
import { eventOf, parseLine } from "./line.ts";
import type { RedisLink } from "./link.ts";
import type { Logs } from "./logs.ts";
import type { Room } from "./room.ts";
import type { Session } from "./sessions.ts";

export class Memberships {
  readonly #link: RedisLink;
  readonly #logs: Logs;
  readonly #settings: HubSettings;

  constructor(link: RedisLink, logs: Logs, settings: HubSettings) {
    this.#link = link;
    this.#logs = logs;
    this.#settings = settings;
  }

  /** As Hub.join. */
  async join(
    session: Session,
    name: string,
    since: Position | undefined,
    onJoined: (joined: Joined) => void,
  ): Promise<Refused | undefined> {
    const { subscriber } = session;
    this.#link.checkLease(session.node);
    await this.endDoubt(session, name);
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
      await room.follow(listener, epoch, seq, memberCount);
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

  /**
   * Ends the membership, once the connection has been handed all that was said before.
   * @param kind l: it leaves; d: it is gone
   */
  async leave(session: Session, name: string, kind: "l" | "d"): Promise<void> {
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
  async endDoubt(session: Session, name: string): Promise<void> {
    if (session.doubtful.has(name)) await this.leave(session, name, "d");
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
