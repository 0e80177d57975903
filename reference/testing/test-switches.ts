// Faults for the test server, each planted by wrapping a part of the real one. Production code knows nothing of them.
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { closeCodes, limits } from "../../generated/protocol.gen.ts";
import { Connection } from "../connection.ts";
import { Heartbeat, type HeartbeatAction } from "../heartbeat.ts";
import type { Subscriber } from "../hub/hub.ts";
import { KeyMemory } from "../hub/key-memory.ts";
import { MemoryHub } from "../hub/memory-hub.ts";
import { KeyedLimiter, Limiter } from "../limiter.ts";
import { parseFrame } from "../parse-frame.ts";
import { Session } from "../session.ts";
import { SlidingWindowCounter } from "../sliding-window-counter.ts";
import { SlowConsumerDetector } from "../slow-consumer-detector.ts";
import { type Switch, wrap } from "./test-switch.ts";
import { redisSwitches } from "./test-switches-redis.ts";

/** Every attached subscriber, oldest first. */
function followSubscribers(): Set<Subscriber> {
  const all = new Set<Subscriber>();
  wrap(MemoryHub.prototype, "attach", async (original, _, [subscriber]) => {
    const result = await original(subscriber);
    if (result === "attached") all.add(subscriber);
    return result;
  });
  wrap(MemoryHub.prototype, "detach", (original, _, [subscriber]) => {
    all.delete(subscriber);
    return original(subscriber);
  });
  return all;
}

/** Runs for each accepted WebSocket, before the server has it. */
function onUpgrade(act: (socket: WebSocket, tcp: Socket) => void): void {
  wrap(WebSocketServer.prototype, "handleUpgrade", (original, _, [request, tcp, head, callback]) =>
    original(request, tcp, head, (socket: WebSocket, upgraded: IncomingMessage) => {
      act(socket, tcp as Socket);
      callback(socket, upgraded);
    }),
  );
}

/** Tells whether an object is met for the first time, under this key of it. */
function createFirstTimes(): (of: object, key?: string) => boolean {
  const met = new WeakMap<object, Set<string>>();
  return (of, key = "") => {
    const keys = met.get(of) ?? new Set();
    const isFirst = !keys.has(key);
    met.set(of, keys.add(key));
    return isFirst;
  };
}

const isMalformed = (text: string) => "malformed" in parseFrame(text);

