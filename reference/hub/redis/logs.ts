// The logs that this node follows, each with its local listeners: the broadcast log, this node's inbox, and the rooms of its connections.
import type { LogEvent, Member, Subscriber } from "../hub.ts";
import { encodeDirectMessage, encodeUserTyping } from "../room-frames.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { RoomKeys } from "./keys.ts";
import { eventOf, type LogEntry, LogReader, type LogReaderOptions } from "./log-reader.ts";

export interface Listener {
  readonly subscriber: Subscriber;
  /** It receives the events after this seq; undefined until its join is answered. */
  afterSeq: number | undefined;
  /** Events that wait until its join has been answered. */
  buffered: LogEvent[] | undefined;
  isLost: boolean;
}

interface Typing extends Member {
  readonly room: string;
  readonly active: boolean;
  readonly atMs: number;
}

/** Marks a text on a room's channel that is in no log. */
const typingPrefix = "typing ";

/** On a room's channel: read the stream, because its epoch may have ended. */
export const refillNotice = "refill";

export function encodeTyping(body: Typing): string {
  return typingPrefix + JSON.stringify(body);
}

/** One log (null: the broadcasts) and the local connections that listen to it. */
export class Room {
  readonly name: string | null;
  readonly keys: RoomKeys;
  readonly reader: LogReader;
  /** By clientId. */
  readonly listeners = new Map<string, Listener>();
  /** The node under whose name Redis lists this room, so that others can sweep it. */
  listedFor: string | undefined;
  readonly #onGarbage: () => void;

  constructor(name: string | null, keys: RoomKeys, reading: Pick<LogReaderOptions, "read" | "onGarbage" | "now">) {
    this.name = name;
    this.keys = keys;
    this.#onGarbage = reading.onGarbage;
    this.reader = new LogReader({ ...reading, deliver: (entry) => this.#deliver(entry), onLost: () => this.#onLost() });
  }

  /** Takes a text from the room's channel: entries of the log, one a line, or something else. */
  receive(text: string): void {
    if (text.startsWith(typingPrefix)) this.#receiveTyping(text.slice(typingPrefix.length));
    else if (text === refillNotice) void this.reader.refill();
    else for (const entry of text.split("\n")) this.reader.receive(entry);
  }

  #receiveTyping(json: string): void {
    try {
      const { room, active, atMs, ...member } = JSON.parse(json) as Typing;
      const event = { text: encodeUserTyping(room, member, active, atMs) };
      for (const [clientId, { subscriber, buffered }] of this.listeners) {
        if (clientId !== member.clientId && buffered === undefined) subscriber.onEphemeral(event);
      }
    } catch {
      this.#onGarbage();
    }
  }

  /** Buffers events for the subscriber from now on, until `release`. */
  buffer(subscriber: Subscriber): Listener {
    const listener: Listener = { subscriber, afterSeq: undefined, buffered: [], isLost: false };
    this.listeners.set(subscriber.member.clientId, listener);
    return listener;
  }

  /** Lets the listener receive what comes after the position; resolves once this node has read up to it. */
  async follow(listener: Listener, epoch: string, seq: number, memberCount: number): Promise<void> {
    const { reader } = this;
    // Listeners of an epoch that has ended are told, then all go on in the new one.
    if (reader.position !== undefined && reader.position.epoch !== epoch) reader.markLost();
    listener.afterSeq ??= seq;
    if (reader.position === undefined) reader.startAfter(epoch, seq, memberCount);
    else await reader.reached(seq);
  }

  /** Delivers the buffered events, then each one as it comes. */
  release(listener: Listener): void {
    const buffered = listener.buffered ?? [];
    listener.buffered = undefined;
    for (const event of buffered) this.#deliverTo(listener, event);
    if (listener.isLost) {
      this.listeners.delete(listener.subscriber.member.clientId);
      listener.subscriber.onStateLost(this.name);
    }
  }

  #deliver(entry: LogEntry): void {
    const event = eventOf(this.name, entry);
    for (const listener of this.listeners.values()) {
      if (listener.buffered !== undefined) listener.buffered.push(event);
      else this.#deliverTo(listener, event);
    }
  }

  #deliverTo(listener: Listener, event: LogEvent): void {
    if (event.seq <= listener.afterSeq! || event.excludeClientId === listener.subscriber.member.clientId) return;
    listener.subscriber.onEvent(event);
  }

  #onLost(): void {
    for (const [clientId, listener] of this.listeners) {
      if (listener.buffered !== undefined) {
        // A join that is not answered yet belongs to the next epoch.
        listener.isLost = listener.afterSeq !== undefined;
        if (!listener.isLost) listener.buffered = [];
      } else {
        this.listeners.delete(clientId);
        listener.subscriber.onStateLost(this.name);
      }
    }
  }
}

export interface Inbox {
  readonly node: string;
  readonly keys: RoomKeys;
  readonly reader: LogReader;
}

