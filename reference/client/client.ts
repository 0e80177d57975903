// A client of rooms.v1 that stays connected: it reconnects as the close codes say, rejoins its rooms where it left off, and reports what it missed.
import { requests as requestFacts } from "../../generated/protocol.gen.ts";
import type { Connected, JoinedRoom, ServerMessage } from "../../generated/types.gen.ts";
import type { CallOptions, ClientOptions, RoomsClient } from "./api.ts";
import { createConnection } from "./connection.ts";
import { defaultDependencies } from "./dependencies.ts";
import { createEmitter } from "./emitter.ts";
import { createOutbox, type Reply, type Request } from "./outbox.ts";
import { createPace } from "./pace.ts";
import { parseMessage } from "./parse-message.ts";
import { createRenewal } from "./renewal.ts";
import { RequestFailed } from "./request-failed.ts";
import { createRoomOrder, type Position, type RoomOrder } from "./room-order.ts";
import { createTimers } from "./timers.ts";

export type { CallOptions, ClientEvents, ClientOptions, RoomsClient, State } from "./api.ts";
export type { ClientDependencies, Environment } from "./dependencies.ts";
export { RequestFailed } from "./request-failed.ts";

interface Room {
  readonly order: RoomOrder;
  joined: boolean;
  /** Where the client reconnected to fill a gap. A second gap there is accepted. */
  repairedAt: string | undefined;
}

/** After these nothing of the request took effect. */
const isDefinite = (code: string) => code !== "INTERNAL";
/** Ticks of the watch, 30 s in all, after which a reply is overdue. */
const mostTicks = 12;

const hasCode = (error: unknown, ...codes: readonly string[]) => error instanceof RequestFailed && codes.includes(error.code);

