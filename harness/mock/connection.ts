// One WebSocket of the mock: joins a socket to its session, with heartbeat, expiry, the queue and the first message due.
import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { isWebSocketPing } from "../../spec/contract.ts";
import type { Engine } from "./engine.ts";
import type { OutgoingFaults } from "./faults.ts";
import type { Session, Transport } from "./session.ts";

export interface ConnectionOptions {
  readonly engine: Engine;
  /** How late everything goes out, in ms. */
  readonly latencyMs: number;
  readonly faults: OutgoingFaults;
  /** 0 to 1. */
  random(): number;
  onReceived(session: Session, text: string): void;
}

/** The longest delay of a Node timer. */
const maxTimerMs = 2 ** 31 - 1;
/** RFC 6455 section 7.4.1. */
const policyViolation = 1008;
/** Pings and pongs that a client may send at once, and each second. */
const controlFrames = { burst: 100, perSecond: 20 };

export class Connection implements Transport {
  readonly session: Session | undefined;
  readonly #socket: WebSocket;
  readonly #tcp: Socket;
  readonly #options: ConnectionOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  #expiry: NodeJS.Timeout | undefined;
  #queueTimer: NodeJS.Timeout | undefined;

  constructor(
    socket: WebSocket,
    tcp: Socket,
    claims: ReadonlyMap<string, unknown>,
    expiresAtMs: number,
    options: ConnectionOptions,
  ) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.#options = options;
    const { engine } = options;
    socket.on("error", () => undefined);
    this.session = engine.open(this, claims, expiresAtMs);
    socket.on("close", () => this.#ended());
    const { session } = this;
    if (session === undefined) return;
    socket.on("message", (data: RawData, isBinary: boolean) => this.#receive(session, data, isBinary));
    let control = controlFrames.burst;
    const count = () => {
      control -= 1;
      if (control < 0) this.close(policyViolation, "too many control frames");
    };
    this.#every(1_000, () => {
      control = Math.min(controlFrames.burst, control + controlFrames.perSecond);
    });
    socket.on("ping", count);
    socket.on("pong", count);
    this.#startTimers(session);
  }

  send(text: string, name: string | undefined): void {
    for (const act of this.#options.faults(text, name, this.session?.id ?? 0)) {
      if (act.kind === "send") this.#later(act.ms ?? 0, () => this.#write(act.text));
      else if (act.kind === "close") this.#later(0, () => this.close(act.code, ""));
      else this.#later(0, () => this.#tcp.destroy());
    }
  }

  close(code: number, reason: string): void {
    if (this.session !== undefined) this.#options.engine.end(this.session);
    this.#later(0, () => {
      if (code >= 1000) this.#socket.close(code, reason);
      else this.#socket.terminate();
    });
  }

  /** Ends the connection without a close frame. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** The credential is another one: the timer is set anew. */
  renewed(): void {
    const { session } = this;
    const grace = this.#options.engine.channel.limits.find(({ kind }) => kind === "credential-grace");
    clearTimeout(this.#expiry);
    if (session === undefined || session.expiresAtMs === Number.POSITIVE_INFINITY || grace?.close === undefined) return;
    const code = grace.close;
    const waitMs = session.expiresAtMs + this.#options.engine.numbers.limit(grace) - this.#options.engine.nowMs();
    this.#expiry = setTimeout(() => this.close(code, "the credential has expired"), Math.min(Math.max(waitMs, 1), maxTimerMs));
  }

  #write(text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(text);
    this.#checkQueue();
  }

  /** Everything is as late as everything else, so that the order stays. */
  #later(ms: number, act: () => void): void {
    const waitMs = this.#options.latencyMs + ms;
    if (waitMs === 0) act();
    else {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        act();
      }, waitMs);
      this.#timers.add(timer);
    }
  }

  #receive(session: Session, data: RawData, isBinary: boolean): void {
    if (session.ended) return;
    if (isBinary) {
      const code = this.#declared(1003);
      if (code !== undefined) this.close(code, "text frames only");
      return;
    }
    const text = data.toString();
    this.#options.onReceived(session, text);
    const limit = this.#options.engine.channel.limits.find(({ kind }) => kind === "message-bytes");
    if (
      limit?.close !== undefined &&
      limit.close !== 1009 &&
      Buffer.byteLength(text) > this.#options.engine.numbers.limit(limit)
    ) {
      this.close(limit.close, "the message is too long");
      return;
    }
    this.#options.engine.receive(session, text);
  }

  /** The code, where the document declares it. */
  #declared(code: number): number | undefined {
    return this.#options.engine.channel.closeCodes.find((one) => one.code === code)?.code;
  }

  #checkQueue(): void {
    const { engine } = this.#options;
    for (const limit of engine.channel.limits) {
      if (limit.kind !== "queued-bytes" || limit.close === undefined) continue;
      const code = limit.close;
      const isOver = () => this.#socket.bufferedAmount > engine.numbers.limit(limit);
      if (!isOver()) continue;
      if (limit.forMs === 0) {
        this.close(code, "the send queue is full");
        return;
      }
      this.#queueTimer ??= setTimeout(() => {
        this.#queueTimer = undefined;
        if (isOver()) this.close(code, "the send queue is full");
      }, limit.forMs);
    }
  }

  #startTimers(session: Session): void {
    const { engine, random } = this.#options;
    const { heartbeat, limits } = engine.channel;
    this.renewed();
    for (const limit of limits) {
      if (limit.kind !== "first-message" || limit.close === undefined) continue;
      const code = limit.close;
      this.#after(engine.numbers.limit(limit), () => {
        if (!session.seen.has(limit.message)) this.close(code, `${limit.message} did not come`);
      });
    }
    if (heartbeat === undefined) return;
    const { intervalMs, timeoutMs } = engine.numbers;
    let pongs = 0;
    this.#socket.on("pong", () => {
      pongs += 1;
    });
    const answers = () => (heartbeat.answeredBy === "pong" ? pongs : this.#tcp.bytesRead);
    /** Each ping is answered by what comes after it, whatever was asked meanwhile. */
    const expireAfter = (ms: number) => {
      const before = answers();
      this.#after(ms, () => {
        // What the kernel holds is read first.
        setImmediate(() => {
          if (answers() === before && heartbeat.close !== undefined) this.close(heartbeat.close, "no answer to the heartbeat");
        });
      });
    };
    if (heartbeat.by === "client") {
      const watch = () => {
        expireAfter(intervalMs + timeoutMs);
        this.#after(intervalMs, watch);
      };
      watch();
      return;
    }
    const beat = () =>
      this.#after(intervalMs * (1 - heartbeat.jitter * random()), () => {
        if (this.#socket.readyState !== this.#socket.OPEN) return;
        if (isWebSocketPing(heartbeat)) this.#socket.ping();
        else this.send(JSON.stringify(engine.factory.build(heartbeat.frame, [])), heartbeat.frame);
        expireAfter(timeoutMs);
        beat();
      });
    beat();
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        if (this.session?.ended === false) act();
      },
      Math.min(Math.max(1, ms), maxTimerMs),
    );
    this.#timers.add(timer);
  }

  #every(ms: number, act: () => void): void {
    const timer = setInterval(act, ms);
    this.#timers.add(timer);
  }

  #ended(): void {
    if (this.session !== undefined) this.#options.engine.end(this.session);
    for (const timer of this.#timers) clearTimeout(timer);
    clearTimeout(this.#expiry);
    clearTimeout(this.#queueTimer);
  }
}
