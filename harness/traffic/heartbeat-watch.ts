// Heartbeats in recorded traffic: whether they come, whether they are answered, and whether the server closes for want of an answer, and only then.
import { type Channel, isWebSocketPing } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import type { CheckReport } from "./check-report.ts";
import type { CheckedConnection } from "./checked-connection.ts";
import type { TrafficEvent } from "./traffic-event.ts";

/** What the network and a busy machine may add to a time. Who never sends a heartbeat is found all the same. */
const slackMs = 10_000;
/** The clock of the recording beside that of the server. */
const clockSlackMs = 100;

interface Beats {
  /** The history has the pings of this connection. */
  isComplete: boolean;
  lastMs: number;
  /** The oldest heartbeat without an answer. */
  waiting: TrafficEvent | undefined;
  lastClientMs: number;
}

export class HeartbeatWatch {
  readonly #channel: Channel;
  readonly #report: CheckReport;
  readonly #beats = new Map<number, Beats>();

  constructor(channel: Channel, report: CheckReport) {
    this.#channel = channel;
    this.#report = report;
  }

  opened(event: Extract<TrafficEvent, { kind: "open" }>): void {
    const { heartbeat } = this.#channel;
    if (heartbeat === undefined) return;
    const isComplete = !isWebSocketPing(heartbeat) || event.control === true;
    this.#beats.set(event.connection, { isComplete, lastMs: event.atMs, waiting: undefined, lastClientMs: event.atMs });
  }

  /** A ping or pong that the recording proxy saw. */
  control(connection: CheckedConnection, event: Extract<TrafficEvent, { kind: "note" }>): void {
    const { heartbeat } = this.#channel;
    const beats = this.#beats.get(connection.id);
    const [, what, by] = /^WebSocket (ping|pong) by the (client|server)$/.exec(event.text) ?? [];
    if (heartbeat === undefined || beats === undefined || what === undefined) return;
    this.#pass(connection, beats, event);
    if (what === "ping" && by === heartbeat.by && isWebSocketPing(heartbeat)) this.#beat(connection, beats, event);
    else if (by === "client") this.#answered(beats, event);
  }

  /** @param name of the message; undefined where it is none */
  message(connection: CheckedConnection, event: TrafficEvent, name: string | undefined): void {
    const { heartbeat } = this.#channel;
    const beats = this.#beats.get(connection.id);
    if (heartbeat === undefined || beats === undefined) return;
    this.#pass(connection, beats, event);
    const isBeat = !isWebSocketPing(heartbeat) && name === heartbeat.frame;
    if (isBeat && event.kind === (heartbeat.by === "server" ? "receive" : "send")) this.#beat(connection, beats, event);
    else if (event.kind === "send" && (heartbeat.answeredBy === "any-frame" || name === heartbeat.answer))
      this.#answered(beats, event);
  }

  closed(connection: CheckedConnection, event: Extract<TrafficEvent, { kind: "close" }>): void {
    const { heartbeat } = this.#channel;
    const beats = this.#beats.get(connection.id);
    this.#beats.delete(connection.id);
    if (heartbeat === undefined || beats === undefined || !beats.isComplete || connection.hungUp) return;
    if (event.code !== heartbeat.close) {
      this.#pass(connection, beats, event);
      return;
    }
    const since = heartbeat.by === "client" ? beats.lastClientMs : beats.waiting?.atMs;
    const { intervalMs, timeoutMs } = this.#times(connection);
    const leastMs = (heartbeat.by === "client" ? intervalMs : timeoutMs) * 0.9 - clockSlackMs;
    // The network may hold an answer back for a while, which short times do not tell from a server that did not wait.
    if (since === undefined && timeoutMs < slackMs && event.atMs - beats.lastMs < timeoutMs + slackMs) return;
    if (since !== undefined && event.atMs - since >= leastMs) {
      this.#report.decide("heartbeat-closes-only-the-silent");
      const rule = heartbeat.by === "client" ? "client-heartbeat-interval" : "client-answers-heartbeat";
      const silence = `silence, until the server closed with ${event.code}`;
      this.#report.fail(rule, heartbeat.pointer, "an answer to each heartbeat", silence, connection.recent());
    } else
      this.#report.fail(
        "heartbeat-closes-only-the-silent",
        heartbeat.pointer,
        `no close with ${event.code} before ${timeoutMs} ms of silence`,
        since === undefined ? "every heartbeat was answered" : `${Math.round(event.atMs - since)} ms after the heartbeat`,
        connection.recent(),
      );
  }

  #beat(connection: CheckedConnection, beats: Beats, event: TrafficEvent): void {
    const { by } = this.#channel.heartbeat!;
    this.#report.decide(by === "server" ? "heartbeat-interval" : "client-heartbeat-interval");
    beats.isComplete = true;
    beats.lastMs = event.atMs;
    if (by === "server") beats.waiting ??= event;
    else beats.lastClientMs = event.atMs;
    void connection;
  }

  #answered(beats: Beats, event: TrafficEvent): void {
    if (beats.waiting !== undefined) {
      this.#report.decide("client-answers-heartbeat");
      beats.waiting = undefined;
    }
    beats.lastClientMs = event.atMs;
  }

  /** Time has passed up to this event: what should have come by now is missing. */
  #pass(connection: CheckedConnection, beats: Beats, event: TrafficEvent): void {
    const { by, pointer, close } = this.#channel.heartbeat!;
    const { intervalMs, timeoutMs } = this.#times(connection);
    if (!beats.isComplete || connection.hungUp) return;
    const silentMs = event.atMs - beats.lastMs;
    if (silentMs > intervalMs * 2 + slackMs) {
      const rule = by === "server" ? "heartbeat-interval" : "client-heartbeat-interval";
      const actual = `none for ${Math.round(silentMs)} ms`;
      this.#report.fail(rule, pointer, `a heartbeat every ${intervalMs} ms`, actual, [...connection.recent(), event]);
      beats.lastMs = event.atMs;
    }
    const { waiting } = beats;
    if (waiting === undefined || event.kind === "send" || event.atMs - waiting.atMs <= timeoutMs + slackMs) return;
    beats.waiting = undefined;
    const waitedMs = Math.round(event.atMs - waiting.atMs);
    const evidence = [waiting, event];
    this.#report.fail(
      "client-answers-heartbeat",
      pointer,
      `an answer within ${timeoutMs} ms`,
      `none for ${waitedMs} ms`,
      evidence,
    );
    if (close !== undefined && event.kind === "receive" && waitedMs > timeoutMs * 2 + slackMs)
      this.#report.fail(
        "heartbeat-closes-the-silent",
        pointer,
        `close code ${close}`,
        `a message after ${waitedMs} ms`,
        evidence,
      );
    else this.#report.decide("heartbeat-closes-the-silent");
  }

  /** As the first message says, else as the document does. */
  #times({ first }: CheckedConnection): { readonly intervalMs: number; readonly timeoutMs: number } {
    const { advertised, intervalMs, timeoutMs } = this.#channel.heartbeat!;
    const told = (at: string | undefined, otherwise: number) => {
      const value = at === undefined ? undefined : lookup(first, at);
      return typeof value === "number" ? value : otherwise;
    };
    return { intervalMs: told(advertised.intervalMs, intervalMs), timeoutMs: told(advertised.timeoutMs, timeoutMs) };
  }
}
