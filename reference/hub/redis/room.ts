// One log on this node (a room's, or that of all connections) and the local connections that follow it.
import type { LogEvent, Member, Subscriber } from "../hub.ts";
import { encodeUserTyping } from "../room-frames.ts";
import type { RoomKeys } from "./keys.ts";
import { eventOf, type Line } from "./line.ts";
import { LogReader, type LogReaderOptions } from "./log-reader.ts";

export interface Listener {
  readonly subscriber: Subscriber;
  /** It gets the events after this one; undefined until that is known. */
  from: number | undefined;
  /** Events wait here until its join has been answered. */
  held: LogEvent[] | undefined;
  wasLost: boolean;
}

export interface RoomOptions extends Pick<LogReaderOptions, "read" | "garbage" | "now"> {
  /** null: all connections. */
  readonly name: string | null;
  readonly keys: RoomKeys;
}

interface Typing extends Member {
  readonly room: string;
  readonly active: boolean;
  readonly atMs: number;
}

/** Begins what is on a room's channel but in no log. */
const typingMark = "typing ";

export class Room {
  readonly name: string | null;
  readonly keys: RoomKeys;
  readonly reader: LogReader;
  /** By clientId. */
  readonly listeners = new Map<string, Listener>();
  /** The node under whose name this room is listed for the sweep. */
  listedFor: string | undefined;
  readonly #garbage: () => void;

  constructor({ name, keys, read, garbage, now }: RoomOptions) {
    this.name = name;
    this.keys = keys;
    this.#garbage = garbage;
    this.reader = new LogReader({ read, garbage, now, deliver: (line) => this.#deliver(line), lost: () => this.#lost() });
  }

  /** Takes what came on the channel. */
  hear(text: string): void {
    if (text.startsWith(typingMark)) this.#hearTyping(text.slice(typingMark.length));
    else this.reader.hear(text);
  }

  #hearTyping(json: string): void {
    try {
      const { room, active, atMs, ...member } = JSON.parse(json) as Typing;
      const event = { text: encodeUserTyping(room, member, active, atMs) };
      for (const [clientId, { subscriber, held }] of this.listeners) {
        if (clientId !== member.clientId && held === undefined) subscriber.loose(event);
      }
    } catch {
      this.#garbage();
    }
  }

  static typing(body: Typing): string {
    return typingMark + JSON.stringify(body);
  }

  /** Collects for it from now on; `release` lets it have them. */
  hold(subscriber: Subscriber): Listener {
    const listener: Listener = { subscriber, from: undefined, held: [], wasLost: false };
    this.listeners.set(subscriber.member.clientId, listener);
    return listener;
  }

  /** The listener gets what comes after the position; resolves once this node has seen all up to it. */
  async follow(listener: Listener, epoch: string, seq: number, memberCount: number): Promise<void> {
    const { reader } = this;
    // Others follow an epoch that has ended: they are told, then all go on in the new one.
    if (reader.position !== undefined && reader.position.epoch !== epoch) reader.lose();
    listener.from ??= seq;
    if (reader.position === undefined) reader.anchor(epoch, seq, memberCount);
    else await reader.reached(seq);
  }

  /** Hands on what has been held, then goes on as it comes. */
  release(listener: Listener): void {
    const held = listener.held ?? [];
    listener.held = undefined;
    for (const event of held) this.#hand(listener, event);
    if (listener.wasLost) {
      this.listeners.delete(listener.subscriber.member.clientId);
      listener.subscriber.lost(this.name);
    }
  }

  #deliver(line: Line): void {
    const event = eventOf(this.name, line);
    for (const listener of this.listeners.values()) {
      if (listener.held !== undefined) listener.held.push(event);
      else this.#hand(listener, event);
    }
  }

  #hand(listener: Listener, event: LogEvent): void {
    if (event.seq <= listener.from! || event.except === listener.subscriber.member.clientId) return;
    listener.subscriber.event(event);
  }

  #lost(): void {
    for (const [clientId, listener] of this.listeners) {
      if (listener.held !== undefined) {
        // One whose join is not answered yet belongs to the next epoch.
        listener.wasLost = listener.from !== undefined;
        if (!listener.wasLost) listener.held = [];
      } else {
        this.listeners.delete(clientId);
        listener.subscriber.lost(this.name);
      }
    }
  }
}