export const switches: Readonly<Record<string, Switch>> = {
  ...redisSwitches,
  "closes-oldest-connection": {
    about: "A connection too many also closes the user's oldest one.",
    plant() {
      const all = followSubscribers();
      wrap(MemoryHub.prototype, "attach", async (original, _, [subscriber]) => {
        const result = await original(subscriber);
        const oldest = [...all].find(({ member }) => member.userId === subscriber.member.userId);
        if (result === "too-many") oldest?.onStateLost(null);
        return result;
      });
    },
  },
  "connections-never-released": {
    about: "A connection that ended still counts for its user.",
    plant() {
      const held = new Map<string, number>();
      const most = Number(process.env.CONNECTIONS_PER_USER ?? limits.connectionsPerUser.value);
      wrap(MemoryHub.prototype, "attach", async (original, _, [subscriber]) => {
        const { userId } = subscriber.member;
        const count = (held.get(userId) ?? 0) + 1;
        if (count > most) return "too-many";
        held.set(userId, count);
        return original(subscriber);
      });
    },
  },
  "presence-outlives-connection": {
    about: "A connection that ended stays a member of its rooms.",
    plant() {
      wrap(MemoryHub.prototype, "detach", async () => undefined);
    },
  },
  "forgets-keys": {
    about: "A message with a key that was used before is published again.",
    plant() {
      wrap(KeyMemory.prototype, "find", () => undefined);
    },
  },
  "keys-of-all-users": {
    about: "A key that another user has used counts as used.",
    plant() {
      wrap(KeyMemory.prototype, "find", (original, _, [, key, nowMs]) => original("all", key, nowMs));
      wrap(KeyMemory.prototype, "add", (original, _, [, key, published, nowMs]) => original("all", key, published, nowMs));
    },
  },
  "direct-reaches-whole-user": {
    about: "A direct message goes to every connection of the recipient's user.",
    plant() {
      const all = followSubscribers();
      wrap(MemoryHub.prototype, "direct", async (original, self, [from, to, content]) => {
        const recipient = [...all].find(({ member }) => member.clientId === to)?.member;
        const result = await original(from, to, content);
        for (const { member } of all) {
          if (result === "sent" && member.userId === recipient?.userId && member.clientId !== to) {
            await self.direct.call(self, from, member.clientId, content).catch(() => undefined);
          }
        }
        return result;
      });
    },
  },
  "rate-admits-one-more": {
    about: "Each allowance admits one message more than its burst.",
    plant() {
      const isFirst = createFirstTimes();
      wrap(Limiter.prototype, "take", (original, self, [nowMs]) => {
        const waitMs = original(nowMs);
        return waitMs !== undefined && isFirst(self) ? undefined : waitMs;
      });
      wrap(KeyedLimiter.prototype, "take", (original, self, [key, nowMs]) => {
        const waitMs = original(key, nowMs);
        return waitMs !== undefined && isFirst(self, key) ? undefined : waitMs;
      });
    },
  },
  "rate-admits-one-fewer": {
    about: "Each allowance admits one message fewer than its burst.",
    plant() {
      const isFirst = createFirstTimes();
      wrap(Limiter.prototype, "take", (original, self, [nowMs]) => {
        if (isFirst(self)) original(nowMs);
        return original(nowMs);
      });
      wrap(KeyedLimiter.prototype, "take", (original, self, [key, nowMs]) => {
        if (isFirst(self, key)) original(key, nowMs);
        return original(key, nowMs);
      });
    },
  },
  "strikes-not-counted": {
    about: "However much a connection does wrong, it is never closed for it.",
    plant() {
      wrap(SlidingWindowCounter.prototype, "hit", () => false);
    },
  },
  "strikes-count-double": {
    about: "Each wrong counts twice, so that a connection is closed too soon.",
    plant() {
      wrap(SlidingWindowCounter.prototype, "hit", (original, _, [nowMs]) => original(nowMs) || original(nowMs));
    },
  },
  "expires-late": {
    about: "A connection outlives its token by so many ms more than is allowed.",
    plant(argument) {
      wrap(Connection.prototype, "expireAt", (original, _, [dateMs]) => original(dateMs + Number(argument || "3600000")));
    },
  },
  "expires-early": {
    about: "A connection is closed as soon as its token has run out, or so many ms before the grace is over.",
    plant(argument) {
      wrap(Connection.prototype, "expireAt", (original, _, [dateMs]) => {
        const earlier = Number(argument || process.env.TOKEN_GRACE_MS || limits.tokenGraceMs.value);
        return original(dateMs - earlier);
      });
    },
  },
  "renewal-ignored": {
    about: "A fresh token is confirmed, but the connection is closed when the old one has run out.",
    plant() {
      const isFirst = createFirstTimes();
      wrap(Connection.prototype, "expireAt", (original, self, [dateMs]) => (isFirst(self) ? original(dateMs) : undefined));
    },
  },
  "renewal-lifts-expiry": {
    about: "A connection that was given a fresh token outlives that one.",
    plant() {
      const isFirst = createFirstTimes();
      wrap(Connection.prototype, "expireAt", (original, self, [dateMs]) =>
        original(isFirst(self) ? dateMs : Number.POSITIVE_INFINITY),
      );
    },
  },
  "heartbeat-ignores-pongs": {
    about: "A peer that answers pings is taken for dead.",
    plant() {
      wrap(Heartbeat.prototype, "check", (original, _, [nowMs]) => original(nowMs, 0));
    },
  },
  "heartbeat-counts-only-pongs": {
    about: "A peer that sends other frames than pongs is taken for dead.",
    plant() {
      onUpgrade((socket, tcp) => {
        let pongs = 0;
        socket.on("pong", () => {
          pongs += 1;
        });
        Object.defineProperty(tcp, "bytesRead", { get: () => pongs });
      });
    },
  },
  "heartbeat-never": {
    about: "Never pings, and never notices that a peer is dead.",
    plant() {
      wrap(Heartbeat.prototype, "check", (): HeartbeatAction => "wait");
    },
  },
  "queue-unbounded": {
    about: "Whatever waits for a client that does not read, it is not closed.",
    plant() {
      wrap(SlowConsumerDetector.prototype, "check", () => undefined);
    },
  },
  "queue-closes-normally": {
    about: "A client that does not read is closed as if all were well.",
    plant() {
      wrap(Connection.prototype, "close", (original, _, [code, reason]) =>
        original(code === closeCodes.SLOW_CONSUMER.code ? closeCodes.NORMAL.code : code, reason),
      );
    },
  },
  "repeats-credential": {
    about: "Repeats the credential in a header of its answer.",
    plant() {
      wrap(WebSocketServer.prototype, "handleUpgrade", (original, self, [request, tcp, head, callback]) => {
        if (self.listenerCount("headers") === 0) {
          self.on("headers", (headers, { headers: asked, url }) => {
            headers.push(`X-Asked: ${asked.authorization ?? ""} ${asked["sec-websocket-protocol"] ?? ""} ${url}`);
          });
        }
        original(request, tcp, head, callback);
      });
    },
  },
  "dies-on-malformed": {
    about: "A malformed frame ends the process.",
    plant() {
      wrap(Session.prototype, "receive", (original, _, [text]) => {
        if (isMalformed(text)) process.exit(70);
        original(text);
      });
    },
  },
  "deaf-after-malformed": {
    about: "After a malformed frame the connection answers nothing more.",
    plant() {
      const deaf = new WeakSet<Session>();
      wrap(Session.prototype, "receive", (original, self, [text]) => {
        if (deaf.has(self)) return;
        if (isMalformed(text)) deaf.add(self);
        original(text);
      });
    },
  },
  "malformed-hurts-others": {
    about: "A malformed frame closes the connections of others.",
    plant() {
      const all = followSubscribers();
      wrap(Session.prototype, "receive", (original, self, [text]) => {
        if (isMalformed(text)) for (const one of [...all]) if (one !== self) one.onStateLost(null);
        original(text);
      });
    },
  },
  "never-exits": {
    about: "Drains when it is asked to stop, but its process goes on.",
    plant() {
      Object.defineProperty(process, "exit", { value: () => undefined });
      setInterval(() => undefined, 60_000);
    },
  },
};
