// A client of rooms.v1 that stays connected: it reconnects as the close codes say, rejoins its rooms where it left off, and tells what it missed.
import { heartbeat, subprotocols } from "../../generated/protocol.gen.ts";
import type { Connected, JoinedRoom, ServerMessage } from "../../generated/types.gen.ts";
import { afterClose } from "./after-close.ts";
import { createOutbox, type Request, RequestFailed } from "./outbox.ts";
import { createRoomOrder, type Gap, type Position, type RoomOrder } from "./room-order.ts";
import { defaultSockets, type OpenSocket, type Socket } from "./socket.ts";

export type State = "closed" | "connecting" | "connected" | "waiting";

/** Timers and dice, passed in so that tests own them. */
export interface ClientDependencies {
  /** Monotonic, in ms. */
  nowMs(): number;
  /** Since 1970 UTC, in ms. */
  dateMs(): number;
  setTimer(ms: number, run: () => void): () => void;
  random(): number;
  /** Unique; the idempotency key of a chat, 16 to 64 printable characters. */
  key(): string;
}

export interface ClientOptions {
  readonly url: string;
  /** Called for each fresh token: before the first connection, when the old one runs out, when it was refused. */
  readonly token: () => string | Promise<string>;
  /** Requests that may wait, default 1000. */
  readonly outboxSize?: number;
  /** Default: the platform's WebSocket, else the package ws. */
  readonly openSocket?: OpenSocket;
  readonly dependencies?: ClientDependencies;
}

export interface ClientEvents {
  state: State;
  /** Every message of the server but replies; room events in order and once. */
  message: ServerMessage;
  /** After each join: members and position. */
  joined: JoinedRoom["payload"];
  gap: { readonly room: string } & Gap;
  /** A room that could not be joined again, and the error code. The client is not in it any more. */
  lost: { readonly room: string; readonly code: string };
  /** Why the client gave up; it does not reconnect by itself any more. */
  stopped: { readonly code: number };
  /** Each frame as it is, for a look behind the scenes. */
  frame: { readonly direction: "in" | "out"; readonly text: string };
}

export interface RoomsClient {
  readonly state: State;
  /** Of the connection, undefined while there is none. */
  readonly identity: Connected["payload"] | undefined;
  readonly rooms: readonly string[];
  connect(): void;
  /** Ends the connection; requests that wait fail with CLOSED, and there is no reconnect. */
  close(): void;
  /** Stays joined over reconnects until `leave`. @throws RequestFailed */
  join(room: string): Promise<void>;
  leave(room: string): Promise<void>;
  /** Sent once, whatever happens to the connection: it carries an idempotency key. @returns its position */
  chat(room: string, content: string): Promise<Position>;
  direct(to: string, content: string): Promise<void>;
  broadcast(content: string): Promise<void>;
  typing(room: string, active: boolean): void;
  ping(payload: unknown): Promise<void>;
  /** @returns a function that takes the listener off */
  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => void): () => void;
}