export interface LogsOptions {
  readonly node: ClusterNode;
  /** How long a subscription may take, and how long a reply waits for its delivery here, in ms. */
  readonly commandMs: number;
  /** A direct message for a connection of this node. */
  deliverDirect(clientId: string, text: string): void;
  /** Direct messages to connections that attached under this node name may be missing. */
  onInboxLost(nodeName: string): void;
}

/** How long a reply waits for its delivery before the stream is read. */
export const refillAfterMs = 250;
const entriesPerRead = 500;

export class Logs {
  readonly #options: LogsOptions;
  readonly #node: ClusterNode;
  readonly #rooms = new Map<string, Room>();
  readonly broadcast: Room;
  #inbox: Inbox;

  constructor(options: LogsOptions) {
    this.#options = options;
    this.#node = options.node;
    this.broadcast = this.#follow(null, this.#node.keys.broadcast);
    this.#inbox = this.#openInbox();
  }

  get inbox(): Inbox {
    return this.#inbox;
  }

  /** The room, where a connection of this node is a member or about to be. */
  room(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  /** Follows the room. Close it again when nobody becomes a member. */
  open(name: string): Room {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const room = this.#follow(name, this.#node.keys.room(name));
    this.#rooms.set(name, room);
    return room;
  }

  /** Resolves when the room's channel is subscribed and Redis lists the room for this node: both before anybody becomes a member. */
  async prepare(room: Room, nodeName: string): Promise<void> {
    const isListed = room.listedFor === nodeName;
    const { shards, keys } = this.#node;
    await Promise.all([
      this.subscribed(room.keys),
      isListed ? undefined : shards.send(["SADD", keys.roomsOf(nodeName), room.name ?? ""]),
    ]);
    room.listedFor = nodeName;
  }

  /** Removes the listener, and stops following a room without listeners. */
  close(name: string, listener?: Listener): void {
    const room = this.#rooms.get(name);
    if (room === undefined) return;
    const clientId = listener?.subscriber.member.clientId;
    if (clientId !== undefined && room.listeners.get(clientId) === listener) room.listeners.delete(clientId);
    if (room.listeners.size > 0) return;
    this.#rooms.delete(name);
    room.reader.releaseWaiters();
    this.#node.subscriptions.remove(room.keys.stream);
    if (room.listedFor === undefined) return;
    this.#node.shards.send(["SREM", this.#node.keys.roomsOf(room.listedFor), name]).catch(() => {});
  }

  /** @throws HubUnavailable where the subscription is not confirmed in time */
  subscribed(keys: RoomKeys): Promise<void> {
    return this.#node.subscriptions.subscribed(keys.stream, this.#options.commandMs);
  }

  /** Reads what may have been missed. */
  refill(): void {
    for (const reader of this.#readers()) void reader.refill();
  }

  checkWaiters(): void {
    for (const reader of this.#readers()) reader.checkWaiters(refillAfterMs, this.#options.commandMs);
  }

  releaseWaiters(): void {
    for (const reader of this.#readers()) reader.releaseWaiters();
  }

  /** Stops reading every log: the node has a new name. */
  markAllLost(): void {
    this.#inbox.reader.markLost();
    this.#node.subscriptions.remove(this.#inbox.keys.stream);
    this.#inbox = this.#openInbox();
    for (const room of this.#rooms.values()) room.reader.markLost();
    this.broadcast.reader.markLost();
  }

  #follow(name: string | null, keys: RoomKeys): Room {
    const room = new Room(name, keys, this.#reading(keys));
    this.#node.subscriptions.add(keys.stream, (text) => room.receive(text));
    return room;
  }

  #openInbox(): Inbox {
    const { name } = this.#node;
    const keys = this.#node.keys.inbox(name);
    const reader = new LogReader({
      ...this.#reading(keys),
      deliver: ({ body, atMs }) => {
        const text = encodeDirectMessage(body.from as Member, body.content as string, atMs);
        this.#options.deliverDirect(String(body.to), text);
      },
      onLost: () => this.#options.onInboxLost(name),
    });
    this.#node.subscriptions.add(keys.stream, (text) => {
      for (const entry of text.split("\n")) reader.receive(entry);
    });
    return { node: name, keys, reader };
  }

  #reading({ meta, stream }: RoomKeys): Pick<LogReaderOptions, "read" | "onGarbage" | "now"> {
    return {
      read: async (epoch, seq) => {
        const reply = await this.#node.shards.call("read", [meta, stream], [epoch, `${seq}`, `${entriesPerRead}`]);
        return reply[0] === "gone" ? "gone" : { seq: Number(reply[2]), entries: reply[3] as string[] };
      },
      onGarbage: () => this.#node.warn(`garbage on the channel or in the stream ${stream}: another program writes there`),
      now: () => performance.now(),
    };
  }

  #readers(): LogReader[] {
    return [this.broadcast.reader, this.#inbox.reader, ...[...this.#rooms.values()].map((room) => room.reader)];
  }
}
