// A test double of a rooms.v1 server, on a fake clock. It misbehaves when a test tells it to.
import type { ClientMessage, Limits, ServerMessage } from "../../generated/types.gen.ts";
import type { ClientDependencies } from "../client/dependencies.ts";
import type { OpenSocket, SocketEvents } from "../client/socket.ts";

const rate = { burst: 1_000, perSecond: 100 };
const limits: Limits = {
  messageBytes: 65_536,
  roomsPerConnection: 50,
  membersPerRoom: 10_000,
  connectionsPerUser: 20,
  malformedPerMinute: 10,
  refusalsPerMinute: 30,
  queuedBytes: 1_048_576,
  tokenGraceMs: 25_000,
  publish: rate,
  publishUser: rate,
  control: rate,
  ping: rate,
};

/** A fake clock. `advance` runs the due timers in order, and lets promises settle after each. */
export interface FakeTime extends ClientDependencies {
  /** Since 1970 UTC, in ms. */
  dateMs(): number;
  advance(ms: number): Promise<void>;
  /** Number of timers. */
  pending(): number;
}

export function createTime(): FakeTime {
  let now = 0;
  let count = 0;
  let dice = 1;
  const timers = new Map<number, { atMs: number; run: () => void }>();
  const settle = async () => {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  };
  return {
    nowMs: () => now,
    dateMs: () => Date.UTC(2026, 0, 31) + now,
    setTimer(ms, run) {
      const id = ++count;
      timers.set(id, { atMs: now + ms, run });
      return () => timers.delete(id);
    },
    // A fixed sequence makes each run reproducible.
    random: () => {
      dice = (dice * 16_807) % 2_147_483_647;
      return dice / 2_147_483_647;
    },
    environment: { isOnline: () => true, isVisible: () => true, subscribe: () => () => undefined },
    key: () => `key-${String(++count).padStart(20, "0")}`,
    async advance(ms) {
      const untilMs = now + ms;
      await settle();
      for (;;) {
        const [id, next] = [...timers].filter(([, { atMs }]) => atMs <= untilMs).sort(([, a], [, b]) => a.atMs - b.atMs)[0] ?? [];
        if (id === undefined || next === undefined) break;
        timers.delete(id);
        now = Math.max(now, next.atMs);
        next.run();
        await settle();
      }
      now = untilMs;
    },
    pending: () => timers.size,
  };
}

export type FaultyReply =
  | "lose-reply"
  | "repeat-event"
  | "skip-event"
  | "refuse-for-now"
  | "refuse-unavailable"
  | "refuse-internal"
  | "refuse-room"
  | "reply-of-another-kind"
  | "say-nothing";

interface RoomEvent {
  readonly seq: number;
  readonly message: ServerMessage;
  /** The clientId that does not get the event. */
  readonly excludeClientId: string | undefined;
}

export interface FakeServer {
  readonly openSocket: OpenSocket;
  /** Number of handshakes so far. */
  readonly handshakes: number;
  readonly tokens: readonly string[];
  /** The contents of the room's log, in order. */
  log(room: string): readonly string[];
  /** Applies `faultyReply` once, to the next frame that it fits. */
  misbehave(faultyReply: FaultyReply): void;
  close(code: number): void;
  /** Ends the connection without a close frame. */
  cut(): void;
  /** The next handshakes are closed with this code; undefined: accepted again. */
  refuseWith(code: number | undefined): void;
  /** Another user publishes a message. */
  say(room: string, content: string): void;
  shutdown(reconnectWithinMs: number): void;
  /** Does not replay a message any more. */
  forget(room: string, content: string): void;
  /** Starts a new epoch with empty logs. */
  loseState(): void;
}

export interface FakeServerOptions {
  /** Lifetime of a token, default an hour. */
  readonly tokenLifeMs?: number | undefined;
  /** Default: rates that no test reaches. */
  readonly limits?: Partial<Limits> | undefined;
}

