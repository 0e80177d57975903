// Faults of the hub on Redis for the test server: what a node does wrong towards the others.
import { parseLine } from "./hub/redis/line.ts";
import { LogReader } from "./hub/redis/log-reader.ts";
import { Presence } from "./hub/redis/presence.ts";
import { Publisher } from "./hub/redis/publisher.ts";
import { type Switch, wrap } from "./test-switch.ts";

export const redisSwitches: Readonly<Record<string, Switch>> = {
  "redis-never-refills": {
    about: "Believes the channel alone, as plain pub/sub: what it has not heard is never read from the stream.",
    plant() {
      wrap(LogReader.prototype, "fill", async () => undefined);
      wrap(LogReader.prototype, "hear", (original, reader, [text]) => {
        const line = parseLine(text);
        const at = reader.position;
        if (line !== undefined && at !== undefined && line.epoch === at.epoch && line.seq > at.seq + 1)
          reader.anchor(line.epoch, line.seq - 1, line.memberCount);
        original(text);
      });
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
