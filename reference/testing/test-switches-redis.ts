// Faults of the Redis hub for the test server: what a node does wrong towards the others.
import type { LogEvent, Subscriber } from "../hub/hub.ts";
import { eventOf, LogReader, parseEntry } from "../hub/redis/log-reader.ts";
import { Logs, Room } from "../hub/redis/logs.ts";
import { Presence } from "../hub/redis/presence.ts";
import { Publisher } from "../hub/redis/publisher.ts";
import { type Switch, wrap } from "./test-switch.ts";

/** How often an occasional fault occurs. */
const everyNth = 50;

/** Delivers to local connections only the events for which `passes` is true. */
function filterEvents(passes: (event: LogEvent, subscriber: Subscriber) => boolean): void {
  wrap(Room.prototype, "buffer", (original, _, [subscriber]) =>
    original({
      member: subscriber.member,
      onEvent: (event) => passes(event, subscriber) && subscriber.onEvent(event),
      onEphemeral: (event) => subscriber.onEphemeral(event),
      onStateLost: (room) => subscriber.onStateLost(room),
    }),
  );
}

export const redisSwitches: Readonly<Record<string, Switch>> = {
  "redis-local-first": {
    about:
      "Delivers a message to the members of its own node before the log returns it, at the expected position, and ignores the echo.",
    plant() {
      const rooms = new Map<string, Room>();
      wrap(Logs.prototype, "open", (original, _, [name]) => {
        const room = original(name);
        rooms.set(name, room);
        return room;
      });
      const shown = new WeakMap<object, Set<string>>();
      const isShown = (subscriber: Subscriber) => shown.get(subscriber.member) ?? new Set();
      const contentOf = ({ text }: LogEvent) =>
        JSON.stringify((JSON.parse(text) as { payload: { content?: string } }).payload.content);
      filterEvents((event, subscriber) => !isShown(subscriber).delete(contentOf(event)));
      wrap(Publisher.prototype, "append", (original, _, [append]) => {
        const room = rooms.get(append.room ?? "");
        const at = room?.reader.position;
        if (at !== undefined && room?.listeners.has(append.member) === true) {
          const body = JSON.parse(append.body) as Record<string, unknown>;
          const { memberCount } = room.reader;
          const event = eventOf(append.room, { ...at, seq: at.seq + 1, atMs: Date.now(), memberCount, kind: "m", body });
          for (const { subscriber, buffered } of room.listeners.values()) {
            if (buffered !== undefined) continue;
            subscriber.onEvent(event);
            shown.set(subscriber.member, isShown(subscriber).add(contentOf(event)));
          }
        }
        return original(append);
      });
    },
  },
  "redis-plain-pubsub": {
    about: "Delivers whatever is on the channel, as plain pub/sub does, and never reads the stream.",
    plant() {
      wrap(LogReader.prototype, "refill", async () => undefined);
      wrap(LogReader.prototype, "receive", (original, reader, [text]) => {
        const entry = parseEntry(text);
        if (entry && reader.position) reader.startAfter(entry.epoch, entry.seq - 1, entry.memberCount);
        original(text);
      });
    },
  },
  "redis-publishes-twice": {
    about: `Each ${everyNth}th message is appended twice, like a retry that is not recognised.`,
    plant() {
      let count = 0;
      wrap(Publisher.prototype, "append", async (original, _, [append]) => {
        const reply = await original(append);
        if (append.kind === "m" && reply[0] === "ok" && ++count % everyNth === 0)
          await original({ ...append, idempotencyKey: undefined });
        return reply;
      });
    },
  },
  "redis-drops-one-in-fifty": {
    about: `Each ${everyNth}th event of a connection of this node is not delivered.`,
    plant() {
      const counts = new WeakMap<object, number>();
      filterEvents((_, { member }) => {
        const count = (counts.get(member) ?? 0) + 1;
        counts.set(member, count);
        return count % everyNth !== 0;
      });
    },
  },
  "redis-counts-own-node": {
    about: "Joins and leaves report the number of members on this node, not of all nodes.",
    plant() {
      wrap(Room.prototype, "receive", (original, room, [text]) =>
        original(text.replace(/^(\S+ \d+ \d+) \d+ /gm, `$1 ${room.listeners.size} `)),
      );
    },
  },
  "redis-never-expires-nodes": {
    about: "Members of a dead node stay members.",
    plant() {
      wrap(Presence.prototype, "onHeartbeat", () => undefined);
    },
  },
  "redis-forgets-keys": {
    about: "A repeated idempotency key publishes the message again.",
    plant() {
      wrap(Publisher.prototype, "append", (original, _, [append]) => original({ ...append, idempotencyKey: undefined }));
    },
  },
};