const defaultDependencies: ClientDependencies = {
  nowMs: () => performance.now(),
  dateMs: () => Date.now(),
  setTimer(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
  key: () => crypto.randomUUID(),
};

/** A token is renewed after this share of its life. */
const renewAfter = 0.8;
/** Not a code of the document: the server did not answer, so nobody reads it. */
const silentCode = 4000;

/** Between two attempts where the server does not say when: doubles with each refusal, up to the second. */
const firstRetryMs = 2_000;
const longestRetryMs = 30_000;

/** Whether the connection was lost before the reply came. */
const isUnknown = (error: unknown) => error instanceof RequestFailed && error.code === "UNKNOWN";

const base64url = (text: string) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

export function createClient({
  url,
  token,
  outboxSize,
  openSocket,
  dependencies = defaultDependencies,
}: ClientOptions): RoomsClient {
  const listeners = new Map<keyof ClientEvents, Set<(value: never) => void>>();
  const outbox = createOutbox(outboxSize);
  /** Rooms to be in -> how far their events have been seen. */
  const rooms = new Map<string, { readonly order: RoomOrder; joined: boolean }>();
  let state: State = "closed";
  let socket: Socket | undefined;
  /** Counts connections; what an older one still says is not listened to. */
  let generation = 0;
  let identity: Connected["payload"] | undefined;
  let failures = 0;
  /** Refusals in a row without a time to wait. */
  let refusals = 0;
  let spreadMs: number | undefined;
  let tokenWasFresh = false;
  let lastToken: string | undefined;
  let lastHeardMs = 0;
  const timers = new Map<"reconnect" | "heartbeat" | "renew" | "retry", () => void>();

  function emit<E extends keyof ClientEvents>(event: E, value: ClientEvents[E]): void {
    for (const listener of listeners.get(event) ?? []) (listener as (value: ClientEvents[E]) => void)(value);
  }

  function enter(next: State): void {
    if (state === next) return;
    state = next;
    emit("state", next);
  }

  function setTimer(name: "reconnect" | "heartbeat" | "renew" | "retry", ms: number, run: () => void): void {
    timers.get(name)?.();
    timers.set(name, dependencies.setTimer(ms, run));
  }

  function clearTimers(): void {
    for (const clear of timers.values()) clear();
    timers.clear();
  }

  async function open(freshToken: boolean): Promise<void> {
    const mine = ++generation;
    enter("connecting");
    let opener: OpenSocket;
    try {
      opener = openSocket ?? (await defaultSockets());
      if (freshToken || lastToken === undefined || expiresSoon()) lastToken = await token();
    } catch {
      if (mine === generation) ended(1006);
      return;
    }
    if (mine !== generation) return;
    tokenWasFresh = freshToken;
    socket = opener(url, [...subprotocols, `bearer.${base64url(lastToken)}`], {
      message: (text) => mine === generation && heard(text),
      closed: (code) => mine === generation && ended(code),
    });
  }

  function expiresSoon(): boolean {
    return identity !== undefined && Date.parse(identity.expiresAt) - dependencies.dateMs() < 5_000;
  }

  function transmit(message: object): void {
    const text = JSON.stringify(message);
    emit("frame", { direction: "out", text });
    socket?.send(text);
  }

  function flush(): void {
    if (state !== "connected") return;
    for (const request of outbox.takeUnsent(isReady)) transmit(request);
  }

  /** A chat waits for its room to be joined again. */
  function isReady(request: Request): boolean {
    return request.type !== "chat" || rooms.get(request.payload.room)?.joined !== false;
  }

  function ended(code: number): void {
    clearTimers();
    generation++;
    socket = undefined;
    failures++;
    for (const room of rooms.values()) room.joined = false;
    outbox.connectionLost();
    const next = afterClose({ code, failures, spreadMs, tokenWasFresh }, dependencies.random);
    spreadMs = undefined;
    if (next.kind === "stop") {
      outbox.failAll("CLOSED", `the server closed with ${code}`);
      enter("closed");
      emit("stopped", { code });
      return;
    }
    if (next.forgetPositions) for (const { order } of rooms.values()) order.forget();
    enter("waiting");
    setTimer("reconnect", next.delayMs, () => void open(next.freshToken));
  }

  function heard(text: string): void {
    lastHeardMs = dependencies.nowMs();
    emit("frame", { direction: "in", text });
    let message: ServerMessage;
    try {
      message = JSON.parse(text) as ServerMessage;
    } catch {
      return; // not of this protocol: the harness says so, a client goes on
    }
    switch (message.type) {
      case "connected":
        connected(message);
        break;
      case "server_shutdown":
        spreadMs = message.payload.reconnectWithinMs;
        break;
      case "error":
        if (refusedForNow(message)) return;
        break;
      case "joined_room":
        joined(message.payload);
        break;
      case "message":
      case "user_joined":
      case "user_left":
        if (!inOrder(message.payload.room, message.payload)) return;
        break;
    }
    if ("replyTo" in message && message.replyTo !== undefined && message.type !== "error") refusals = 0;
    if ("replyTo" in message && message.replyTo !== undefined && outbox.settle(message.replyTo, message)) return;
    emit("message", message);
  }

  function connected(message: Connected): void {
    identity = message.payload;
    failures = 0;
    tokenWasFresh = false;
    enter("connected");
    const { intervalMs, timeoutMs } = message.payload.heartbeat;
    listen(intervalMs, timeoutMs);
    renewAt(message.payload.expiresAt);
    for (const room of rooms.keys()) void rejoin(room);
    flush();
  }

  /**
   * A browser sees no WebSocket ping, so a silence is broken by a message, and one that lasts ends the connection.
   * What counts is whether anything came, never how late it is: timers come a little early, and in a tab in the background a minute late.
   */
  function listen(intervalMs: number, timeoutMs: number): void {
    const heardMs = lastHeardMs;
    const orElse = (silent: () => void) => () => (lastHeardMs === heardMs ? silent() : listen(intervalMs, timeoutMs));
    // After a stall the answer may have come but wait to be read behind the timer: one more turn.
    const lastTurn = () => setTimer("heartbeat", 0, orElse(giveUp));
    setTimer(
      "heartbeat",
      Math.max(0, heardMs + intervalMs - dependencies.nowMs()),
      orElse(() => {
        outbox.add({ type: "ping", payload: null }, true).catch(() => undefined);
        flush();
        setTimer("heartbeat", timeoutMs, orElse(lastTurn));
      }),
    );
  }

  function giveUp(): void {
    socket?.close(silentCode);
    ended(heartbeat.close);
  }

  function renewAt(expiresAt: string): void {
    const lifeMs = Date.parse(expiresAt) - dependencies.dateMs();
    // Timers hold 31 bits; a token that lives for weeks is looked at again after a day.
    setTimer("renew", Math.min(86_400_000, Math.max(0, lifeMs * renewAfter)), () => void renew().catch(() => undefined));
  }

  async function renew(): Promise<void> {
    const mine = generation;
    const fresh = await token();
    if (mine !== generation) return;
    lastToken = fresh;
    const promise = outbox.add({ type: "authenticate", payload: { token: fresh } }, false);
    flush();
    const reply = await promise;
    if (reply.type === "authenticated" && mine === generation) renewAt(reply.payload.expiresAt);
  }

  /** Whether the request was put back, to be sent once the server takes it. */
  function refusedForNow(message: Extract<ServerMessage, { type: "error" }>): boolean {
    const { retryAfterMs, retryable } = message.payload;
    if (!retryable || message.replyTo === undefined) return false;
    if (!outbox.again(message.replyTo, retryAfterMs === undefined)) return false;
    const mostMs = Math.min(longestRetryMs, firstRetryMs * 2 ** refusals);
    const backOffMs = Math.round(mostMs * (0.5 + dependencies.random() / 2));
    if (retryAfterMs === undefined) refusals++;
    setTimer("retry", retryAfterMs ?? backOffMs, flush);
    return true;
  }

  function joined(payload: JoinedRoom["payload"]): void {
    const room = rooms.get(payload.room);
    if (room === undefined) return; // left meanwhile
    room.joined = true;
    const gap = room.order.joined({ epoch: payload.epoch, seq: payload.seq }, payload.recovered);
    emit("joined", payload);
    flush();
    if (gap !== undefined) emit("gap", { room: payload.room, ...gap });
  }

  /** Whether the event is the next of its room. A hole is filled by joining again from where we are. */
  function inOrder(name: string | null, at: Position): boolean {
    const room = name === null ? undefined : rooms.get(name);
    if (name === null) return true;
    if (room?.joined !== true) return false;
    const verdict = room.order.event(at);
    if (verdict === "gap") {
      room.joined = false;
      void rejoin(name);
    }
    return verdict === "deliver";
  }

  function sendJoin(room: string, order: RoomOrder): Promise<ServerMessage> {
    const since = order.position;
    const promise = outbox.add({ type: "join_room", payload: since === undefined ? { room } : { room, since } }, false);
    flush();
    return promise;
  }

  /** Joins again what was joined before. A room that refuses us now is lost, and what waits for it learns so from the server. */
  async function rejoin(name: string): Promise<void> {
    try {
      await sendJoin(name, rooms.get(name)!.order);
    } catch (error) {
      // Without a connection nobody has refused us.
      if (!(error instanceof RequestFailed) || error.code === "UNKNOWN" || error.code === "CLOSED") return;
      rooms.delete(name);
      emit("lost", { room: name, code: error.code });
      flush();
    }
  }

  async function ask(request: Parameters<typeof outbox.add>[0], repeatable: boolean): Promise<ServerMessage> {
    const promise = outbox.add(request, repeatable);
    flush();
    return promise;
  }

  return {
    get state() {
      return state;
    },
    get identity() {
      return state === "connected" ? identity : undefined;
    },
    get rooms() {
      return [...rooms.keys()];
    },
    connect() {
      if (state !== "closed") return;
      failures = 0;
      void open(false);
    },
    close() {
      generation++;
      clearTimers();
      socket?.close(1000);
      socket = undefined;
      for (const room of rooms.values()) room.joined = false;
      outbox.failAll("CLOSED", "the client was closed");
      enter("closed");
    },
    async join(room) {
      const known = rooms.get(room);
      if (known?.joined === true) return;
      const order = known?.order ?? createRoomOrder();
      rooms.set(room, { order, joined: false });
      if (state !== "connected") return; // joined as soon as there is a connection
      try {
        await sendJoin(room, order);
      } catch (error) {
        if (isUnknown(error)) return; // joined again with the next connection
        rooms.delete(room);
        throw error;
      }
    },
    async leave(room) {
      rooms.delete(room);
      if (state !== "connected") return;
      try {
        await ask({ type: "leave_room", payload: { room } }, false);
      } catch (error) {
        // With the connection the membership ended as well.
        if (!isUnknown(error)) throw error;
      }
    },
    async chat(room, content) {
      const reply = await ask({ type: "chat", payload: { room, content, key: dependencies.key() } }, true);
      const { epoch, seq } = (reply as Extract<ServerMessage, { type: "ack" }>).payload;
      return { epoch: epoch ?? "", seq: seq ?? 0 };
    },
    async direct(to, content) {
      await ask({ type: "direct", payload: { to, content } }, false);
    },
    async broadcast(content) {
      await ask({ type: "broadcast", payload: { content } }, false);
    },
    typing(room, active) {
      if (state === "connected") transmit({ type: "typing", payload: { room, active } });
    },
    async ping(payload) {
      await ask({ type: "ping", payload }, true);
    },
    on(event, listener) {
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set);
      set.add(listener as (value: never) => void);
      return () => set.delete(listener as (value: never) => void);
    },
  };
}