export function createFakeServer(time: FakeTime, options: FakeServerOptions = {}): FakeServer {
  const { tokenLifeMs = 3_600_000 } = options;
  const logs = new Map<string, RoomEvent[]>();
  const acks = new Map<string, ServerMessage>();
  const faultyReplies: FaultyReply[] = [];
  const forgotten = new Set<string>();
  const tokens: string[] = [];
  let epoch = 1;
  let handshakes = 0;
  let refusal: number | undefined;
  let connection: { id: string; events: SocketEvents; rooms: Set<string>; over: boolean } | undefined;

  const timestamp = () => new Date(time.dateMs()).toISOString();
  const take = (faultyReply: FaultyReply): boolean => {
    const at = faultyReplies.indexOf(faultyReply);
    if (at >= 0) faultyReplies.splice(at, 1);
    return at >= 0;
  };
  // As on a real connection: with a delay, in order, and only while it is open.
  const deliver = (message: object) => {
    const to = connection;
    time.setTimer(1, () => {
      if (to !== undefined && !to.over) to.events.message(JSON.stringify({ timestamp: timestamp(), ...message }));
    });
  };
  const logOf = (room: string) => {
    const log = logs.get(room) ?? [];
    logs.set(room, log);
    return log;
  };
  const append = (room: string, message: (at: { epoch: string; seq: number }) => object, excludeClientId?: string) => {
    const log = logOf(room);
    const at = { epoch: `e${epoch}`, seq: log.length + 1 };
    const event = { seq: at.seq, message: message(at) as ServerMessage, excludeClientId };
    log.push(event);
    if (connection?.rooms.has(room) && connection.id !== excludeClientId) {
      if (take("skip-event")) return at;
      deliver(event.message);
      if (take("repeat-event")) deliver(event.message);
    }
    return at;
  };
  const say = (room: string, content: string, from: string) =>
    append(room, (at) => ({
      type: "message",
      payload: { room, ...at, from: { clientId: from, userId: from, username: from }, content },
    }));
  const leaveAll = () => {
    for (const room of connection?.rooms ?? []) {
      const clientId = connection!.id;
      append(
        room,
        (at) => ({
          type: "user_left",
          payload: { room, ...at, clientId, userId: "me", username: "me", memberCount: 0, reason: "disconnect" },
        }),
        clientId,
      );
    }
  };
  const end = (code: number) => {
    const ended = connection;
    if (ended === undefined) return;
    connection = undefined;
    ended.over = true;
    time.setTimer(0, () => ended.events.closed(code));
  };

  function received(message: ClientMessage): void {
    if (connection === undefined || take("say-nothing")) return;
    const reply = (body: object) => {
      if ("id" in message && take("reply-of-another-kind")) deliver({ type: "pong", payload: null, replyTo: message.id });
      else if (!take("lose-reply")) deliver({ ...body, replyTo: "id" in message ? message.id : undefined });
    };
    if ("id" in message && take("refuse-for-now")) {
      reply({ type: "error", payload: { code: "RATE_LIMITED", message: "Too many.", retryable: true, retryAfterMs: 700 } });
      return;
    }
    if ("id" in message && take("refuse-unavailable")) {
      reply({ type: "error", payload: { code: "UNAVAILABLE", message: "Not now.", retryable: true } });
      return;
    }
    if ("id" in message && take("refuse-internal")) {
      reply({ type: "error", payload: { code: "INTERNAL", message: "Failed.", retryable: true } });
      return;
    }
    switch (message.type) {
      case "ping":
        reply({ type: "pong", payload: message.payload });
        break;
      case "authenticate":
        reply({
          type: "authenticated",
          payload: { userId: "me", username: "me", expiresAt: new Date(time.dateMs() + tokenLifeMs).toISOString() },
        });
        break;
      case "join_room":
        if (take("refuse-room")) {
          reply({ type: "error", payload: { code: "ROOM_FULL", message: "Full.", retryable: false } });
          break;
        }
        join(message.payload.room, message.payload.since, reply);
        break;
      case "leave_room":
        connection.rooms.delete(message.payload.room);
        reply({ type: "left_room", payload: { room: message.payload.room } });
        break;
      case "chat": {
        const { room, content, key = "" } = message.payload;
        if (!connection.rooms.has(room)) {
          reply({ type: "error", payload: { code: "NOT_IN_ROOM", message: "Join first.", retryable: false } });
          break;
        }
        const known = acks.get(key);
        if (known === undefined)
          acks.set(key, { type: "ack", payload: { room, ...say(room, content, connection.id) } } as ServerMessage);
        reply(acks.get(key)!);
      }
    }
  }

  function join(room: string, since: { epoch: string; seq: number } | undefined, reply: (body: object) => void): void {
    const { id, rooms } = connection!;
    const log = logOf(room);
    const wasMember = rooms.has(room);
    if (!wasMember) {
      append(
        room,
        (at) => ({ type: "user_joined", payload: { room, ...at, clientId: id, userId: "me", username: "me", memberCount: 1 } }),
        id,
      );
    }
    rooms.add(room);
    // A second join replays nothing.
    const recovered =
      since === undefined ? undefined : wasMember ? false : since.epoch === `e${epoch}` && since.seq <= log.length;
    reply({
      type: "joined_room",
      payload: { room, epoch: `e${epoch}`, seq: log.length, memberCount: 1, members: [], recovered },
    });
    if (!recovered) return;
    for (const { seq, message, excludeClientId } of log) {
      if (seq > since!.seq && excludeClientId !== id && !forgotten.has(`${room} ${seq}`)) deliver(message);
    }
  }

  return {
    openSocket(_, protocols, events) {
      handshakes++;
      tokens.push(protocols.at(-1) ?? "");
      const mine = { id: `c${handshakes}`, events, rooms: new Set<string>(), over: false };
      time.setTimer(1, () => {
        if (mine.over) return;
        if (refusal !== undefined) {
          mine.over = true;
          events.closed(refusal);
          return;
        }
        connection = mine;
        events.opened();
        deliver({
          type: "connected",
          payload: {
            clientId: mine.id,
            userId: "me",
            username: "me",
            expiresAt: new Date(time.dateMs() + tokenLifeMs).toISOString(),
            protocol: "rooms.v1",
            heartbeat: { intervalMs: 30_000, timeoutMs: 10_000 },
            limits: { ...limits, ...options.limits },
          },
        });
      });
      return {
        send: (text) => void time.setTimer(1, () => !mine.over && received(JSON.parse(text) as ClientMessage)),
        close: () => {
          if (connection === mine) leaveAll();
          mine.over = true;
          if (connection === mine) connection = undefined;
        },
      };
    },
    get handshakes() {
      return handshakes;
    },
    tokens,
    log: (room) => logOf(room).flatMap(({ message }) => (message.type === "message" ? [message.payload.content] : [])),
    misbehave: (faultyReply) => void faultyReplies.push(faultyReply),
    close: (code) => {
      leaveAll();
      end(code);
    },
    cut: () => {
      leaveAll();
      end(1006);
    },
    refuseWith: (code) => {
      refusal = code;
    },
    say: (room, content) => void say(room, content, "somebody"),
    shutdown: (reconnectWithinMs) => {
      deliver({ type: "server_shutdown", payload: { reason: "restart", reconnectWithinMs } });
      time.setTimer(2, () => end(1012));
    },
    forget: (room, content) => {
      for (const { seq, message } of logOf(room)) {
        if (message.type === "message" && message.payload.content === content) forgotten.add(`${room} ${seq}`);
      }
    },
    loseState: () => {
      epoch++;
      logs.clear();
    },
  };
}
