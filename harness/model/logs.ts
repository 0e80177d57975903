// Logs: the events of one stream under one key, by epoch and seq, as all observers of a run saw them.
import type { Effect, Stream } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "./frame.ts";
import { type Obligations, sinceOf, streamKeyOfAct } from "./obligations.ts";
import type { World } from "./outcomes.ts";
import type { Delivery } from "./protocol.ts";
import type { Act, Link } from "./recording.ts";

/** A stream whose messages say their place. */
export type PositionedStream = Stream & { readonly epoch: string; readonly seq: string };

export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** One event as one connection saw it. */
export interface Sighting extends Position {
  readonly link: Link;
  readonly at: number;
  readonly message: string;
  readonly frame: unknown;
}

/** A reply that says a place in the log. */
export interface Mark extends Position {
  readonly act: Act;
  readonly at: number;
  readonly frame: unknown;
  /** yes: the act appended the event at this place. no: it appended nothing. */
  readonly appended: "yes" | "no" | "maybe";
}

export interface Log {
  readonly stream: PositionedStream;
  /** Canonical text of the key. */
  readonly key: string;
  readonly sightings: Sighting[];
  readonly marks: Mark[];
  /** Acts of this log whose reply should say a place and does not. */
  readonly unmarked: Act[];
}

export function positionedStreams({ protocol }: World): PositionedStream[] {
  const streams = protocol.channel.delivery?.streams ?? [];
  return streams.filter((stream): stream is PositionedStream => stream.epoch !== undefined && stream.seq !== undefined);
}

/** Gathers the logs of all streams that have positions. */
export function collectLogs(world: World, obligations: Obligations): Log[] {
  const logs = new Map<string, Log>();
  const logOf = (stream: PositionedStream, key: string): Log => {
    const name = `${stream.name} ${key}`;
    const known = logs.get(name);
    if (known !== undefined) return known;
    const log: Log = { stream, key, sightings: [], marks: [], unmarked: [] };
    logs.set(name, log);
    return log;
  };
  for (const stream of positionedStreams(world)) {
    for (const link of world.recording.links.values()) {
      for (const { at, message, frame, act } of link.received) {
        const position = positionOf(stream, frame);
        if (act !== undefined || message === undefined || position === undefined || !stream.messages.includes(message.name))
          continue;
        logOf(stream, keyIn(stream, frame)).sightings.push({ link, at, message: message.name, frame, ...position });
      }
    }
    for (const act of world.recording.acts) {
      const key = act.outcome === "done" ? streamKeyOfAct(world, act, stream.name) : undefined;
      const overHttp = act.link.http !== undefined;
      if (key === undefined || act.reply === undefined) continue;
      if (!overHttp && !stream.replies.includes(act.reply.message.name)) continue;
      const position = overHttp ? positionByMembers(stream, act.reply.frame) : positionOf(stream, act.reply.frame);
      // The document does not say that an answer over HTTP has one.
      if (overHttp && position === undefined) continue;
      const log = logOf(stream, key);
      if (position === undefined) log.unmarked.push(act);
      else
        log.marks.push({
          act,
          at: act.reply.at,
          frame: act.reply.frame,
          appended: appended(obligations, stream, act),
          ...position,
        });
    }
  }
  return [...logs.values()];
}

function appended({ changed, repeats }: Obligations, stream: Stream, act: Act): "yes" | "no" | "maybe" {
  const effect = act.operation?.effects.find(
    (candidate) => candidate.kind === "deliver" && stream.messages.includes(candidate.message),
  );
  if (effect?.kind !== "deliver") return "no";
  const repeat = repeats.get(act);
  if (repeat !== undefined) return repeat.certain ? "no" : "maybe";
  return effect.when === "changed" ? (changed.get(act) ?? "maybe") : "yes";
}

export function positionOf(stream: PositionedStream, frame: unknown): Position | undefined {
  const epoch = lookup(frame, stream.epoch);
  const seq = lookup(frame, stream.seq);
  return typeof epoch === "string" && typeof seq === "number" ? { epoch, seq } : undefined;
}

export function keyIn(stream: Stream, frame: unknown): string {
  return stream.key === undefined ? "" : canonical(lookup(frame, stream.key));
}

/** The position that an act asks to be brought up from: members are named as in the stream's messages. */
export function askedSince(stream: PositionedStream, act: Act): Position | undefined {
  const replay = replayOf(act);
  return positionByMembers(stream, replay === undefined ? undefined : sinceOf(act, replay));
}

/** Of an object whose members are named as in the stream's messages. */
function positionByMembers(stream: PositionedStream, value: unknown): Position | undefined {
  const member = (pointer: string) => lookup(value, pointer.slice(pointer.lastIndexOf("/")));
  const epoch = member(stream.epoch);
  const seq = member(stream.seq);
  return typeof epoch === "string" && typeof seq === "number" ? { epoch, seq } : undefined;
}

export function replayOf(act: Act): Extract<Effect, { kind: "replay" }> | undefined {
  return act.operation?.effects.find((effect) => effect.kind === "replay");
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
