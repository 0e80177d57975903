// What every part of the checker of traffic shares: the document, what is remembered, and how values are read.
import type { Channel, Contract, Effect, Message, Stream, Value, Where } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { createValidators, type Validators } from "../../spec/schemas.ts";
import { canonical } from "../model/frame.ts";
import { createProtocol, type Protocol } from "../model/protocol.ts";
import { createRecogniser, type Recogniser } from "../model/recognise.ts";
import { CheckReport } from "./check-report.ts";
import { CheckedConnection, type Cursor } from "./checked-connection.ts";
import { HeartbeatWatch } from "./heartbeat-watch.ts";
import { LimitWatch } from "./limit-watch.ts";
import { OrderWatch } from "./order-watch.ts";
import { ReconnectWatch } from "./reconnect-watch.ts";
import type { TrafficEvent } from "./traffic-event.ts";

export type Framed = Extract<TrafficEvent, { kind: "send" | "receive" }>;
/** The events of a finding: those given, or what the connection did last. */
export type Evidence = readonly TrafficEvent[] | CheckedConnection;
export type Deliver = Extract<Effect, { kind: "deliver" }>;

/** What the first observer saw at a position. */
export interface Seen {
  readonly text: string;
  /** Tuples that are counted there, where that is known. */
  readonly count: number | undefined;
}

/** Positions of a log that are compared between observers. */
export const comparedPositions = 1_024;
export const comparedLogs = 10_000;

export abstract class CheckerBase {
  readonly report = new CheckReport();
  protected readonly contract: Contract;
  protected readonly channel: Channel;
  protected readonly protocol: Protocol;
  protected readonly validators: Validators;
  protected readonly recogniser: Recogniser;
  protected readonly connections = new Map<number, CheckedConnection>();
  protected readonly ignored = new Set<number>();
  /** Log -> position -> what stands there. */
  protected readonly logs = new Map<string, Map<number, Seen>>();
  protected readonly heartbeats: HeartbeatWatch;
  protected readonly limitsKept: LimitWatch;
  protected readonly order: OrderWatch;
  protected readonly reconnects: ReconnectWatch;
  /** Messages so far. */
  messages = 0;

  constructor(contract: Contract, channel: Channel) {
    this.contract = contract;
    this.channel = channel;
    this.protocol = createProtocol(contract, channel.id);
    this.validators = createValidators(contract);
    this.heartbeats = new HeartbeatWatch(channel, this.report);
    this.limitsKept = new LimitWatch(channel, this.report);
    this.order = new OrderWatch(this.protocol, this.report);
    this.reconnects = new ReconnectWatch(channel, this.report);
    this.recogniser = createRecogniser(this.protocol, (name, frame) => this.isValid(name, frame));
  }

  protected cursor(connection: CheckedConnection, stream: Stream, key: unknown): Cursor {
    return this.cursorNamed(connection, `${stream.name} ${keyOf(key)}`);
  }

  protected cursorNamed(connection: CheckedConnection, name: string): Cursor {
    let cursor = connection.cursors.get(name);
    if (cursor === undefined) {
      cursor = { epoch: undefined, next: undefined, again: -1, own: new Set(), from: 0, gaps: new Set(), blind: false };
      connection.cursors.set(name, cursor);
    }
    return cursor;
  }

  protected keyOf(effect: Deliver, stream: Stream, connection: CheckedConnection, frame: unknown): unknown {
    const value = stream.key === undefined ? undefined : effect.bindings.get(stream.key);
    return value === undefined ? undefined : this.value(connection, value, frame);
  }

  protected value(connection: CheckedConnection, value: Value, frame: unknown, reply?: unknown): unknown {
    if (value.kind === "literal") return value.value;
    if (value.kind === "message") return lookup(frame, value.pointer);
    if (value.kind === "sender") return connection.attributes.get(value.attribute);
    return value.kind === "reply" ? lookup(reply, value.pointer) : undefined;
  }

  /** The name of the tuple that `where` means; none where a column is not known. */
  protected tuples(
    connection: CheckedConnection,
    relation: string,
    where: Where,
    frame: unknown,
    reply?: unknown,
  ): readonly string[] {
    const columns = new Map<string, unknown>();
    for (const [column, value] of where) {
      if (column === "connection") continue;
      const known = this.value(connection, value, frame, reply);
      if (known === undefined) return [];
      columns.set(column, known);
    }
    return [nameOf(relation, columns)];
  }

  protected get correlation(): string | undefined {
    return this.protocol.clientMessages.find(({ correlation }) => correlation !== undefined)?.correlation;
  }

  protected textMessage(messages: readonly Message[]): Message | undefined {
    return messages.find(({ format }) => format === "text");
  }

  protected wrongWith({ name, format }: Message, frame: unknown): readonly string[] {
    return format === "json"
      ? this.validators
          .of(name)(frame)
          .map(({ pointer, text }) => `${pointer || "(the whole)"} ${text}`)
      : [];
  }

  protected isValid(name: string, frame: unknown): boolean {
    return this.validators.of(name)(frame).length === 0;
  }

  protected decide(
    holds: boolean,
    rule: string,
    pointer: string,
    expected: string | (() => string),
    actual: string | (() => string),
    evidence: Evidence,
  ): void {
    if (holds) this.report.decide(rule);
    else {
      const [expectedText, actualText] = [expected, actual].map((text) => (typeof text === "string" ? text : text()));
      const events = evidence instanceof CheckedConnection ? evidence.recent() : evidence;
      this.report.fail(rule, pointer, expectedText!, actualText!, events);
    }
  }
}

/** @param columns by name, sorted where there are several */
export function nameOf(relation: string, columns: ReadonlyMap<string, unknown>): string {
  if (columns.size > 1) return `${relation} ${canonical(Object.fromEntries(columns))}`;
  let name = relation;
  for (const [column, value] of columns) name += ` ${column} ${keyOf(value)}`;
  return name;
}

/** A text for each value: quicker than the canonical one where the value is a text. */
export const keyOf = (value: unknown) => (typeof value === "string" ? `"${value}` : canonical(value));
