// One WebSocket and its session: sockets, timers and queue on one side, the protocol on the other.
import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { closeCodes } from "../generated/protocol.gen.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Drainable } from "./drain.ts";
import { type FanOut, FlushingWebSocket, type Outbox, type OutboxOwner } from "./fan-out.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { LogEvent, LooseEvent } from "./hub/hub.ts";
import { QueueWatch } from "./queue-watch.ts";
import type { Session, Transport } from "./session.ts";

/** The longest that a timer of Node can wait. */
const maxTimerMs = 2 ** 31 - 1;

export interface ConnectionContext {
  readonly clock: Clock;
  readonly config: Pick<Config, "heartbeat" | "limits">;
  /** 0 to 1. */
  random(): number;
  readonly fanOut: FanOut;
  /** Called once, with the close code, when nothing of the connection is left. */
  ended(connection: Connection, code: number): void;
}

/** The WebSocket of a connection knows it. */
export class ConnectionSocket extends FlushingWebSocket {
  connection: Connection | undefined;
}

export class Connection implements Transport, OutboxOwner, Drainable {
  readonly #socket: ConnectionSocket;
  readonly #tcp: Socket;
  readonly #context: ConnectionContext;
  readonly #heartbeat: Heartbeat;
  readonly #outbox: Outbox;
  /** Only for a client that was slow at least once. */
  #watch: QueueWatch | undefined;
  #session: Session | undefined;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #isReading = true;
  #hasEnded = false;

  constructor(socket: ConnectionSocket, tcp: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.#context = context;
    const { clock, config } = context;
    this.#heartbeat = new Heartbeat(config.heartbeat, clock.monotonicMs(), context.random);
    this.#outbox = context.fanOut.createOutbox(socket, tcp, this);
    // ws closes with the right code by itself when a frame is illegal, too big or not UTF-8; without a listener the process would end.
    socket.on("error", ignore);
    socket.connection = this;
    socket.on("message", passMessage);
    socket.on("close", passClose);
    this.#schedule();
  }

  /** Begins the protocol. Nothing may have been read before. */
  start(session: Session): void {
    this.#session = session;
    session.begin();
  }

  get session(): Session | undefined {
    return this.#session;
  }

  send(text: string): void {
    this.#outbox.send(text);
  }

  sendShared(event: LogEvent | LooseEvent): void {
    this.#outbox.sendShared(event);
  }

  written(): void {
    const { limits } = this.#context.config;
    if (this.#watch) this.#watch.look();
    else if (this.#outbox.queuedBytes > Math.min(limits.queuedBytes, limits.queuedBytesSustained)) {
      this.#watch = new QueueWatch(
        limits,
        this.#context.clock,
        () => this.#outbox.queuedBytes,
        () => this.close(closeCodes.SLOW_CONSUMER.code, "too much waits to be read"),
      );
      this.#watch.look();
    }
  }

  /** Says goodbye. The rooms hear of it now, not when the client has answered. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.#endSession();
    // A close frame can only be answered when it is read.
    this.setReading(true);
  }

  announceShutdown(reason: string, reconnectWithinMs: number): void {
    this.#session?.announceShutdown(reason, reconnectWithinMs);
  }

  /** Ends the connection without goodbye. */
  terminate(): void {
    this.#socket.terminate();
  }

  expireAt(dateMs: number): void {
    this.#expiresAtMs = dateMs;
    // The timer goes off early enough for a later moment. Set anew it would have a duration, and in Node a list, of its own.
    const { clock } = this.#context;
    if (dateMs - clock.dateMs() < this.#heartbeat.dueMs - clock.monotonicMs()) this.#schedule();
  }

  setReading(isReading: boolean): void {
    if (isReading === this.#isReading || this.#socket.readyState === this.#socket.CLOSED) return;
    this.#isReading = isReading;
    if (isReading) this.#socket.resume();
    else this.#socket.pause();
  }

  /** From the socket. */
  hasClosed(code: number): void {
    clearTimeout(this.#timer);
    this.#watch?.stop();
    this.#endSession();
    this.#context.ended(this, code);
  }

  /** From the socket. */
  receive(data: RawData, isBinary: boolean): void {
    if (isBinary) this.close(closeCodes.UNSUPPORTED_DATA.code, "text frames only");
    else this.#session?.receive(data.toString());
  }

  #endSession(): void {
    if (this.#hasEnded || !this.#session) return;
    this.#hasEnded = true;
    void this.#session.end();
  }

  // --- one timer for the heartbeat and the token ---

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const { clock } = this.#context;
    const waitMs = Math.min(this.#heartbeat.dueMs - clock.monotonicMs(), this.#expiresAtMs - clock.dateMs(), maxTimerMs);
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, Math.ceil(waitMs)));
  }

  #tick(): void {
    const { clock } = this.#context;
    if (clock.dateMs() >= this.#expiresAtMs) this.close(closeCodes.TOKEN_EXPIRED.code, "no fresh token came");
    else if (this.#beat() === "dead") {
      // If this process itself stalled, the answer may lie in the kernel: read once more before judging.
      setImmediate(() => {
        if (this.#beat() === "dead") this.close(closeCodes.HEARTBEAT_TIMEOUT.code, "no answer to a ping");
        else this.#schedule();
      });
      return;
    }
    this.#schedule();
  }

  #beat(): "ping" | "dead" | "wait" {
    // While we do not read, the peer cannot show that it lives: not a number equals nothing, so it counts as alive.
    const bytesRead = this.#isReading ? this.#tcp.bytesRead : Number.NaN;
    const beat = this.#heartbeat.beat(this.#context.clock.monotonicMs(), bytesRead);
    if (beat === "ping" && this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
    return beat;
  }
}

function ignore(): void {}

// One listener for all sockets instead of a closure for each: an idle connection should cost little.
function passMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  (this as ConnectionSocket).connection?.receive(data, isBinary);
}
function passClose(this: WebSocket, code: number): void {
  (this as ConnectionSocket).connection?.hasClosed(code);
}