export function createClient(options: ClientOptions): RoomsClient {
  const { dependencies = defaultDependencies } = options;
  const { nowMs } = dependencies;
  const emitter = createEmitter();
  const { emit } = emitter;
  const pace = createPace(dependencies.random);
  const outbox = createOutbox(pace.lane, options.outboxSize);
  const timers = createTimers<"renew" | "send">(dependencies);
  /** Rooms to be in -> how far their events were delivered. */
  const rooms = new Map<string, Room>();
  let identity: Connected["payload"] | undefined;
  let lastToken: string | undefined;
  /** Closed or stopped, and `connect` not called since. */
  let isOver = false;
  let pings = 0;
  let isFlushing = false;
  let flushAgain = false;

  const connection = createConnection(
    options,
    {
      async token(mustBeFresh) {
        if (mustBeFresh || lastToken === undefined || renewal.isDue()) lastToken = await fetchToken();
        return lastToken;
      },
      received,
      ping() {
        // Past the outbox, which may be full. Nobody waits for this reply.
        pace.take("ping", nowMs());
        transmit(JSON.stringify({ type: "ping", id: `h${++pings}`, payload: null }));
      },
      isStuck: () => outbox.countTick() >= mostTicks,
      ended(forgetPositions) {
        timers.clearAll();
        identity = undefined;
        for (const room of rooms.values()) {
          room.joined = false;
          if (forgetPositions) room.order.forget();
        }
        outbox.connectionLost();
      },
      stopped(code, reason) {
        isOver = true;
        outbox.failAll("CLOSED", reason);
        emit("stopped", { code, reason });
        emitter.endIterations();
      },
      emit,
    },
    dependencies,
  );

  const renewal = createRenewal({
    timers,
    nowMs,
    async renew() {
      const token = await fetchToken().catch((error: unknown) => {
        emit("problem", { source: "token", error });
        throw error;
      });
      if (connection.state !== "connected") return;
      lastToken = token;
      await ask({ type: "authenticate", payload: { token } });
    },
  });

  async function fetchToken(): Promise<string> {
    const token: unknown = await options.token();
    if (typeof token !== "string") throw new TypeError(`token: expected a string, got ${typeof token}`);
    return token;
  }

  function ask(
    request: Parameters<typeof outbox.add>[0],
    { signal }: CallOptions = {},
    onReply?: (reply: Reply) => void,
  ): Promise<Reply> {
    if (isOver) return Promise.reject(new RequestFailed("CLOSED", "The client is closed.", false));
    const promise = outbox.add(request, { signal, onReply });
    flush();
    return promise;
  }

  function transmit(text: string): void {
    emit("frame", { direction: "out", text });
    connection.send(text);
  }

  /** Sends what may be sent now. A call from within, by a listener, waits its turn. */
  function flush(): void {
    flushAgain = true;
    if (isFlushing) return;
    isFlushing = true;
    while (flushAgain && connection.state === "connected") {
      flushAgain = false;
      const { requests, waitMs } = outbox.takeUnsent(waitFor, nowMs());
      if (waitMs !== undefined) timers.set("send", waitMs, flush);
      for (const { id, text } of requests) {
        if (isTooBig(text)) outbox.fail(id, new RequestFailed("MESSAGE_TOO_BIG", "Over the server's limit.", false));
        else if (connection.state === "connected") transmit(text);
      }
    }
    isFlushing = false;
  }

  /** The server would end the connection, and the client would have to stop. */
  function isTooBig(text: string): boolean {
    const most = identity?.limits.messageBytes ?? 0;
    return text.length * 3 > most && new TextEncoder().encode(text).length > most;
  }

  function waitFor(request: Request, inFlight: ReadonlySet<string>): number | undefined {
    const { type, payload } = request;
    // A chat waits until its room is joined again.
    if (type === "chat" && rooms.get(payload.room)?.joined === false) return undefined;
    if (pace.isCareful(type) && inFlight.has(pace.lane(type))) return undefined;
    return pace.take(type, nowMs());
  }

  function received(data: unknown, isCurrent: () => boolean): void {
    const text = typeof data === "string" ? data : "";
    if (typeof data === "string") emit("frame", { direction: "in", text });
    if (!isCurrent()) return;
    const message = parseMessage(data);
    const reason = typeof message === "string" ? message : handle(message);
    if (reason !== undefined) emit("invalid", { text, reason });
  }

  /** @returns why the message may not come now */
  function handle(message: ServerMessage): string | undefined {
    if ((message.type === "connected") === (identity !== undefined)) {
      return "`connected` comes first and once";
    }
    if (message.type === "connected") return void connected(message);
    if (message.type === "server_shutdown") connection.shutdownAnnounced(message.payload.reconnectWithinMs);
    if ("replyTo" in message && message.replyTo !== undefined) return replied(message as Reply);
    if (message.type === "message" || message.type === "user_joined" || message.type === "user_left") {
      if (message.payload.room !== null && !isNext(message.payload.room, message.payload)) return undefined;
    }
    emit("message", message);
    return undefined;
  }

  function connected({ payload, timestamp }: Connected): void {
    identity = payload;
    pace.connected(payload.limits);
    renewal.accepted(payload.expiresAt, timestamp);
    connection.established(payload.heartbeat);
    // A listener may have closed the client.
    if (connection.state !== "connected") return;
    for (const name of rooms.keys()) if (rooms.get(name)?.joined === false) void rejoin(name);
    flush();
  }

  /** @returns why it is no reply to its request */
  function replied(message: Reply | Extract<ServerMessage, { type: "error" }>): string | undefined {
    const id = message.replyTo!;
    const request = outbox.find(id);
    if (request === undefined) {
      // The reply to a request that was aborted. An error may still be of interest.
      if (message.type === "error") emit("message", message);
      return undefined;
    }
    if (message.type === "error") {
      const { code, retryable, retryAfterMs } = message.payload;
      if (retryable && outbox.retry(id, !isDefinite(code))) {
        pace.refused(request.type, nowMs(), retryAfterMs);
        flush();
        return undefined;
      }
    } else if (!isReplyTo(request, message)) {
      return `no reply to ${request.type}`;
    }
    pace.accepted(request.type);
    outbox.settle(id, message);
    if (message.type === "authenticated") renewal.accepted(message.payload.expiresAt, message.timestamp);
    flush();
    return undefined;
  }

  function isReplyTo({ type, payload }: Request, reply: Reply): boolean {
    if (!(requestFacts[type].replies as readonly string[]).includes(reply.type)) return false;
    const { room } = (payload ?? {}) as { readonly room?: string };
    // An `ack` with a room has a position too.
    return type === "ping" || room === undefined || (reply.payload as { readonly room?: string }).room === room;
  }

  /** Whether to deliver the event. */
  function isNext(name: string, at: Position): boolean {
    const room = rooms.get(name);
    if (room?.joined !== true) return false;
    const verdict = room.order.event(at);
    if (verdict !== "gap") return verdict === "deliver";
    const position = JSON.stringify(room.order.position);
    if (room.repairedAt !== position) {
      // A second join replays nothing, so only a new connection gets the missed events.
      room.repairedAt = position;
      connection.drop();
      return false;
    }
    emit("gap", { room: name, ...room.order.skip(at) });
    return true;
  }

  function sendJoin(name: string, room: Room, call?: CallOptions): Promise<Reply> {
    const since = room.order.position;
    return ask({ type: "join_room", payload: since === undefined ? { room: name } : { room: name, since } }, call, (reply) => {
      if (rooms.get(name) === room && reply.type === "joined_room") joined(room, reply.payload);
    });
  }

  function joined(room: Room, payload: JoinedRoom["payload"]): void {
    room.joined = true;
    const gap = room.order.joined(payload, payload.recovered);
    emit("joined", payload);
    if (gap !== undefined) emit("gap", { room: payload.room, ...gap });
  }

  /** Joins again what was joined before. */
  async function rejoin(name: string): Promise<void> {
    const room = rooms.get(name)!;
    try {
      await sendJoin(name, room);
    } catch (error) {
      if (hasCode(error, "UNKNOWN", "CLOSED") || rooms.get(name) !== room) return;
      rooms.delete(name);
      emit("lost", { room: name, code: (error as RequestFailed).code });
      flush();
    }
  }

  async function leave(name: string, call?: CallOptions): Promise<void> {
    rooms.delete(name);
    if (connection.state !== "connected") return;
    try {
      await ask({ type: "leave_room", payload: { room: name } }, call);
    } catch (error) {
      // With the connection the membership ended as well.
      if (!hasCode(error, "UNKNOWN", "CLOSED")) throw error;
    }
  }

  return {
    get state() {
      return connection.state;
    },
    get identity() {
      return connection.state === "connected" ? identity : undefined;
    },
    get rooms() {
      return [...rooms.keys()];
    },
    connect() {
      isOver = false;
      connection.connect();
    },
    retryNow: connection.retryNow,
    close() {
      isOver = true;
      timers.clearAll();
      identity = undefined;
      for (const room of rooms.values()) room.joined = false;
      outbox.failAll("CLOSED", "The client is closed.");
      connection.close();
      emitter.endIterations();
    },
    async join(name, call) {
      call?.signal?.throwIfAborted();
      const known = rooms.get(name);
      if (known?.joined === true) return;
      const room = known ?? { order: createRoomOrder(), joined: false, repairedAt: undefined };
      rooms.set(name, room);
      // Else it is joined as soon as there is a connection.
      if (connection.state !== "connected") return;
      try {
        await sendJoin(name, room, call);
      } catch (error) {
        // Without a connection it is joined with the next one.
        if (hasCode(error, "UNKNOWN") || rooms.get(name) !== room) return;
        rooms.delete(name);
        // The request may be under way.
        if (call?.signal?.aborted) void leave(name).catch(() => undefined);
        throw error;
      }
    },
    leave,
    async chat(room, content, call) {
      const reply = await ask({ type: "chat", payload: { room, content, key: dependencies.key() } }, call);
      const { epoch, seq } = (reply as Extract<Reply, { type: "ack" }>).payload;
      return { epoch: epoch!, seq: seq! };
    },
    async direct(to, content, call) {
      await ask({ type: "direct", payload: { to, content } }, call);
    },
    async broadcast(content, call) {
      await ask({ type: "broadcast", payload: { content } }, call);
    },
    typing(room, active) {
      if (connection.state !== "connected" || pace.take("typing", nowMs()) > 0) return;
      transmit(JSON.stringify({ type: "typing", payload: { room, active } }));
    },
    async ping(payload, call) {
      await ask({ type: "ping", payload }, call);
    },
    on: emitter.on,
    events: emitter.iterate,
  };
}
