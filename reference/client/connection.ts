// Keeps one connection: opens it, ends one that hangs, and decides when to open the next.
import { subprotocols } from "../../generated/protocol.gen.ts";
import type { Heartbeat } from "../../generated/types.gen.ts";
import { afterClose } from "./after-close.ts";
import type { ClientEvents, ClientOptions, State } from "./api.ts";
import type { ClientDependencies } from "./dependencies.ts";
import { createLiveness } from "./liveness.ts";
import { defaultSockets, type Socket } from "./socket.ts";
import { createTimers } from "./timers.ts";

export interface ConnectionHandlers {
  /** @returns the token for the next attempt @param mustBeFresh the last one was rejected */
  token(mustBeFresh: boolean): Promise<string>;
  /** @param isCurrent false as soon as the connection ended or was closed */
  received(data: unknown, isCurrent: () => boolean): void;
  ping(): void;
  /** Called every few seconds. @returns whether the server owes a reply for too long */
  isStuck(): boolean;
  /** @param forgetPositions the server does not know the positions of the old connection */
  ended(forgetPositions: boolean): void;
  stopped(code: number | undefined, reason: string): void;
  emit<E extends "state" | "waiting" | "problem">(event: E, value: ClientEvents[E]): void;
}

export interface Connection {
  readonly state: State;
  connect(): void;
  close(): void;
  retryNow(): void;
  send(text: string): void;
  /** The server's first message arrived. */
  established(heartbeat: Heartbeat): void;
  /** The server announced a shutdown. */
  shutdownAnnounced(reconnectWithinMs: number): void;
  /** Ends a connection whose server is faulty, and reconnects. */
  drop(): void;
}

/** A connection that lived this long has worked: the back-off starts anew. */
const provenMs = 10_000;
/** Between two attempts, whoever asks for them. */
const leastGapMs = 500;
/** Between two attempts while the browser is offline, or the page hidden and the server failing. */
const restingMs = 30_000;
/** Perhaps a person signs in meanwhile. */
const tokenTimeoutMs = 60_000;
/** A close event follows an error, where it follows at all. */
const errorGraceMs = 1_000;
const watchMs = 2_500;
/** Not a code of the document. */
const silentCode = 4000;
const closing = 2;

const base64url = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text))).replace(/[+/=]/g, (char) => ({ "+": "-", "/": "_" })[char] ?? "");

