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
    about: "A connection over the limit also closes the oldest one of the user.",
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
    about: "A closed connection still counts for its user.",
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
    about: "A closed connection stays a member of its rooms.",
    plant() {
      wrap(MemoryHub.prototype, "detach", async () => undefined);
    },
  },
  "forgets-keys": {
    about: "A repeated idempotency key publishes the message again.",
    plant() {
      wrap(KeyMemory.prototype, "find", () => undefined);
    },
  },
  "keys-of-all-users": {
    about: "An idempotency key counts for all users.",
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
    about: "Each rate limit allows one message more than its burst.",
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
    about: "Each rate limit allows one message fewer than its burst.",
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
  "errors-not-counted": {
    about: "A connection is never closed for its errors.",
    plant() {
      wrap(SlidingWindowCounter.prototype, "hit", () => false);
    },
  },
  "errors-count-double": {
    about: "Each error counts twice, so that a connection is closed too early.",
    plant() {
      wrap(SlidingWindowCounter.prototype, "hit", (original, _, [nowMs]) => original(nowMs) || original(nowMs));
    },
  },
  "expires-late": {
    about: "A connection stays open after its token has expired, this many ms longer than allowed.",
    plant(argument) {
      wrap(Connection.prototype, "expireAt", (original, _, [dateMs]) => original(dateMs + Number(argument || "3600000")));
    },
  },
  "expires-early": {
    about: "A connection is closed as soon as its token has expired, or this many ms before the grace period ends.",
    plant(argument) {
      wrap(Connection.prototype, "expireAt", (original, _, [dateMs]) => {
        const earlier = Number(argument || process.env.TOKEN_GRACE_MS || limits.tokenGraceMs.value);
        return original(dateMs - earlier);
      });
    },
  },
  "renewal-ignored": {
    about: "A fresh token is confirmed, but the connection is closed when the old one has expired.",
    plant() {
      const isFirst = createFirstTimes();
      wrap(Connection.prototype, "expireAt", (original, self, [dateMs]) => (isFirst(self) ? original(dateMs) : undefined));
    },
  },
  "renewal-lifts-expiry": {
    about: "A connection stays open after its fresh token has expired.",
    plant() {
      const isFirst = createFirstTimes();
      wrap(Connection.prototype, "expireAt", (original, self, [dateMs]) =>
        original(isFirst(self) ? dateMs : Number.POSITIVE_INFINITY),
      );
    },
  },
  "heartbeat-ignores-pongs": {
    about: "A peer that answers pings counts as dead.",
    plant() {
      wrap(Heartbeat.prototype, "check", (original, _, [nowMs]) => original(nowMs, 0));
    },
  },
  "heartbeat-counts-only-pongs": {
    about: "A peer that sends other frames than pongs counts as dead.",
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
    about: "Never pings, and never detects a dead peer.",
    plant() {
      wrap(Heartbeat.prototype, "check", (): HeartbeatAction => "wait");
    },
  },
  "queue-unbounded": {
    about: "A client that does not read is never closed.",
    plant() {
      wrap(SlowConsumerDetector.prototype, "check", () => undefined);
    },
  },
  "queue-closes-normally": {
    about: "A client that does not read is closed with the normal code.",
    plant() {
      wrap(Connection.prototype, "close", (original, _, [code, reason]) =>
        original(code === closeCodes.SLOW_CONSUMER.code ? closeCodes.NORMAL.code : code, reason),
      );
    },
  },
  "repeats-credential": {
    about: "Repeats the credential in a response header.",
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
  "silent-after-malformed": {
    about: "After a malformed frame the connection gets no more replies.",
    plant() {
      const silenced = new WeakSet<Session>();
      wrap(Session.prototype, "receive", (original, self, [text]) => {
        if (silenced.has(self)) return;
        if (isMalformed(text)) silenced.add(self);
        original(text);
      });
    },
  },
  "malformed-hurts-others": {
    about: "A malformed frame closes other connections.",
    plant() {
      const all = followSubscribers();
      wrap(Session.prototype, "receive", (original, self, [text]) => {
        if (isMalformed(text)) for (const one of [...all]) if (one !== self) one.onStateLost(null);
        original(text);
      });
    },
  },
  "accepts-compression": {
    about: "Accepts permessage-deflate, which the real server declines. Not a fault by itself.",
    plant() {
      wrap(WebSocketServer.prototype, "handleUpgrade", (original, self, args) => {
        self.options.perMessageDeflate = { threshold: 300 };
        return original(...args);
      });
    },
  },
  "never-exits": {
    about: "Drains at a stop signal, but its process does not exit.",
    plant() {
      Object.defineProperty(process, "exit", { value: () => undefined });
      setInterval(() => undefined, 60_000);
    },
  },
};
