// One WebSocket and its session: connects sockets, timers and the send queue to the protocol.
import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { closeCodes } from "../generated/protocol.gen.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Drainable } from "./drain.ts";
import { type FanOut, FlushingWebSocket } from "./fan-out.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { EphemeralEvent, LogEvent } from "./hub/hub.ts";
import { Limiter, type Rate } from "./limiter.ts";
import type { Outbox } from "./outbox.ts";
import type { Session } from "./session.ts";
import type { Transport } from "./session-context.ts";
import { SlowConsumerDetector } from "./slow-consumer-detector.ts";
import { maxBytesAfterEnd } from "./sockets.ts";

/** How long a client's frames are parsed after a close frame was sent, in ms. */
const readAfterCloseMs = 1_000;
/** Pings and pongs that a client may send beside its answers to heartbeats. Browsers send none. */
const controlFrameRate = (heartbeatMs: number): Rate => ({ burst: 100, perSecond: 10 + 2_000 / heartbeatMs });
/** The longest delay of a Node timer. */
const maxTimerMs = 2 ** 31 - 1;

export interface ConnectionContext {
  readonly clock: Clock;
  readonly config: Pick<Config, "heartbeat" | "limits">;
  /** 0 to 1. */
  random(): number;
  readonly fanOut: FanOut;
  /** Called once, when a close frame is sent or the answer to one. */
  closing(tcp: Socket): void;
  /** Called once, when the connection is gone. @param code the server's own close code where it closed first */
  ended(connection: Connection, code: number): void;
}

/** A WebSocket with a reference to its connection. */
export class ConnectionSocket extends FlushingWebSocket {
  connection: Connection | undefined;

  /** ws calls this too, for invalid frames and for the answer to a close frame. */
  override close(code?: number, reason?: string | Buffer): void {
    const isFirst = this.readyState === this.OPEN;
    super.close(code, reason);
    if (isFirst) this.connection?.hasSentClose(code);
  }
}

export class Connection implements Transport, Drainable {
  /** Of the client, as far as it is known. */
  readonly address: string | undefined;
  readonly #socket: ConnectionSocket;
  readonly #tcp: Socket;
  readonly #context: ConnectionContext;
  readonly #heartbeat: Heartbeat;
  readonly outbox: Outbox;
  /** Made when the client is slow for the first time. */
  #slowConsumer: SlowConsumerDetector | undefined;
  #session: Session | undefined;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #isReading = true;
  #hasEnded = false;
  /** While the greeting can go out with the response to the upgrade. */
  #isStarting = false;
  #isClosing = false;
  /** Of the close frame that was sent; undefined where it has none. */
  #closeCode: number | undefined;
  #controlFrames: Limiter | undefined;

  constructor(socket: ConnectionSocket, tcp: Socket, address: string | undefined, context: ConnectionContext) {
    this.address = address;
    this.#socket = socket;
    this.#tcp = tcp;
    this.#context = context;
    const { clock, config } = context;
    this.#heartbeat = new Heartbeat(config.heartbeat, clock.monotonicMs(), context.random);
    this.outbox = context.fanOut.createOutbox(socket, tcp, () => this.#checkQueue());
    // ws itself closes with the right code when a frame is invalid, too big or not UTF-8. Without a listener the process would end.
    socket.on("error", ignore);
    socket.connection = this;
    socket.on("message", passMessage);
    socket.on("close", passClose);
    socket.on("ping", passControlFrame);
    socket.on("pong", passControlFrame);
    this.#schedule();
  }

  /** Starts the protocol. No frame may have been read before. */
  start(session: Session): void {
    this.#session = session;
    this.#isStarting = true;
    session.begin();
    this.#isStarting = false;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  send(text: string): void {
    if (this.#isStarting) this.outbox.sendAtOnce(text);
    else this.outbox.send(text);
  }

  sendShared(event: LogEvent | EphemeralEvent): void {
    this.outbox.sendShared(event);
  }

  #checkQueue(): void {
    const { limits } = this.#context.config;
    if (this.#slowConsumer) this.#slowConsumer.check();
    else if (this.outbox.queuedBytes > Math.min(limits.queuedBytes, limits.queuedBytesSustained)) {
      this.#slowConsumer = new SlowConsumerDetector(
        limits,
        this.#context.clock,
        () => this.outbox.queuedBytes,
        () => this.close(closeCodes.SLOW_CONSUMER.code, "the send queue is full"),
      );
      this.#slowConsumer.check();
    }
  }

  /** Sends a close frame. The rooms are left now, not when the client answers. */
  close(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.#socket.close(code, reason);
    // The answer to the close frame must be read.
    this.setReading(true);
  }

  /** A close frame was sent: the client may answer, and little else of it is read. */
  hasSentClose(code: number | undefined): void {
    this.#isClosing = true;
    this.#closeCode = code;
    this.#endSession();
    this.#context.closing(this.#tcp);
    clearTimeout(this.#timer);
    const limitBytes = this.#tcp.bytesRead + maxBytesAfterEnd;
    this.#tcp.on("data", () => {
      if (this.#tcp.bytesRead > limitBytes) this.#stopReading();
    });
    this.#timer = setTimeout(() => {
      if (this.#tcp.bytesRead <= limitBytes) this.#discardInput(limitBytes);
    }, readAfterCloseMs);
  }