export function createConnection(
  { url, openSocket, connectTimeoutMs = 10_000 }: ClientOptions,
  handlers: ConnectionHandlers,
  { nowMs, random, setTimer, environment }: ClientDependencies,
): Connection {
  const timers = createTimers<"attempt" | "reconnect" | "heartbeat" | "watch">({ setTimer });
  const liveness = createLiveness({ timers, nowMs, ping: handlers.ping, onSilence: drop });
  let state: State = "closed";
  let socket: Socket | undefined;
  /** Counts attempts. Events of an older one are ignored. */
  let generation = 0;
  let failures = 0;
  let establishedMs: number | undefined;
  let lastAttemptMs = Number.NEGATIVE_INFINITY;
  let spreadMs: number | undefined;
  let tokenWasFresh = false;
  let next = { freshToken: false, dueMs: 0, code: 1006 };
  let unsubscribe = () => {};

  function enter(to: State): void {
    if (state === to) return;
    state = to;
    handlers.emit("state", to);
  }

  async function open(): Promise<void> {
    const mine = ++generation;
    const isCurrent = () => mine === generation;
    const { freshToken } = next;
    lastAttemptMs = nowMs();
    tokenWasFresh ||= freshToken;
    timers.set("attempt", tokenTimeoutMs, () => ended(1006, freshToken));
    enter("connecting");
    if (!isCurrent()) return;
    let opener = openSocket;
    let token: string;
    try {
      opener ??= await defaultSockets();
      token = await handlers.token(freshToken);
    } catch (error) {
      if (!isCurrent()) return;
      // The token is still to be fetched.
      handlers.emit("problem", { source: "token", error });
      if (isCurrent()) ended(1006, freshToken);
      return;
    }
    if (!isCurrent()) return;
    timers.set("attempt", connectTimeoutMs, () => ended(1006));
    try {
      const opened = opener(url, [...subprotocols, `bearer.${base64url(token)}`], {
        opened: () => isCurrent() && establishedMs === undefined && timers.set("attempt", connectTimeoutMs, () => ended(1006)),
        message(data) {
          if (!isCurrent()) return;
          liveness.heard();
          handlers.received(data, isCurrent);
        },
        failed: () => isCurrent() && timers.set("attempt", errorGraceMs, () => ended(1006)),
        closed: (code) => isCurrent() && ended(typeof code === "number" ? code : 1006),
      });
      if (isCurrent()) socket = opened;
      else end(opened);
      if (isCurrent()) watch(false);
    } catch (error) {
      if (!isCurrent()) return;
      handlers.emit("problem", { source: "socket", error });
      // A URL that is none, or one that the page may not open, does not get better.
      if (isCurrent()) stop(undefined, "The socket cannot be opened.");
    }
  }

  /** A server can send a close frame and leave TCP open. No WebSocket of Node reports that, except by its state. */
  function watch(wasClosing: boolean): void {
    timers.set("watch", watchMs, () => {
      const isClosing = (socket?.readyState ?? 0) >= closing;
      if (isClosing && wasClosing) ended(1006);
      else if (handlers.isStuck()) drop();
      else watch(isClosing);
    });
  }

  /** @param code of a server that still reads; default: it does not answer, so it does not read it either */
  function end(one: Socket | undefined, code?: number): void {
    try {
      one?.close(code ?? silentCode);
      if (code === undefined) one?.terminate?.();
    } catch (error) {
      handlers.emit("problem", { source: "socket", error });
    }
  }

  /** @returns the socket that was in use; nothing that it does has an effect any more */
  function detach(): Socket | undefined {
    generation++;
    timers.clearAll();
    const old = socket;
    socket = undefined;
    if (establishedMs !== undefined && nowMs() - establishedMs >= provenMs) {
      failures = 0;
      tokenWasFresh = false;
    }
    establishedMs = undefined;
    return old;
  }

  function ended(code: number, mustBeFresh = false): void {
    end(detach());
    failures++;
    const step = afterClose({ code, failures, spreadMs, tokenWasFresh }, random);
    spreadMs = undefined;
    if (step === undefined) {
      stop(code, `The server closed with ${code}.`);
      return;
    }
    handlers.ended(step.forgetPositions);
    next = { freshToken: step.freshToken || mustBeFresh, dueMs: 0, code };
    const isResting = !environment.isOnline() || (failures > 1 && !environment.isVisible());
    wait(nowMs() + Math.max(step.delayMs, isResting ? restingMs : 0));
  }

  function stop(code: number | undefined, reason: string): void {
    end(detach());
    unsubscribe();
    tokenWasFresh = false;
    next.freshToken = true;
    handlers.ended(false);
    const mine = generation;
    enter("closed");
    if (mine === generation) handlers.stopped(code, reason);
  }

  /** Opens the next connection at the time, or as soon after it as the gap between two attempts allows. */
  function wait(atMs: number): void {
    next.dueMs = Math.max(atMs, lastAttemptMs + leastGapMs);
    const delayMs = Math.max(0, next.dueMs - nowMs());
    const mine = generation;
    timers.set("reconnect", delayMs, () => void open());
    enter("waiting");
    if (mine === generation && state === "waiting") handlers.emit("waiting", { delayMs, code: next.code });
  }

  function retryNow(): void {
    if (state !== "waiting") return;
    const dueMs = Math.max(nowMs(), lastAttemptMs + leastGapMs);
    if (dueMs < next.dueMs) wait(dueMs);
  }

  function environmentChanged(): void {
    if (state === "connected") liveness.probe();
    else if (environment.isOnline() && environment.isVisible()) retryNow();
  }

  function drop(): void {
    if (socket !== undefined) ended(1006);
  }

  return {
    get state() {
      return state;
    },
    connect() {
      if (state !== "closed") return;
      unsubscribe = environment.subscribe(environmentChanged);
      if (nowMs() < lastAttemptMs + leastGapMs) wait(0);
      else void open();
    },
    close() {
      end(detach(), 1000);
      unsubscribe();
      enter("closed");
    },
    retryNow,
    send(text) {
      try {
        socket?.send(text);
      } catch (error) {
        handlers.emit("problem", { source: "socket", error });
      }
    },
    established(advertised) {
      timers.clear("attempt");
      establishedMs = nowMs();
      liveness.start(advertised);
      enter("connected");
    },
    shutdownAnnounced(reconnectWithinMs) {
      spreadMs = reconnectWithinMs;
    },
    drop,
  };
}
