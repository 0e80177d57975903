// Faults of the hub on Redis for the test server: what a node does wrong towards the others.
import type { LogEvent, Subscriber } from "../hub/hub.ts";
import { eventOf, parseLine } from "../hub/redis/line.ts";
import { LogReader } from "../hub/redis/log-reader.ts";
import { Logs } from "../hub/redis/logs.ts";
import { Presence } from "../hub/redis/presence.ts";
import { Publisher } from "../hub/redis/publisher.ts";
import { Room } from "../hub/redis/room.ts";
import { type Switch, wrap } from "./test-switch.ts";

/** What happens now and then happens to each n-th. */
const everyNth = 50;

/** Shows every local connection only those events that `passes` lets through. */
function filterEvents(passes: (event: LogEvent, subscriber: Subscriber) => boolean): void {
  wrap(Room.prototype, "hold", (original, _, [subscriber]) =>
    original({
      member: subscriber.member,
      event: (event) => passes(event, subscriber) && subscriber.event(event),
      loose: (event) => subscriber.loose(event),
      lost: (room) => subscriber.lost(room),
    }),
  );
}

export const redisSwitches: Readonly<Record<string, Switch>> = {
  "redis-local-first": {
    about:
      "A node hands a message to its own members before the log comes back, at the place that it expects, and ignores its echo.",
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
          for (const { subscriber, held } of room.listeners.values()) {
            if (held !== undefined) continue;
            subscriber.event(event);
            shown.set(subscriber.member, isShown(subscriber).add(contentOf(event)));
          }
        }
        return original(append);
      });
    },
  },
  "redis-plain-pubsub": {
    about: "Hands on whatever is on the channel, as plain pub/sub: nothing is ever read from the stream.",
    plant() {
      wrap(LogReader.prototype, "fill", async () => undefined);
      wrap(LogReader.prototype, "hear", (original, reader, [text]) => {
        const line = parseLine(text);
        if (line !== undefined && reader.position !== undefined) reader.anchor(line.epoch, line.seq - 1, line.memberCount);
        original(text);
      });
    },
  },
  "redis-publishes-twice": {
    about: `Each ${everyNth}th message is appended twice, as by a retry that nothing recognises.`,
    plant() {
      let count = 0;
      wrap(Publisher.prototype, "append", async (original, _, [append]) => {
        const reply = await original(append);
        if (append.kind === "m" && reply[0] === "ok" && ++count % everyNth === 0) await original({ ...append, key: undefined });
        return reply;
      });
    },
  },
  "redis-drops-one-in-fifty": {
    about: `Each ${everyNth}th event of a connection of this node is not handed to it.`,
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
    about: "Who joins and leaves is told how many members are on this node, not how many there are.",
    plant() {
      wrap(Room.prototype, "hear", (original, room, [text]) =>
        original(text.replace(/^(\S+ \d+ \d+) \d+ /, `$1 ${room.listeners.size} `)),
      );
    },
  },
  "redis-buries-nobody": {
    about: "Members of a node that has died stay members.",
    plant() {
      wrap(Presence.prototype, "heard", () => undefined);
    },
  },
  "redis-forgets-keys": {
    about: "A message with a key that was used before is published again.",
    plant() {
      wrap(Publisher.prototype, "append", (original, _, [append]) => original({ ...append, key: undefined }));
    },
  },
};
