// The logs that this node follows: that of all connections, its inbox, and those of the rooms that its connections are in.
import type { Member } from "../hub.ts";
import { encodeDirectMessage } from "../room-frames.ts";
import type { RoomKeys } from "./keys.ts";
import type { RedisLink } from "./link.ts";
import { LogReader, type LogReaderOptions } from "./log-reader.ts";
import { type Listener, Room } from "./room.ts";

export interface Inbox {
  readonly node: string;
  readonly keys: RoomKeys;
  readonly reader: LogReader;
}

export interface LogsOptions {
  readonly link: RedisLink;
  /** How long a subscription may take, in ms, and how long an answer waits for its delivery here. */
  readonly commandMs: number;
  /** A direct message for a connection of this node. */
  deliver(clientId: string, text: string): void;
  /** Direct messages to the connections of this life of the node may be missing. */
  inboxLost(node: string): void;
}

/** How long an operation waits for its delivery before the stream is read. */
export const fillAfterMs = 250;
const linesPerRead = 500;

export class Logs {
  readonly #options: LogsOptions;
  readonly #link: RedisLink;
  readonly #rooms = new Map<string, Room>();
  readonly broadcast: Room;
  #inbox: Inbox;

  constructor(options: LogsOptions) {
    this.#options = options;
    this.#link = options.link;
    this.broadcast = this.#follow(null, this.#link.keys.broadcast);
    this.#inbox = this.#openInbox();
  }

  get inbox(): Inbox {
    return this.#inbox;
  }

  /** The room, where somebody here is in it or about to be. */
  room(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  /** The room, followed from now on; to be closed again where nobody gets in. */
  open(name: string): Room {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const room = this.#follow(name, this.#link.keys.room(name));
    this.#rooms.set(name, room);
    return room;
  }

  /** Heard, and listed for the sweep, before anybody is in it. */
  async list(room: Room, node: string): Promise<void> {
    const isListed = room.listedFor === node;
    const { commands, keys } = this.#link;
    await Promise.all([
      this.heard(room.keys),
      isListed ? undefined : commands.send(["SADD", keys.roomsOf(node), room.name ?? ""]),
    ]);
    room.listedFor = node;
  }

  /** The listener goes; a room that nobody here is in is not followed any more. */
  close(name: string, listener?: Listener): void {
    const room = this.#rooms.get(name);
    if (room === undefined) return;
    const clientId = listener?.subscriber.member.clientId;
    if (clientId !== undefined && room.listeners.get(clientId) === listener) room.listeners.delete(clientId);
    if (room.listeners.size > 0) return;
    this.#rooms.delete(name);
    room.reader.release();
    this.#link.subscriptions.remove(room.keys.stream);
    if (room.listedFor === undefined) return;
    this.#link.commands.send(["SREM", this.#link.keys.roomsOf(room.listedFor), name]).catch(() => {});
  }

  /** @throws HubUnavailable where the subscription is not confirmed in time */
  heard(keys: RoomKeys): Promise<void> {
    return this.#link.subscriptions.ready(keys.stream, this.#options.commandMs);
  }

  /** Reads on what may have been missed. */
  fill(): void {
    for (const reader of this.#readers()) void reader.fill();
  }

  tend(): void {
    for (const reader of this.#readers()) reader.tend(fillAfterMs, this.#options.commandMs);
  }

  /** Whoever waits for a delivery need not wait any more. */
  release(): void {
    for (const reader of this.#readers()) reader.release();
  }

  /** Nothing of what was followed goes on: the node has a new name. */
  loseAll(): void {
    this.#inbox.reader.lose();
    this.#link.subscriptions.remove(this.#inbox.keys.stream);
    this.#inbox = this.#openInbox();
    for (const room of this.#rooms.values()) room.reader.lose();
    this.broadcast.reader.lose();
  }

  #follow(name: string | null, keys: RoomKeys): Room {
    const room = new Room({ name, keys, ...this.#reading(keys) });
    this.#link.subscriptions.add(keys.stream, (text) => room.hear(text));
    return room;
  }

  #openInbox(): Inbox {
    const { node } = this.#link;
    const keys = this.#link.keys.inbox(node);
    const reader = new LogReader({
      ...this.#reading(keys),
      deliver: ({ body, atMs }) =>
        this.#options.deliver(String(body.to), encodeDirectMessage(body.from as Member, body.content as string, atMs)),
      lost: () => this.#options.inboxLost(node),
    });
    this.#link.subscriptions.add(keys.stream, (text) => reader.hear(text));
    return { node, keys, reader };
  }

  #reading({ meta, stream }: RoomKeys): Pick<LogReaderOptions, "read" | "garbage" | "now"> {
    return {
      read: async (epoch, seq) => {
        const reply = await this.#link.commands.call("read", [meta, stream], [epoch, `${seq}`, `${linesPerRead}`]);
        return reply[0] === "gone" ? "gone" : { seq: Number(reply[2]), lines: reply[3] as string[] };
      },
      garbage: () => this.#link.trouble(`garbage on the channel or in the stream ${stream}: somebody else writes there`),
      now: () => performance.now(),
    };
  }

  #readers(): LogReader[] {
    return [this.broadcast.reader, this.#inbox.reader, ...[...this.#rooms.values()].map((room) => room.reader)];
  }
}