  /** The kernel makes the client wait until ws ends the connection. Hanging up now could destroy the close frame before a slow client has received it. */
  #stopReading(): void {
    this.#socket.pause();
    this.#tcp.removeAllListeners("data");
  }

  /**
   * Takes what little still comes without parsing it, until ws ends the connection. With unread bytes the kernel would answer the end with
   * a reset, which would destroy what a slow client has not received yet, the close frame too.
   */
  #discardInput(limitBytes: number): void {
    this.#stopReading();
    this.#tcp.on("data", () => {
      if (this.#tcp.bytesRead > limitBytes) this.#stopReading();
    });
    this.#tcp.resume();
  }

  announceShutdown(reason: string, reconnectWithinMs: number): void {
    this.#session?.announceShutdown(reason, reconnectWithinMs);
  }

  /** Ends the connection without a close frame. */
  terminate(): void {
    this.#socket.terminate();
  }

  expireAt(dateMs: number): void {
    this.#expiresAtMs = dateMs;
    // For a later time the running timer is early enough. A new one would have its own duration, and Node keeps a list per duration.
    const { clock } = this.#context;
    if (dateMs - clock.dateMs() < this.#heartbeat.dueMs - clock.monotonicMs()) this.#schedule();
  }

  setReading(isReading: boolean): void {
    if (isReading === this.#isReading || this.#socket.readyState === this.#socket.CLOSED) return;
    this.#isReading = isReading;
    if (isReading) this.#socket.resume();
    else this.#socket.pause();
  }

  /** The socket has closed. */
  hasClosed(code: number): void {
    clearTimeout(this.#timer);
    this.#slowConsumer?.stop();
    this.#endSession();
    this.#context.ended(this, this.#closeCode ?? code);
  }

  /** A message from the socket. */
  receive(data: RawData, isBinary: boolean): void {
    if (isBinary) this.close(closeCodes.UNSUPPORTED_DATA.code, "text frames only");
    else this.#session?.receive(data.toString());
  }

  /** Counts pings and pongs. ws answers a ping itself. */
  receiveControlFrame(): void {
    if (this.#isClosing) return;
    this.#controlFrames ??= new Limiter(controlFrameRate(this.#context.config.heartbeat.intervalMs));
    if (this.#controlFrames.take(this.#context.clock.monotonicMs()) === undefined) return;
    this.close(closeCodes.RATE_LIMITED.code, "too many pings or pongs");
  }

  #endSession(): void {
    if (this.#hasEnded || !this.#session) return;
    this.#hasEnded = true;
    void this.#session.end();
  }

  // --- one timer for heartbeat and token expiry ---

  #schedule(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    clearTimeout(this.#timer);
    const { clock } = this.#context;
    const waitMs = Math.min(this.#heartbeat.dueMs - clock.monotonicMs(), this.#expiresAtMs - clock.dateMs(), maxTimerMs);
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, Math.ceil(waitMs)));
  }

  #tick(): void {
    const { clock } = this.#context;
    if (clock.dateMs() >= this.#expiresAtMs) this.close(closeCodes.TOKEN_EXPIRED.code, "the token has expired");
    else if (this.#checkHeartbeat() === "dead") {
      // If this process stalled, the answer may be in the kernel: read once more before deciding.
      setImmediate(() => {
        if (this.#checkHeartbeat() === "dead") this.close(closeCodes.HEARTBEAT_TIMEOUT.code, "no answer to a ping");
        else this.#schedule();
      });
      return;
    }
    this.#schedule();
  }

  #checkHeartbeat(): "ping" | "dead" | "wait" {
    // While reading is paused the peer counts as alive, because NaN equals nothing.
    const bytesRead = this.#isReading ? this.#tcp.bytesRead : Number.NaN;
    const action = this.#heartbeat.check(this.#context.clock.monotonicMs(), bytesRead);
    if (action === "ping" && this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
    return action;
  }
}

function ignore(): void {}

// One function for all sockets, not a closure for each, so that an idle connection needs little memory.
function passMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  (this as ConnectionSocket).connection?.receive(data, isBinary);
}
function passControlFrame(this: WebSocket): void {
  (this as ConnectionSocket).connection?.receiveControlFrame();
}
function passClose(this: WebSocket, code: number): void {
  (this as ConnectionSocket).connection?.hasClosed(code);
}
