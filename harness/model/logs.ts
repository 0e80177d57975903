// Logs: the events of one stream under one key, by epoch and seq, as all observers of a run saw them.
import type { Effect, Stream } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "./frame.ts";
import type { Obligations } from "./obligation.ts";
import type { Evaluation } from "./outcomes.ts";
import type { Delivery } from "./protocol.ts";
import { sinceOf, streamKeyOfInvocation } from "./replay-obligations.ts";
import type { Connection, Invocation } from "./trace.ts";

/** A stream whose messages carry their position. */
export type PositionedStream = Stream & { readonly epoch: string; readonly seq: string };

export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** One event as one connection saw it. */
export interface Observation extends Position {
  readonly connection: Connection;
  readonly at: number;
  readonly message: string;
  readonly frame: unknown;
}

/** A reply that carries a position in the log. */
export interface Acknowledgement extends Position {
  readonly invocation: Invocation;
  readonly at: number;
  readonly frame: unknown;
  /** yes: the invocation appended the event at this position. no: it appended nothing. */
  readonly appended: "yes" | "no" | "maybe";
}

export interface Log {
  readonly stream: PositionedStream;
  /** Canonical text of the key. */
  readonly key: string;
  readonly observations: Observation[];
  readonly acknowledgements: Acknowledgement[];
  /** Invocations of this log whose reply should carry a position and does not. */
  readonly withoutPosition: Invocation[];
}

export function positionedStreams({ protocol }: Evaluation): PositionedStream[] {
  const streams = protocol.channel.delivery?.streams ?? [];
  return streams.filter((stream): stream is PositionedStream => stream.epoch !== undefined && stream.seq !== undefined);
}

/** Gathers the logs of all streams that have positions. */
export function collectLogs(evaluation: Evaluation, obligations: Obligations): Log[] {
  const logs = new Map<string, Log>();
  const logOf = (stream: PositionedStream, key: string): Log => {
    const name = `${stream.name} ${key}`;
    const known = logs.get(name);
    if (known !== undefined) return known;
    const log: Log = { stream, key, observations: [], acknowledgements: [], withoutPosition: [] };
    logs.set(name, log);
    return log;
  };
  for (const stream of positionedStreams(evaluation)) {
    for (const connection of evaluation.trace.connections.values()) {
      for (const { at, message, frame, invocation } of connection.received) {
        const position = positionOf(stream, frame);
        if (
          invocation !== undefined ||
          message === undefined ||
          position === undefined ||
          !stream.messages.includes(message.name)
        )
          continue;
        logOf(stream, keyIn(stream, frame)).observations.push({ connection, at, message: message.name, frame, ...position });
      }
    }
    for (const invocation of evaluation.trace.invocations) {
      const key = invocation.outcome === "ok" ? streamKeyOfInvocation(evaluation, invocation, stream.name) : undefined;
      const overHttp = invocation.connection.http !== undefined;
      if (key === undefined || invocation.reply === undefined) continue;
      if (!overHttp && !stream.replies.includes(invocation.reply.message.name)) continue;
      const position = overHttp ? positionByMembers(stream, invocation.reply.frame) : positionOf(stream, invocation.reply.frame);
      // The document does not say that an answer over HTTP has one.
      if (overHttp && position === undefined) continue;
      const log = logOf(stream, key);
      if (position === undefined) log.withoutPosition.push(invocation);
      else
        log.acknowledgements.push({
          invocation,
          at: invocation.reply.at,
          frame: invocation.reply.frame,
          appended: appended(obligations, stream, invocation),
          ...position,
        });
    }
  }
  return [...logs.values()];
}

function appended({ changed, repeats }: Obligations, stream: Stream, invocation: Invocation): "yes" | "no" | "maybe" {
  const effect = invocation.operation?.effects.find(
    (candidate) => candidate.kind === "deliver" && stream.messages.includes(candidate.message),
  );
  if (effect?.kind !== "deliver") return "no";
  const repeat = repeats.get(invocation);
  if (repeat !== undefined) return repeat.certain ? "no" : "maybe";
  return effect.when === "changed" ? (changed.get(invocation) ?? "maybe") : "yes";
}

export function positionOf(stream: PositionedStream, frame: unknown): Position | undefined {
  const epoch = lookup(frame, stream.epoch);
  const seq = lookup(frame, stream.seq);
  return typeof epoch === "string" && typeof seq === "number" ? { epoch, seq } : undefined;
}

export function keyIn(stream: Stream, frame: unknown): string {
  return stream.key === undefined ? "" : canonical(lookup(frame, stream.key));
}

/** The position that an invocation asks to be brought up from: members are named as in the stream's messages. */
export function askedSince(stream: PositionedStream, invocation: Invocation): Position | undefined {
  const replay = replayOf(invocation);
  return positionByMembers(stream, replay === undefined ? undefined : sinceOf(invocation, replay));
}

/** Of an object whose members are named as in the stream's messages. */
function positionByMembers(stream: PositionedStream, value: unknown): Position | undefined {
  const member = (pointer: string) => lookup(value, pointer.slice(pointer.lastIndexOf("/")));
  const epoch = member(stream.epoch);
  const seq = member(stream.seq);
  return typeof epoch === "string" && typeof seq === "number" ? { epoch, seq } : undefined;
}

export function replayOf(invocation: Invocation): Extract<Effect, { kind: "replay" }> | undefined {
  return invocation.operation?.effects.find((effect) => effect.kind === "replay");
}

/**
 * By how much the event that the frame tells of changes the number of tuples; undefined where effects that may have sent it differ.
 * What an effect says in so many words tells them apart.
 */
export function changeBy(deliveries: readonly Delivery[] | undefined, relation: string, frame: unknown): number | undefined {
  const fitting = (deliveries ?? []).filter(({ fixed }) =>
    fixed.every(([pointer, value]) => value.kind !== "literal" || canonical(value.value) === canonical(lookup(frame, pointer))),
  );
  const steps = new Set(fitting.map(({ changes }) => changes.get(relation) ?? 0));
  return steps.size === 1 ? [...steps][0] : undefined;
}
